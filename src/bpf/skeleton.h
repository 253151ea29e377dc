// SPDX-License-Identifier: Apache-2.0
// Skeleton<T>: owns a bpftool skeleton. Opened first (set rodata, choose programs), then loaded.
#pragma once

#include <bpf/libbpf.h>

#include <cerrno>
#include <memory>
#include <string>

#include "base/result.h"
#include "bpf/libbpf_log.h"

namespace subfloor::bpf {

template <class T>
class Skeleton {
 public:
  [[nodiscard]] static Result<Skeleton> open() {
    T* skeleton = T::open();
    if (skeleton == nullptr) return fail_errno("open BPF object", errno);
    return Skeleton(skeleton);
  }

  // The error carries the verifier's reason, where it gave one.
  [[nodiscard]] Result<> load() {
    LibbpfLog log;
    if (const int error = T::load(skeleton_.get())) {
      const std::string said = log.take();
      keep_refusal(std::string(bpf_object__name(skeleton_->obj)) + ": " + errno_text(-error), said);
      const std::string reason = last_meaningful_line(said);
      return fail_errno(reason.empty() ? "load BPF object" : "load BPF object: " + reason, -error);
    }
    return {};
  }

  T* operator->() const { return skeleton_.get(); }
  [[nodiscard]] bpf_object* object() const { return skeleton_->obj; }

 private:
  struct Destroy {
    void operator()(T* skeleton) const { T::destroy(skeleton); }
  };
  explicit Skeleton(T* skeleton) : skeleton_(skeleton) {}
  std::unique_ptr<T, Destroy> skeleton_;
};

}  // namespace subfloor::bpf
