// SPDX-License-Identifier: Apache-2.0
#include "cli/arguments.h"

#include <set>

#include "agent/config_units.h"
#include "protocols/session.h"

namespace subfloor::cli {
namespace {

// Protocols, and families of them, by name.
std::set<std::string_view> protocol_names() {
  std::set<std::string_view> names;
  const auto add = [&](const Protocol& protocol) { names.insert({protocol.name, protocol.family->name}); };
  for (const protocols::Descriptor* descriptor : protocols::all_protocols()) {
    add(*descriptor->protocol);
    for (const Protocol* other : descriptor->others) add(*other);
  }
  return names;
}

std::string joined(const std::set<std::string_view>& names) { return fmt::format("{}", fmt::join(names, ", ")); }

}  // namespace

void add_output(CLI::App& command, Arguments& arguments) {
  command.add_option("-o,--output", arguments.output, "table: for people; json: one object per line")
      ->type_name("FORMAT")
      ->check(CLI::IsMember({"table", "json"}).description(""))
      ->capture_default_str();
}

void add_config(CLI::App& command, Arguments& arguments) {
  command
      .add_option("--config", arguments.config,
                  "Configuration file (default: " + std::string(agent::default_config_path) + ")")
      ->type_name("FILE");
}

void add_filter(CLI::App& command, Arguments& arguments, CallFilter& filter) {
  command.add_option("--protocol", filter.protocol, "Only this protocol: " + joined(protocol_names()))->type_name("P");
  command
      .add_option("--status", arguments.status,
                  "Only these: 2xx, 404, unset (no answer), error (of any protocol), or several with commas")
      ->type_name("S");
  command.add_option("--pid", filter.pid, "Only the side of this process")
      ->type_name("N")
      ->check(CLI::Range(1U, 4194304U).description(""));
  command
      .add_option("--service", filter.service, "Only the side of this service (service.name, or the program's name)")
      ->type_name("S");
  command.add_option("--pod", filter.pod, "Only the side of this pod")->type_name("P");
  command.add_option("--namespace", filter.name_space, "Only the side of this namespace's pods")->type_name("N");
  command.add_option("--workload", filter.workload, "Only pods that this made: web, or deployment/web")->type_name("W");
  command.add_option("--trace", arguments.trace, "Only this trace, 32 hexadecimal digits")->type_name("ID");
}

void add_limit(CLI::App& command, std::uint64_t& limit) {
  command.add_option("--limit", limit, "End after so many calls")
      ->type_name("N")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1} << 62).description(""));
}

void add_attaching(CLI::App& command, Arguments& arguments, std::string& rung, const std::string& when) {
  command.add_option("--rung", rung, "Force fentry, tracepoint, kprobe or syscall as the way of attaching" + when)
      ->type_name("R")
      ->check(CLI::IsMember(std::set<std::string>(agent::rungs.begin(), agent::rungs.end())).description(""));
  command.add_option("--ports", arguments.ports, "auto, classic, or ports with commas" + when)->type_name("PORTS");
}

Result<> finish_filter(const Arguments& arguments, CallFilter& filter) {
  if (const auto known = protocol_names(); !filter.protocol.empty() && !known.contains(filter.protocol))
    return fail(fmt::format("--protocol: '{}' is none of: {}", filter.protocol, joined(known)));
  if (!arguments.status.empty()) {
    auto status = StatusFilter::parse(arguments.status);
    if (!status) return Failure(status.error().in("--status"));
    filter.status = *std::move(status);
  }
  if (!arguments.trace.empty()) {
    auto trace = parse_trace_id(arguments.trace);
    if (!trace) return Failure(trace.error().in("--trace"));
    filter.trace = *std::move(trace);
  }
  return {};
}

Result<> finish_duration(const Arguments& arguments, Nanoseconds& duration) {
  if (arguments.duration.empty()) return {};
  const auto parsed = agent::parse_duration(arguments.duration);
  if (!parsed) return Failure(parsed.error().in("--for"));
  if (*parsed == 0) return fail("--for: it must be longer than nothing");
  duration = *parsed;
  return {};
}

Result<> finish_ports(const Arguments& arguments, std::optional<agent::Ports>& ports) {
  if (arguments.ports.empty()) return {};
  auto parsed = agent::parse_ports(arguments.ports);
  if (!parsed) return Failure(parsed.error().in("--ports"));
  ports = *std::move(parsed);
  return {};
}

}  // namespace subfloor::cli
