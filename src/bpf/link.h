// SPDX-License-Identifier: Apache-2.0
// Link: an attached program; detached when it goes, which takes the kernel tens of milliseconds where it is a uprobe.
#pragma once

#include <bpf/libbpf.h>

#include <cerrno>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"

namespace subfloor::bpf {

class Link {
 public:
  // Attaches by the program's section name.
  [[nodiscard]] static Result<Link> attach(bpf_program* program) {
    return own(bpf_program__attach(program), bpf_program__name(program));
  }

  // Takes what a bpf_program__attach_… function returned, with errno where that was null.
  [[nodiscard]] static Result<Link> own(bpf_link* link, const std::string& what) {
    if (link == nullptr) return fail_errno("attach " + what, errno);
    return Link(link);
  }

  [[nodiscard]] int fd() const { return bpf_link__fd(link_.get()); }
  [[nodiscard]] const bpf_link* get() const { return link_.get(); }

 private:
  struct Destroy {
    void operator()(bpf_link* link) const { bpf_link__destroy(link); }
  };
  explicit Link(bpf_link* link) : link_(link) {}
  std::unique_ptr<bpf_link, Destroy> link_;
};

// Detaches them at the same time, since the kernel's waits may overlap; returns when all are.
void detach(std::vector<Link>&& links);

}  // namespace subfloor::bpf
