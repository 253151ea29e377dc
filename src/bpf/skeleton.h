// SPDX-License-Identifier: Apache-2.0
// Skeleton<T>: owns a bpftool skeleton. Opened first (set rodata, choose programs), then loaded.
#pragma once

#include <bpf/libbpf.h>

#include <cerrno>
#include <memory>

#include "base/result.h"

namespace subfloor::bpf {

template <class T>
class Skeleton {
 public:
  [[nodiscard]] static Result<Skeleton> open() {
    T* skeleton = T::open();
    if (skeleton == nullptr) return fail_errno("open BPF object", errno);
    return Skeleton(skeleton);
  }

  [[nodiscard]] Result<> load() {
    if (const int error = T::load(skeleton_.get())) return fail_errno("load BPF object", -error);
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
