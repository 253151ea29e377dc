// SPDX-License-Identifier: Apache-2.0
// Who did it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace subfloor {

enum class Language : std::uint8_t { unknown, go, rust, cpp, java, python, nodejs, ruby, php, dotnet };

// As in OpenTelemetry's telemetry.sdk.language; "unknown" where it is not known.
[[nodiscard]] std::string_view to_string(Language language);

// What rules ask of a process beyond its name, as it was when it began its program.
struct ExecFacts {
  std::uint32_t effective_uid = 0, effective_gid = 0;  // in the root user namespace
  std::uint32_t login_uid = no_login;  // who logged in, whatever the user is now
  std::uint32_t session = 0;    // the process that leads it
  std::uint32_t group = 0;      // process group, as its own pid namespace numbers it
  std::uint32_t own_pid = 0;    // the like; 0: unknown
  std::uint32_t terminal = 0;   // device number; 0: none
  std::uint64_t inheritable = 0, permitted = 0, effective = 0;  // capabilities, bit by bit
  std::string directory;        // in which it began, as its mount namespace names it; empty where unknown
  // Its executable.
  std::uint32_t device = 0;     // major << 20 | minor
  std::uint64_t inode = 0;
  Nanoseconds changed = 0, modified = 0;  // CLOCK_REALTIME
  bool upper_layer = false;     // of an overlay: not from the image
  bool memory_file = false;     // memfd_create: no path leads to it

  static constexpr std::uint32_t no_login = 0xffffffff;
  bool operator==(const ExecFacts&) const = default;
};

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
  std::optional<ExecFacts> facts;  // known of those whose exec was seen

  bool operator==(const Process&) const = default;
};

using ProcessRef = std::shared_ptr<const Process>;

}  // namespace subfloor
