// SPDX-License-Identifier: Apache-2.0
#include "sensors/tls/libraries.h"

#include <bpf/bpf.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <glob.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <filesystem>

#include "base/clock.h"
#include "base/log.h"
#include "elf/elf_file.h"
#include "sensors/tls/tls_abi.h"

namespace subfloor::sensors::tls {
namespace {

constexpr std::size_t max_files = 65536;
constexpr std::size_t max_tasks = 16384;
constexpr Nanoseconds ms = 1'000'000;
constexpr Nanoseconds work_limit = 2 * ms;
constexpr Nanoseconds second_look = 200 * ms;  // after an exec: by then the loader is through
constexpr Nanoseconds late_look = 5'000 * ms;  // and by then, most of what a program loads by itself
constexpr Nanoseconds settled_for = 1'000 * ms;
constexpr Nanoseconds sweep_interval = 10'000 * ms;
constexpr std::array library_names = std::to_array<std::string_view>({"libssl", "libgnutls", "libboringssl"});
constexpr const char* installed[] = {"/usr/lib/libssl.so*",      "/usr/lib/*-linux-gnu*/libssl.so*",
                                     "/usr/lib64/libssl.so*",    "/usr/local/lib*/libssl.so*",
                                     "/usr/lib/libgnutls.so*",   "/usr/lib/*-linux-gnu*/libgnutls.so*",
                                     "/usr/lib64/libgnutls.so*", "/usr/local/lib*/libgnutls.so*"};

bool named_like_a_library(std::string_view path) {
  const std::string_view name = path.substr(path.rfind('/') + 1);
  return std::ranges::any_of(library_names, [&](std::string_view begin) { return name.starts_with(begin); });
}

FileId id_of(const struct stat& status) {
  return {std::uint64_t{major(status.st_dev)} << 32 | minor(status.st_dev), status.st_ino};
}

std::optional<FileId> executable_of(std::uint32_t pid) {
  struct stat status{};
  if (::stat(fmt::format("/proc/{}/exe", pid).c_str(), &status) != 0) return std::nullopt;
  return id_of(status);
}

Fd open_regular(const std::string& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return {};
  return Fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
}

// Whether the path means that file in the mount namespace of the host; where that may not be looked at, in ours.
bool is_of_host(const std::string& path, const FileId& id) {
  Fd file = open_regular("/proc/1/root" + path);
  if (!file && (errno == EACCES || errno == EPERM)) file = open_regular(path);
  return file && id_as_mapped(file.get()) == id;
}

std::vector<std::uint32_t> all_processes() {
  std::vector<std::uint32_t> pids;
  std::error_code error;
  for (std::filesystem::directory_iterator entry("/proc", error), end; !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename();
    std::uint32_t pid = 0;
    const auto [rest, bad] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (bad == std::errc() && rest == name.data() + name.size()) pids.push_back(pid);
  }
  return pids;
}

}  // namespace

std::vector<bpf::Link> Libraries::take_links() {
  std::vector<bpf::Link> links;
  for (auto& [id, file] : files_) {
    if (!file.target) continue;
    std::ranges::move(file.target->links, std::back_inserter(links));
    std::ranges::move(file.target->following_links, std::back_inserter(links));
  }
  return links;
}

void Libraries::take_stock() {
  attach_to_installed();
  for (const std::uint32_t pid : all_processes()) look_at(pid, Look::quick);
}

// Programs that use one of them for a moment are then seen from their first byte on. While nobody does, it costs
// nothing.
void Libraries::attach_to_installed() {
  for (const char* pattern : installed) {
    glob_t found{};
    if (::glob(pattern, GLOB_NOSORT, nullptr, &found) == 0) {
      for (const char* path : std::span(found.gl_pathv, found.gl_pathc)) {
        const Fd file = open_regular(path);
        const auto id = file ? id_as_mapped(file.get()) : std::nullopt;
        if (!id) continue;
        const auto known = files_.find(*id);
        const bool attached =
            known != files_.end() ? known->second.target != nullptr : look_into(file.get(), *id, path, Look::quick);
        if (attached) files_[*id].target->of_host = true;
      }
    }
    ::globfree(&found);
  }
}

void Libraries::on_exec(std::uint32_t pid) {
  leave(pid);
  thorough_.erase(pid);
  if (tasks_.size() >= max_tasks) return;
  const Nanoseconds now = monotonic_now();
  if (const auto executable = executable_of(pid)) {
    const auto settled = executables_.find(*executable);
    if (settled != executables_.end() && now < settled->second + settled_for) return;
  }
  tasks_.push_back({pid, Look::quick, now, false});
  tasks_.push_back({pid, Look::quick, now + second_look, true});
  tasks_.push_back({pid, Look::quick, now + late_look, false});
}

void Libraries::on_exit(std::uint32_t pid) {
  leave(pid);
  thorough_.erase(pid);
}

void Libraries::on_tls(std::uint32_t pid) {
  if (tasks_.size() < max_tasks && thorough_.insert(pid).second) tasks_.push_front({pid, Look::thorough, 0, false});
}

void Libraries::leave(std::uint32_t pid) {
  for (auto& [id, file] : files_) {
    if (file.target) file.target->users.erase(pid);
  }
}

void Libraries::work(Nanoseconds now) {
  const Nanoseconds until = now + work_limit;
  for (std::size_t left = tasks_.size(); left > 0 && monotonic_now() < until; --left) {
    const Task task = tasks_.front();
    tasks_.pop_front();
    if (task.due > now) {
      tasks_.push_back(task);
      continue;
    }
    look_at(task.pid, task.look);
    if (task.sweeps) --to_sweep_;
    if (!task.settles) continue;
    if (executables_.size() >= max_files) executables_.clear();
    if (const auto executable = executable_of(task.pid)) executables_[*executable] = now;
  }
  catch_up_with_following(until);
  sweep(now);
}

void Libraries::look_at(std::uint32_t pid, Look look) {
  const std::optional<FileId> executable = executable_of(pid);
  for (const MappedFile& mapped : mapped_code_of(pid)) {
    const bool is_executable = executable && executable->inode == mapped.id.inode;
    if (look == Look::quick && !is_executable && !named_like_a_library(mapped.path) &&
        !(files_.contains(mapped.id) && files_[mapped.id].target))
      continue;
    examine(pid, mapped, look, is_executable);
  }
}

void Libraries::examine(std::uint32_t pid, const MappedFile& mapped, Look look, bool executable) {
  const auto known = files_.find(mapped.id);
  if (known != files_.end() && known->second.target) {
    known->second.target->users.insert(pid);
    return;
  }
  if (known != files_.end() && (!known->second.refused.empty() || known->second.examined >= look)) return;
  const Fd file = open_mapped(pid, mapped);
  if (!file) return;
  // Only an executable's own symbols can be what it was linked with; a library's are exported.
  if (!look_into(file.get(), mapped.id, mapped.path, executable ? look : Look::quick)) {
    files_[mapped.id].examined = look;
    return;
  }
  Target& target = *files_[mapped.id].target;
  target.users.insert(pid);
  target.of_host = !mapped.deleted && is_of_host(mapped.path, mapped.id);
}

// Whether it is attached to now.
bool Libraries::look_into(int fd, const FileId& id, const std::string& path, Look look) {
  if (files_.size() >= max_files) std::erase_if(files_, [](const auto& entry) { return !entry.second.target; });
  File& file = files_[id];
  if (file.target) return true;
  file.path = path;
  file.examined = look;
  const auto elf = elf::ElfFile::read(fd);
  if (!elf) return false;
  const auto symbols = look == Look::thorough ? elf::ElfFile::Symbols::all : elf::ElfFile::Symbols::exported;
  const auto found = find_functions(*elf, symbols);
  if (found && !*found) return false;
  auto target = found ? attach(fd, **found) : Failure(found.error());
  if (!target) {
    file.refused = target.error().message;
    LOG_WARN("TLS: not attached to {}: {}", path, file.refused);
    return false;
  }
  (*target)->path = path;
  file.target = *std::move(target);
  LOG_INFO("TLS: attached to {} ({})", path, to_string((*found)->library));
  return true;
}

std::uint32_t Libraries::free_number() const {
  std::uint32_t number = 0;
  for (const std::uint32_t used : numbers_) {
    if (used != number) break;
    ++number;
  }
  return number;
}

Result<std::vector<bpf::Link>> Libraries::attach_all(int fd, std::uint32_t number,
                                                     std::span<const Placement> placements) const {
  std::vector<bpf::Link> all;
  for (const Placement& each : placements) {
    TRY_ASSIGN(std::vector<bpf::Link> links,
               settings_.attacher.attach(
                   settings_.program(each.program),
                   {.file = fd, .offsets = each.offsets, .at_return = each.at_return, .cookie = number}));
    std::ranges::move(links, std::back_inserter(all));
  }
  return all;
}

Result<std::unique_ptr<Libraries::Target>> Libraries::attach(int fd, const Functions& found) {
  auto target = std::make_unique<Target>();
  target->library = found.library;
  target->number = free_number();
  if (target->number >= TLS_TARGETS_MAX) return fail(fmt::format("{} files are watched already", TLS_TARGETS_MAX));
  std::uint64_t since = 0;
  if (bpf_map_update_elem(settings_.since_map, &target->number, &since, BPF_ANY) != 0)
    return fail_errno("note a file to be attached to", errno);
  TRY_ASSIGN(target->links, attach_all(fd, target->number, found.placements));
  since = monotonic_now();
  if (bpf_map_update_elem(settings_.since_map, &target->number, &since, BPF_ANY) != 0)
    return fail_errno("note when a file was attached to", errno);
  target->following = found.following;
  if (!target->following.empty()) {
    target->file = Fd(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
    behind_ = true;
  }
  numbers_.insert(target->number);
  return target;
}

// Files that nobody seems to map are let go of, once every process has been looked at again: who mapped one later, or
// was not looked at because its like had been, is only known then.
void Libraries::sweep(Nanoseconds now) {
  if (sweeping_ && to_sweep_ == 0) {
    sweeping_ = false;
    let_go(now);
  }
  if (sweeping_ || now < next_sweep_) return;
  next_sweep_ = now + sweep_interval;
  attach_to_installed();  // an upgrade may have replaced them
  bool unused = false;
  for (auto& [id, file] : files_) {
    if (!file.target) continue;
    Target& target = *file.target;
    if (target.of_host) target.of_host = is_of_host(target.path, id);
    if (target.of_host || !target.users.empty()) {
      target.unused_since = 0;
    } else if (target.unused_since == 0) {
      target.unused_since = now;
    } else {
      unused = unused || now >= target.unused_since + settings_.grace;
    }
  }
  if (!unused) return;
  const std::vector<std::uint32_t> pids = all_processes();
  if (tasks_.size() + pids.size() > max_tasks) return;
  sweeping_ = true;
  to_sweep_ = pids.size();
  for (const std::uint32_t pid : pids) tasks_.push_back({pid, Look::quick, 0, false, true});
}

void Libraries::let_go(Nanoseconds now) {
  std::vector<bpf::Link> links;
  for (auto file = files_.begin(); file != files_.end();) {
    Target* target = file->second.target.get();
    const bool over = target != nullptr && !target->of_host && target->users.empty() && target->unused_since != 0 &&
                      now >= target->unused_since + settings_.grace;
    if (over) {
      LOG_INFO("TLS: detached from {}: no process maps it", target->path);
      numbers_.erase(target->number);
      std::ranges::move(target->links, std::back_inserter(links));
      std::ranges::move(target->following_links, std::back_inserter(links));
      file = files_.erase(file);
    } else {
      ++file;
    }
  }
  detach_meanwhile(std::move(links));
}

void Libraries::detach_meanwhile(std::vector<bpf::Link>&& links) {
  if (!links.empty())
    detaching_ = std::jthread([links = std::move(links)]() mutable { bpf::detach(std::move(links)); });
}

std::string Libraries::why_opaque(std::uint32_t pid) const {
  const std::vector<MappedFile> mapped = mapped_code_of(pid);
  if (mapped.empty()) return "its memory map cannot be read";
  std::string watched;
  for (const MappedFile& each : mapped) {
    const auto known = files_.find(each.id);
    if (known == files_.end()) continue;
    if (!known->second.refused.empty())
      return fmt::format("{} cannot be watched: {}", each.path, known->second.refused);
    if (known->second.target) watched = each.path;
  }
  if (!watched.empty()) return fmt::format("{} is watched, and nothing of these connections went through it", watched);
  return "no known TLS library in its code, nor symbols of one";
}

std::vector<WatchedFile> Libraries::files() const {
  std::vector<WatchedFile> all;
  for (const auto& [id, file] : files_) {
    if (file.target)
      all.push_back({file.path, std::string(to_string(file.target->library)), "", file.target->users.size()});
    else if (!file.refused.empty())
      all.push_back({file.path, "", file.refused, 0});
  }
  return all;
}

}  // namespace subfloor::sensors::tls
