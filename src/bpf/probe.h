// SPDX-License-Identifier: Apache-2.0
// What the probes of features.h are made of. Not for use outside them.
#pragma once

#include <bpf/bpf.h>
#include <bpf/btf.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "bpf/capabilities.h"
#include "bpf/features.h"
#include "bpf/probe_assembly.h"

namespace subfloor::bpf::probe {

struct Outcome {
  State state = State::unknown;
  std::string why;
};

[[nodiscard]] inline Outcome yes(std::string remark = "") { return {State::yes, std::move(remark)}; }
[[nodiscard]] inline Outcome no(std::string why) { return {State::no, std::move(why)}; }
[[nodiscard]] inline Outcome unknown(std::string why) { return {State::unknown, std::move(why)}; }

// yes, or no with the error as the reason.
template <class T>
[[nodiscard]] Outcome outcome(const Result<T>& result) {
  return result ? yes() : no(result.error().message);
}

struct Program {
  bpf_prog_type type = BPF_PROG_TYPE_UNSPEC;
  bpf_attach_type attach_type = static_cast<bpf_attach_type>(0);
  std::string target;  // of tracing programs: a name in the kernel's BTF; "" for none
  std::uint32_t target_kind = BTF_KIND_FUNC;
  Assembly code;
  int fd_of_function_types = -1;  // where the code has functions of its own
  std::vector<bpf_func_info> functions;
};

// What probes share; everything in it is made when first asked for, and gone with it.
class Workbench {
 public:
  Workbench();
  ~Workbench();
  Workbench(const Workbench&) = delete;
  Workbench& operator=(const Workbench&) = delete;

  // The kernel's own types.
  [[nodiscard]] Result<const btf*> types();
  [[nodiscard]] Result<int> type_id(const std::string& name, std::uint32_t kind);

  // Error: errno in words and the verifier's reason.
  [[nodiscard]] Result<Fd> load(const Program& program);

  // An empty cgroup below the v2 mount.
  [[nodiscard]] Result<int> cgroup();

  // Whether the calling thread is in a network namespace that nobody else is in. Programs that see all its traffic are
  // attached nowhere else: there, a defect of a probe would meet real traffic.
  [[nodiscard]] const Result<>& own_network() const { return own_network_; }
  void set_own_network(Result<> made) { own_network_ = std::move(made); }

  // An array map with one 64-bit count, for programs that are to prove that they run.
  [[nodiscard]] Result<int> counter();
  [[nodiscard]] std::uint64_t count() const;
  void reset_count();

 private:
  struct Free {
    void operator()(btf* types) const { btf__free(types); }
  };
  std::unique_ptr<btf, Free> types_;
  bool types_tried_ = false;
  int types_error_ = 0;
  Fd cgroup_;
  std::string cgroup_path_;
  Fd counter_;
  Result<> own_network_ = fail("no network namespace was made");
  std::vector<char> log_;
};

struct Probe {
  std::string name;
  std::string group;
  CapabilitySet needs;
  std::string used_by;
  std::function<Outcome(Workbench&)> run;
};

inline constexpr CapabilitySet bpf_only{CAP_BPF};
inline constexpr CapabilitySet tracing{CAP_BPF, CAP_PERFMON};
inline constexpr CapabilitySet networking{CAP_BPF, CAP_NET_ADMIN};

[[nodiscard]] std::vector<Probe> system_probes();
[[nodiscard]] std::vector<Probe> map_probes();
[[nodiscard]] std::vector<Probe> tracing_probes();
[[nodiscard]] std::vector<Probe> enforcement_probes();
[[nodiscard]] std::vector<Probe> cgroup_probes();
// Run in a thread with a new network namespace around them; see in_new_network().
[[nodiscard]] std::vector<Probe> network_probes();

// Runs the task in a thread of its own, which takes with it what a thread cannot give back. Error: it did not run.
[[nodiscard]] Result<> in_new_thread(const std::function<void()>& task);

// "none", "integrity" or "confidentiality".
[[nodiscard]] Result<std::string> lockdown_mode();

// Runs the task in a thread of its own with a network namespace of its own. Error: none was to be had, and the
// task did not run.
[[nodiscard]] Result<> in_new_network(const std::function<void()>& task);

// A link made by bpf(BPF_LINK_CREATE), or by one of the older ways of attaching; closing it detaches.
[[nodiscard]] Result<Fd> make_link(int program, int target, bpf_attach_type type,
                                   const bpf_link_create_opts* options = nullptr);

}  // namespace subfloor::bpf::probe
