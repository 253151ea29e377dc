// SPDX-License-Identifier: Apache-2.0
#include "cli/cli.h"

#include <CLI/CLI.hpp>

#include <csignal>

#include "cli/arguments.h"
#include "cli/bundle.h"
#include "cli/commands.h"
#include "cli/doctor.h"
#include "cli/observe.h"

namespace subfloor::cli {
namespace {

constexpr const char* main_footer = R"(Start here:
  sudo subfloor observe              every call on this host, as it happens
  sudo subfloor top                  who calls whom, how often, how fast
  sudo subfloor map                  which services call which, as a tree (asks the agent)
  sudo subfloor agent                the daemon: metrics at http://127.0.0.1:9464/metrics
  subfloor doctor                    what this kernel and these privileges allow

Exit codes: 0 done (Ctrl-C of a live view too), 1 a check failed, 2 flags or configuration,
3 this kernel or these privileges cannot do it, 4 failed at run time (port in use, no agent, disk full).)";

constexpr const char* agent_footer = R"(Examples:
  sudo subfloor agent                              with /etc/subfloor/subfloor.yaml, or the defaults
  sudo subfloor agent --config ./subfloor.yaml
  curl http://127.0.0.1:9464/metrics               what it measures
  sudo subfloor status                             what it costs, and what it missed

SIGTERM or Ctrl-C ends it and leaves nothing behind. `subfloor config explain` tells every key.)";

constexpr const char* observe_footer = R"(Examples:
  sudo subfloor observe                            everything, until Ctrl-C
  sudo subfloor observe --status 5xx,unset         failures, and requests nobody answered
  sudo subfloor observe --status error             whatever failed, of any protocol
  sudo subfloor observe --service nginx --for 10s  one service, ten seconds long
  sudo subfloor observe -o json | jq .             one object per line
  sudo subfloor observe --limit 1 --pid 1234       the next call of one process

It asks the running agent, or, where there is none, watches by itself for as long as it is open.
A call between two processes of this host is seen twice: by its client and by its server.
A status of - means that no response was seen; ~ marks a call that is not whole. Of other protocols than HTTP the
status is ok or err, and what went wrong stands behind the call.)";

constexpr const char* status_footer = R"(Examples:
  sudo subfloor status
  sudo subfloor status -o json | jq .completeness

Exit code 4: no agent is running.)";

constexpr const char* doctor_footer = R"(Examples:
  sudo subfloor doctor                             everything that can be found out
  subfloor doctor                                  without privileges: what can be found out then
  sudo subfloor doctor -o json | jq .
  sudo subfloor doctor --bundle                    all that a bug report needs, in one file

Exit code 3: observing does not work here.)";

constexpr const char* trace_footer = R"(Examples:
  sudo subfloor observe -o json | jq -r .trace_id  which traces there are
  sudo subfloor trace 4bf92f3577b34da6a3ce929d0e0e4736
  sudo subfloor trace 4bf92f3577b34da6a3ce929d0e0e4736 -o json | jq .calls

It asks the running agent, which keeps the last calls (traces.keep). Both ends of a call are shown where both are on
this host. ~ marks a call that is not whole.)";

constexpr const char* config_footer = R"(Examples:
  subfloor config check ./subfloor.yaml            "ok", or every mistake as file:line:column (exit code 2)
  subfloor config explain                          every key: meaning, type, range, default
  subfloor config explain capture.ports            one of them
  subfloor config dump > subfloor.yaml             what is in force, as a file to start from)";

Result<> finish_observe(Arguments& arguments) {
  ObserveOptions& options = arguments.observe;
  options.live.config = arguments.config;
  options.json = arguments.output == "json";
  TRY(finish_filter(arguments, options.filter));
  TRY(finish_duration(arguments, options.duration));
  return finish_ports(arguments, options.live.ports);
}

void add_observe(CLI::App& app, Arguments& arguments, Command& chosen) {
  CLI::App& command = *app.add_subcommand("observe", "Show calls as they happen");
  ObserveOptions& options = arguments.observe;
  CallFilter& filter = options.filter;
  add_output(command, arguments);
  add_filter(command, arguments, filter);
  add_limit(command, options.limit);
  command.add_option("--for", arguments.duration, "End after so long: 10s, 5m")->type_name("TIME");
  add_attaching(command, arguments, options.live.rung, "; only without a running agent");
  add_config(command, arguments);
  command.footer(observe_footer);
  command.callback([&] {
    chosen = [&] {
      const auto finished = finish_observe(arguments);
      return finished ? observe(arguments.observe) : complain(Exit::usage, finished.error().message);
    };
  });
}

void add_config_commands(CLI::App& app, Arguments& arguments, Command& chosen) {
  CLI::App& config = *app.add_subcommand("config", "Check, explain or show the configuration");
  config.require_subcommand(1);
  config.footer(config_footer);
  const auto add = [&](const char* name, const char* what, const char* argument, std::string& value,
                       Exit (*run)(const std::string&)) {
    CLI::App& command = *config.add_subcommand(name, what);
    command.add_option(
        argument, value,
        &value == &arguments.topic ? "A section, or a key like capture.ports" : "The file (default: as for the agent)");
    if (&value == &arguments.config) add_config(command, arguments);
    command.footer(config_footer);
    command.callback([&chosen, &value, run] { chosen = [&value, run] { return run(value); }; });
  };
  add("check", "Say \"ok\", or every mistake", "FILE", arguments.config, config_check);
  add("explain", "Tell what the keys mean", "KEY", arguments.topic, config_explain);
  add("dump", "Print what is in force: file, environment and defaults", "FILE", arguments.config, config_dump);
}

void add_simple_commands(CLI::App& app, Arguments& arguments, Command& chosen) {
  CLI::App& agent = *app.add_subcommand("agent", "Run the daemon");
  add_config(agent, arguments);
  agent.footer(agent_footer);
  agent.callback([&] { chosen = [&] { return run_agent(arguments.config); }; });

  CLI::App& doctor_command = *app.add_subcommand("doctor", "Tell what this kernel can do, and why not more");
  add_output(doctor_command, arguments);
  add_config(doctor_command, arguments);
  CLI::Option& bundle = *doctor_command.add_option(
      "--bundle", arguments.bundle, "Write what a bug report needs to a .tar.gz, with nothing secret in it");
  bundle.type_name("[FILE]")->expected(0, 1);
  doctor_command.footer(doctor_footer);
  doctor_command.callback([&] {
    chosen = [&] {
      if (!bundle.empty()) return doctor_bundle(arguments.bundle, arguments.config);
      return static_cast<Exit>(doctor(arguments.output == "json", stdout));
    };
  });

  CLI::App& trace_command = *app.add_subcommand("trace", "Show one trace as a tree");
  trace_command.add_option("ID", arguments.trace, "Its id: 32 hexadecimal digits")->required();
  add_output(trace_command, arguments);
  add_config(trace_command, arguments);
  trace_command.footer(trace_footer);
  trace_command.callback(
      [&] { chosen = [&] { return trace(arguments.config, arguments.trace, arguments.output == "json"); }; });

  CLI::App& status_command = *app.add_subcommand("status", "Tell health, cost and losses of the running agent");
  add_output(status_command, arguments);
  add_config(status_command, arguments);
  status_command.footer(status_footer);
  status_command.callback([&] { chosen = [&] { return status(arguments.config, arguments.output == "json"); }; });
}

// Help and version go to standard output and are no error; anything else is one of usage.
int answer(const CLI::App& app, const CLI::ParseError& error) {
  return app.exit(error) == 0 ? static_cast<int>(Exit::done) : static_cast<int>(Exit::usage);
}

}  // namespace

int run(int argc, const char* const* argv) {
  std::signal(SIGPIPE, SIG_IGN);  // a reader that goes away is an error of write(), which everyone looks at
  Arguments arguments;
  Command chosen;
  CLI::App app("Subfloor: every call on this host, seen from the kernel. No sidecar, no change to any application.",
               "subfloor");
  app.set_version_flag("--version", "subfloor " SUBFLOOR_VERSION);
  app.require_subcommand(1);
  app.footer(main_footer);
  add_config(app, arguments);
  add_simple_commands(app, arguments, chosen);
  add_observe(app, arguments, chosen);
  add_top(app, arguments, chosen);
  add_map(app, arguments, chosen);
  add_alerts(app, arguments, chosen);
  add_record(app, arguments, chosen);
  add_replay(app, arguments, chosen);
  add_config_commands(app, arguments, chosen);
  add_rules(app, arguments, chosen);
  if (argc <= 1) {
    fmt::print(stderr, "{}", app.help());
    return static_cast<int>(Exit::usage);
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return answer(app, error);
  }
  return static_cast<int>(chosen());
}

}  // namespace subfloor::cli
