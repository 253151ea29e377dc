// SPDX-License-Identifier: Apache-2.0
// What arguments of system calls are called, and mean.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "model/syscall.h"
#include "rules/event_types.h"

namespace subfloor::detection {

// The open family.
[[nodiscard]] bool opens(rules::EventType type);

// The descriptor that the call was about, or gave.
[[nodiscard]] std::optional<std::int64_t> number_of_descriptor(rules::EventType type, const Syscall& call);

// "O_RDWR|O_CREAT|O_TRUNC" of the flags of open.
[[nodiscard]] std::string open_flags_text(std::uint64_t flags);
// "PTRACE_ATTACH"; empty where it is unknown.
[[nodiscard]] std::string_view ptrace_request_name(std::uint64_t request);
// "AF_PACKET"; empty where it is unknown.
[[nodiscard]] std::string_view address_family_name(std::uint64_t family);

}  // namespace subfloor::detection
