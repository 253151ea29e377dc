// SPDX-License-Identifier: Apache-2.0
#include "cli/record.h"

#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "agent/recorder.h"
#include "cli/progress.h"
#include "cli/status_view.h"
#include "cli/text.h"

namespace subfloor::cli {
namespace {

constexpr Nanoseconds second = 1'000'000'000;
constexpr std::uint64_t least_limit = std::uint64_t{1} << 20;

// Why the recording ends, and what that is for the exit code.
struct End {
  std::string reason;
  std::optional<Error> error;
};

// The agent records alone: nothing of it is to be seen from outside.
agent::Config recording_config(agent::Config config, const RecordOptions& options) {
  config.prometheus.enabled = false;
  config.api.socket.clear();
  config.json.spans.clear();
  if (!options.rung.empty()) config.capture.rung = options.rung;
  if (options.ports) config.capture.ports = *options.ports;
  return config;
}

void greet(const RecordOptions& options) {
  fmt::print(stderr,
             "recording to {} · Ctrl-C to stop\n"
             "note: the file holds requests and responses as the kernel saw them, with passwords, cookies and keys in "
             "their headers and bodies. Only root can read it (mode 0600); hand on the output of `subfloor replay` "
             "rather than the file.\n",
             options.file);
}

void summarise(const RecordOptions& options, const recording::Writer& writer, const agent::Recorder& recorder,
               const nlohmann::json& status, const End& end) {
  std::string line =
      fmt::format("{}: {} · {} records · {} call{} · {} lost", options.file, human_size(writer.bytes_written()),
                  recorder.records(), recorder.calls(), recorder.calls() == 1 ? "" : "s", lost_of(status));
  if (writer.dropped() > 0) line += fmt::format(" · {} not written, the disk being too slow", writer.dropped());
  if (end.reason == "limit") line += " · ended at --limit";
  fmt::print(stderr, "{}\n", line);
}

// Makes the agent, and lets it record until something ends it.
Exit run(const RecordOptions& options, const agent::Config& config, Reactor& reactor, recording::Writer& writer,
         End& end) {
  agent::Recorder recorder(writer);
  auto agent = agent::Agent::make(config, reactor, &recorder);
  if (!agent) {
    (void)::unlink(options.file.c_str());
    return complain_no_start(agent.error());
  }
  recorder.begin(**agent);
  (*agent)->add_observer([&](const Observation& observation) { recorder.on_call(observation); });
  greet(options);
  Progress progress;
  const auto shown = reactor.every(second / 4, [&] { progress.show(writer.bytes_written(), 0, recorder.calls()); });
  if (!shown) return complain(Exit::failed, shown.error().message);
  reactor.run();
  progress.clear();
  const nlohmann::json status = (*agent)->status();
  agent->reset();  // reads what the kernel still holds
  const Result<> finished = recorder.finish(status, end.reason);
  summarise(options, writer, recorder, status, end);
  if (end.error)
    return complain(Exit::failed, options.file + ": " + end.error->message + "; what was written can be replayed");
  if (!finished) return complain(Exit::failed, options.file + ": " + finished.error().message);
  return Exit::done;
}

}  // namespace

Exit record(const RecordOptions& options) {
  auto config = agent::load_config(options.config);
  if (!config) return complain(Exit::usage, config.error().message);
  log::set_level(config->log.level);
  std::signal(SIGXFSZ, SIG_IGN);  // a limit on file sizes is an error of write(), like a full disk
  if (options.limit < least_limit) return complain(Exit::usage, "--limit: at least 1MiB");
  auto reactor = Reactor::make();
  if (!reactor) return complain(Exit::failed, reactor.error().message);

  End end{"interrupted", {}};
  const auto taken = (*reactor)->on_signals({SIGINT, SIGTERM, SIGHUP}, [&](int) { (*reactor)->stop(); });
  if (!taken) return complain(Exit::failed, taken.error().message);
  if (options.duration != 0) {
    const auto timer = (*reactor)->every(options.duration, [&] {
      end.reason = "time";
      (*reactor)->stop();
    });
    if (!timer) return complain(Exit::failed, timer.error().message);
  }
  const auto on_full = [&](const std::optional<Error>& error) {
    (*reactor)->post([&, error] {
      end = {error ? error->message : "limit", error};
      (*reactor)->stop();
    });
  };
  auto writer = recording::Writer::make(options.file, {.limit = options.limit, .replace = options.replace}, on_full);
  if (!writer) {
    const bool there = writer.error().code == EEXIST;
    return complain(Exit::failed, writer.error().message + (there ? "; --replace writes it anew" : ""));
  }
  return run(options, recording_config(*std::move(config), options), **reactor, **writer, end);
}

}  // namespace subfloor::cli
