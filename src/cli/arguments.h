// SPDX-License-Identifier: Apache-2.0
// Flags that several subcommands have: declared in one place, and read in one place.
#pragma once

#include <CLI/CLI.hpp>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "cli/observe.h"
#include "cli/record.h"
#include "cli/replay.h"
#include "cli/top/top.h"

namespace subfloor::cli {

// What was given, as text where it has to be understood yet.
struct Arguments {
  std::string config, output = "table", status, trace, duration, size, ports, topic, bundle;
  ObserveOptions observe;
  ReplayOptions replay;
  RecordOptions record;
  TopCommandOptions top;
  std::string by = "route", sort = "rate", interval;
  bool once = false;
  std::string map_output = "tree", map_by = "service";
  std::vector<std::string> rule_files;
  std::string rule;
};

using Command = std::function<Exit()>;

void add_output(CLI::App& command, Arguments& arguments);
void add_config(CLI::App& command, Arguments& arguments);
// Which calls are shown.
void add_filter(CLI::App& command, Arguments& arguments, CallFilter& filter);
void add_limit(CLI::App& command, std::uint64_t& limit);
// How to attach; `when` is put behind what the flags do.
void add_attaching(CLI::App& command, Arguments& arguments, std::string& rung, const std::string& when);

// These put what the flags say as text into the options; an error is about the flag.
[[nodiscard]] Result<> finish_filter(const Arguments& arguments, CallFilter& filter);
[[nodiscard]] Result<> finish_duration(const Arguments& arguments, Nanoseconds& duration);
[[nodiscard]] Result<> finish_ports(const Arguments& arguments, std::optional<agent::Ports>& ports);

void add_top(CLI::App& app, Arguments& arguments, Command& chosen);

void add_map(CLI::App& app, Arguments& arguments, Command& chosen);

void add_alerts(CLI::App& app, Arguments& arguments, Command& chosen);

void add_rules(CLI::App& app, Arguments& arguments, Command& chosen);

// The subcommands about files.
void add_record(CLI::App& app, Arguments& arguments, Command& chosen);
void add_replay(CLI::App& app, Arguments& arguments, Command& chosen);

}  // namespace subfloor::cli
