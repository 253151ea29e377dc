// SPDX-License-Identifier: Apache-2.0
#include "bpf/probe.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <thread>

#include "bpf/libbpf_log.h"
#include "bpf/pseudo_fs.h"

namespace subfloor::bpf::probe {

Workbench::Workbench() : log_(64 * 1024) {}

Workbench::~Workbench() {
  if (cgroup_) ::rmdir(cgroup_path_.c_str());
}

Result<const btf*> Workbench::types() {
  if (!types_tried_) {
    types_tried_ = true;
    types_.reset(btf__load_vmlinux_btf());
    if (!types_) types_error_ = errno;
  }
  if (!types_) return fail_errno("read the kernel's BTF", types_error_);
  return types_.get();
}

Result<int> Workbench::type_id(const std::string& name, std::uint32_t kind) {
  TRY_ASSIGN(const btf* all, types());
  const int id = btf__find_by_name_kind(all, name.c_str(), kind);
  if (id < 0) return fail(name + " is not in the kernel's BTF", ENOENT);
  return id;
}

Result<Fd> Workbench::load(const Program& program) {
  LIBBPF_OPTS(bpf_prog_load_opts, options);
  options.expected_attach_type = program.attach_type;
  if (!program.target.empty()) {
    TRY_ASSIGN(const int target, type_id(program.target, program.target_kind));
    options.attach_btf_id = static_cast<std::uint32_t>(target);
  }
  if (program.fd_of_function_types >= 0) {
    options.prog_btf_fd = static_cast<std::uint32_t>(program.fd_of_function_types);
    options.func_info = program.functions.data();
    options.func_info_cnt = static_cast<std::uint32_t>(program.functions.size());
    options.func_info_rec_size = sizeof(bpf_func_info);
  }
  const auto try_it = [&] {
    return bpf_prog_load(program.type, "subfloor_probe", "Dual BSD/GPL", program.code.data(), program.code.size(),
                         &options);
  };
  Fd loaded(try_it());
  if (loaded) return loaded;
  const int error = errno;
  log_.assign(log_.size(), '\0');
  options.log_level = 1;
  options.log_buf = log_.data();
  options.log_size = static_cast<std::uint32_t>(log_.size());
  loaded = Fd(try_it());
  if (loaded) return loaded;
  const std::string reason = last_meaningful_line(log_.data());
  Failure failure = fail_errno("load", error);
  if (!reason.empty()) failure.value().message += ": " + reason;
  return failure;
}

Result<int> Workbench::cgroup() {
  if (cgroup_) return cgroup_.get();
  const std::vector<std::string> mounts = mount_points("cgroup2");
  if (mounts.empty()) return fail("no cgroup v2 file system is mounted", ENOENT);
  cgroup_path_ = fmt::format("{}/subfloor-probe-{}", mounts.front(), ::getpid());
  if (::mkdir(cgroup_path_.c_str(), 0700) != 0 && errno != EEXIST)
    return fail_errno("make a cgroup below " + mounts.front(), errno);
  cgroup_ = Fd(::open(cgroup_path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (cgroup_) return cgroup_.get();
  const int error = errno;
  ::rmdir(cgroup_path_.c_str());
  return fail_errno("open " + cgroup_path_, error);
}

Result<int> Workbench::counter() {
  if (!counter_) {
    counter_ = Fd(bpf_map_create(BPF_MAP_TYPE_ARRAY, "subfloor_probe", 4, 8, 1, nullptr));
    if (!counter_) return fail_errno("create an array map", errno);
  }
  return counter_.get();
}

std::uint64_t Workbench::count() const {
  const std::uint32_t key = 0;
  std::uint64_t value = 0;
  if (bpf_map_lookup_elem(counter_.get(), &key, &value) != 0) return 0;
  return value;
}

void Workbench::reset_count() {
  const std::uint32_t key = 0;
  const std::uint64_t zero = 0;
  (void)bpf_map_update_elem(counter_.get(), &key, &zero, BPF_ANY);
}

Result<> in_new_thread(const std::function<void()>& task) {
  try {
    std::thread(task).join();
  } catch (const std::system_error& refused) {
    return fail_errno("start a thread", refused.code().value());
  }
  return {};
}

Result<> in_new_network(const std::function<void()>& task) {
  int error = 0;
  // A namespace is a thread's own, and goes with the last thread in it.
  TRY(in_new_thread([&] {
    if (::unshare(CLONE_NEWNET) != 0)
      error = errno;
    else
      task();
  }));
  if (error != 0) return fail_errno("make a network namespace", error);
  return {};
}

Result<std::string> lockdown_mode() {
  TRY_ASSIGN(const PseudoFs security, open_pseudo_fs("securityfs"));
  Result<std::string> modes = read_file_at(security.root, "lockdown");
  if (!modes && modes.error().code == ENOENT) return std::string("none");
  if (!modes) return modes;
  // "none [integrity] confidentiality"
  const std::size_t open = modes->find('['), close = modes->find(']');
  if (open == std::string::npos || close == std::string::npos || close < open)
    return fail("cannot read lockdown '" + *modes + "'");
  return modes->substr(open + 1, close - open - 1);
}

Result<Fd> make_link(int program, int target, bpf_attach_type type, const bpf_link_create_opts* options) {
  Fd link(bpf_link_create(program, target, type, options));
  if (!link) return fail_errno("loads, but attach", errno);
  return link;
}

}  // namespace subfloor::bpf::probe
