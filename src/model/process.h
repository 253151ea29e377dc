// SPDX-License-Identifier: Apache-2.0
// Who did it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace subfloor {

enum class Language : std::uint8_t { unknown, go, rust, cpp, java, python, nodejs, ruby, php, dotnet };

// As in OpenTelemetry's telemetry.sdk.language; "unknown" where it is not known.
[[nodiscard]] std::string_view to_string(Language language);

// A process as it was after its last exec. Fields that could not be learned are empty.
struct Process {
  std::uint32_t pid = 0;         // thread group id in the root pid namespace
  std::uint32_t parent_pid = 0;
  std::uint32_t uid = 0;
  bool uid_known = false;
  Nanoseconds start_time = 0;    // CLOCK_BOOTTIME ns; with pid it names the process for ever
  std::string comm;              // of the thread group leader
  std::string executable;        // path as its mount namespace names it
  std::vector<std::string> arguments;
  bool arguments_truncated = false;
  std::string cgroup;            // path below its hierarchy's mount
  std::string container_id;      // 64 hex digits (or the runtime's own form); empty outside containers
  std::string declared_service;  // what its environment names it, as OpenTelemetry's variables do
  Language language = Language::unknown;

  bool operator==(const Process&) const = default;
};

using ProcessRef = std::shared_ptr<const Process>;

}  // namespace subfloor
