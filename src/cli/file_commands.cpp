// SPDX-License-Identifier: Apache-2.0
// The flags and help of `record` and `replay`.
#include "agent/config_units.h"
#include "cli/arguments.h"

namespace subfloor::cli {
namespace {

constexpr const char* record_footer = R"(Examples:
  sudo subfloor record bug.sfr                     until Ctrl-C, or 1 GiB
  sudo subfloor record --for 30s --limit 100MiB bug.sfr
  subfloor replay bug.sfr                          what `subfloor observe` would have shown meanwhile

The file holds requests and responses as the kernel saw them, NOT REDACTED: passwords, cookies and keys are in it. It is
made with mode 0600, for root alone. What `subfloor replay` prints of it is redacted: hand on that.
Exit codes: 0 recorded (Ctrl-C, --for and --limit end it whole); 3 this kernel or these privileges cannot do it; 4 the file
cannot be written or the disk is full: what was written until then can be replayed.)";

constexpr const char* replay_footer = R"(Examples:
  subfloor replay capture.pcap                     the calls in what tcpdump or Wireshark captured
  subfloor replay -o json --status 5xx capture.pcapng.gz
  tcpdump -i any -w - tcp port 80 | subfloor replay -
  subfloor replay recording.sfr                    what `subfloor record` wrote, with the names of processes

It needs no privileges. From packets, each call is told once, as its server's; whose process it was is not known.
A status of - means that no response was captured; ~ marks a call that is not whole.
Exit codes: 0 the file was read, or Ctrl-C; 2 this is no file that it can read; 4 the file breaks off or is damaged:
what came before has been shown.)";

Result<> finish_record(Arguments& arguments) {
  RecordOptions& options = arguments.record;
  options.config = arguments.config;
  TRY(finish_duration(arguments, options.duration));
  TRY(finish_ports(arguments, options.ports));
  if (arguments.size.empty()) return {};
  const auto size = agent::parse_size(arguments.size);
  if (!size) return Failure(size.error().in("--limit"));
  options.limit = *size;
  return {};
}

}  // namespace

void add_record(CLI::App& app, Arguments& arguments, Command& chosen) {
  CLI::App& command = *app.add_subcommand("record", "Write what the kernel delivers to a file, for replay");
  RecordOptions& options = arguments.record;
  command.add_option("FILE", options.file, "The file to make, for root alone")->required();
  command.add_option("--for", arguments.duration, "End after so long: 10s, 5m")->type_name("TIME");
  command.add_option("--limit", arguments.size, "End when the file is so large: 100MiB (default: 1GiB)")
      ->type_name("SIZE");
  command.add_flag("--replace", options.replace, "Replace the file where it is there already");
  add_attaching(command, arguments, options.rung, "");
  add_config(command, arguments);
  command.footer(record_footer);
  command.callback([&] {
    chosen = [&] {
      const auto finished = finish_record(arguments);
      return finished ? record(arguments.record) : complain(Exit::usage, finished.error().message);
    };
  });
}

void add_replay(CLI::App& app, Arguments& arguments, Command& chosen) {
  CLI::App& command = *app.add_subcommand("replay", "Show the calls of a capture file or a recording");
  ReplayOptions& options = arguments.replay;
  command.add_option("FILE", options.file, "pcap, pcapng or a recording, also within gzip; - is standard input")
      ->required();
  add_output(command, arguments);
  add_filter(command, arguments, options.filter);
  add_limit(command, options.limit);
  add_config(command, arguments);
  command.footer(replay_footer);
  command.callback([&] {
    chosen = [&] {
      arguments.replay.config = arguments.config;
      arguments.replay.json = arguments.output == "json";
      const auto finished = finish_filter(arguments, arguments.replay.filter);
      return finished ? replay(arguments.replay) : complain(Exit::usage, finished.error().message);
    };
  });
}

}  // namespace subfloor::cli
