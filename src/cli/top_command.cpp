// SPDX-License-Identifier: Apache-2.0
// The flags of `subfloor top`.
#include "agent/config_units.h"
#include "cli/arguments.h"

namespace subfloor::cli {
namespace {

constexpr const char* top_footer = R"(Examples:
  sudo subfloor top                                by route; w p r o choose another measure, ? helps
  sudo subfloor top --by peer --protocol redis     who talks to Redis
  sudo subfloor top --by workload --sort p99       the slowest service first
  sudo subfloor top --status error                 failing calls alone
  sudo subfloor top --once -o json | jq .rows      the sums of one second, for a script
  sudo subfloor top -n 60 > minute.txt             a table a second, a minute long

It asks the running agent, or, where there is none, watches by itself for as long as it is open.
RATE, ERR and bytes are of the last ten intervals, P50 to P99 of the last five to ten.
A call between two processes of this host is counted twice: at its client's side and at its server's.
Keys: w p r o by workload, peer, route, operation · s S sort · i invert · / filter · space pause · q quit)";

Result<> finish_top(Arguments& arguments) {
  TopCommandOptions& options = arguments.top;
  options.live.config = arguments.config;
  options.json = arguments.output == "json";
  TRY(finish_filter(arguments, options.request.filter));
  TRY(finish_duration(arguments, options.duration));
  TRY(finish_ports(arguments, options.live.ports));
  const auto by = parse_top_by(arguments.by);
  if (!by) return Failure(by.error().in("--by"));
  options.request.by = *by;
  const auto sort = parse_top_sort(arguments.sort);
  if (!sort) return Failure(sort.error().in("--sort"));
  options.sort = *sort;
  if (arguments.once) options.limit = 1;
  if (arguments.interval.empty()) return {};
  const auto interval = agent::parse_duration(arguments.interval);
  if (!interval) return Failure(interval.error().in("--interval"));
  if (*interval < TopRequest::shortest || *interval > TopRequest::longest)
    return fail("--interval: it must be from 100ms to 1m");
  options.request.interval = *interval;
  return {};
}

}  // namespace

void add_top(CLI::App& app, Arguments& arguments, Command& chosen) {
  CLI::App& command = *app.add_subcommand("top", "Show calls summed by workload, peer, route or operation, live");
  TopCommandOptions& options = arguments.top;
  add_output(command, arguments);
  command.add_option("--by", arguments.by, "workload, peer, route or operation")
      ->type_name("WHAT")
      ->capture_default_str();
  command.add_option("--sort", arguments.sort, "rate, errors, p50, p95, p99, bytes or name")
      ->type_name("COLUMN")
      ->capture_default_str();
  command.add_option("--interval", arguments.interval, "How often: 100ms to 1m (default: 1s)")->type_name("TIME");
  command.add_flag("--once", arguments.once, "One interval, then end");
  command.add_option("-n", options.limit, "End after so many intervals, each written below the last")
      ->type_name("N")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1} << 62).description(""));
  command.add_option("--rows", options.request.rows, "At most so many rows, the others summed as {other}")
      ->type_name("N")
      ->check(CLI::Range(std::size_t{1}, TopRequest::most_rows).description(""));
  add_filter(command, arguments, options.request.filter);
  command.add_option("--for", arguments.duration, "End after so long: 10s, 5m")->type_name("TIME");
  add_attaching(command, arguments, options.live.rung, "; only without a running agent");
  add_config(command, arguments);
  command.footer(top_footer);
  command.callback([&] {
    chosen = [&] {
      const auto finished = finish_top(arguments);
      return finished ? top(arguments.top) : complain(Exit::usage, finished.error().message);
    };
  });
}

}  // namespace subfloor::cli
