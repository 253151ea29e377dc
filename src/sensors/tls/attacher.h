// SPDX-License-Identifier: Apache-2.0
// Attacher: puts programs on places in a file, for every process that maps it, now or later.
#pragma once

#include <bpf/libbpf.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "bpf/link.h"

namespace subfloor::sensors::tls {

class Attacher {
 public:
  // multi: one link for all places (uprobe.multi); single: a perf event for each. The programs are loaded for it:
  // prepare() is for before.
  enum class How : std::uint8_t { multi, single };

  explicit Attacher(How how) : how_(how) {}

  // Makes an opened, unloaded program one that can be attached so.
  void prepare(bpf_program* program) const;

  struct Places {
    int file = -1;                           // an open descriptor: attached to is this file, whatever its name is
    std::span<const std::uint64_t> offsets;  // in the file
    bool at_return = false;                  // where the functions that begin there return
    std::uint64_t cookie = 0;                // what bpf_get_attach_cookie() says there
  };
  [[nodiscard]] Result<std::vector<bpf::Link>> attach(bpf_program* program, const Places& places) const;

 private:
  How how_;
};

// A function of this program, to try attaching at.
struct OwnFunction {
  Fd file;
  std::uint64_t offset = 0;
};
[[nodiscard]] Result<OwnFunction> find_own_function();

}  // namespace subfloor::sensors::tls
