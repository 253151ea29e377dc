// SPDX-License-Identifier: Apache-2.0
// The capabilities that matter to Subfloor, and which of them this process has.
#pragma once

#include <linux/capability.h>

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace subfloor::bpf {

struct CapabilitySet {
  std::uint64_t bits = 0;

  constexpr CapabilitySet() = default;
  constexpr CapabilitySet(std::initializer_list<int> numbers) {
    for (const int number : numbers) bits |= std::uint64_t{1} << number;
  }
  [[nodiscard]] constexpr bool has(int number) const { return (bits >> number & 1) != 0; }
  [[nodiscard]] constexpr CapabilitySet operator&(CapabilitySet other) const {
    other.bits &= bits;
    return other;
  }
  [[nodiscard]] constexpr CapabilitySet operator|(CapabilitySet other) const {
    other.bits |= bits;
    return other;
  }
  [[nodiscard]] constexpr bool empty() const { return bits == 0; }
};

struct Capabilities {
  CapabilitySet effective;
  // Capabilities of any other user namespace do not count for loading BPF.
  bool initial_user_namespace = true;

  // Those of `needed` that are missing; CAP_SYS_ADMIN stands for BPF, PERFMON and NET_ADMIN, as in the kernel.
  [[nodiscard]] CapabilitySet missing(CapabilitySet needed) const;
};

// Of the calling thread. None where /proc cannot be read.
[[nodiscard]] Capabilities effective_capabilities();

struct KnownCapability {
  int number;
  std::string_view name;   // "CAP_BPF"
  std::string_view gives;  // what Subfloor needs it for
};

[[nodiscard]] const std::vector<KnownCapability>& known_capabilities();

// "CAP_BPF, CAP_PERFMON"
[[nodiscard]] std::string to_string(CapabilitySet set);

}  // namespace subfloor::bpf
