// SPDX-License-Identifier: Apache-2.0
#include "cli/replay.h"

#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "agent/replay.h"
#include "cli/call_lines.h"
#include "cli/progress.h"
#include "exporters/json/json.h"

namespace subfloor::cli {
namespace {

constexpr std::size_t write_at = std::size_t{64} << 10;

volatile std::sig_atomic_t interrupted = 0;

// Interrupts a read that waits for a pipe, too; the second time, everything.
void take_interrupts() {
  struct sigaction action{};
  action.sa_handler = [](int) { interrupted = 1; };
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

// Shows the calls that pass the filter. Waits for whoever reads: a file does not run away.
class Show {
 public:
  Show(const ReplayOptions& options, const agent::Replay& replay)
      : options_(options), replay_(replay), lines_(options.json) {
    lines_.begin(text_);
  }

  void on_call(const Observation& observation) {
    ++calls_;
    if (enough() || !options_.filter.matches(observation)) return;
    line_.clear();
    json::append_json(line_, observation, replay_.to_unix(observation.call.start));
    if (!lines_.append(text_, line_)) return;
    ++shown_;
    if (text_.size() >= write_at || enough()) write();
  }

  void write() {
    if (error_ == 0 && !text_.empty()) progress_.clear();
    std::string_view rest = text_;
    while (error_ == 0 && !rest.empty()) {
      const ssize_t written = ::write(STDOUT_FILENO, rest.data(), rest.size());
      if (written >= 0) {
        rest.remove_prefix(static_cast<std::size_t>(written));
      } else if (errno != EINTR || interrupted != 0) {
        error_ = errno;
      }
    }
    text_.clear();
  }

  void progress() { progress_.show(replay_.file().raw_position(), replay_.file().raw_size(), calls_); }
  void clear_progress() { progress_.clear(); }

  [[nodiscard]] bool enough() const { return options_.limit != 0 && shown_ >= options_.limit; }
  [[nodiscard]] std::uint64_t calls() const { return calls_; }
  [[nodiscard]] std::uint64_t shown() const { return shown_; }
  [[nodiscard]] int error() const { return error_; }

 private:
  const ReplayOptions& options_;
  const agent::Replay& replay_;
  CallLines lines_;
  Progress progress_;
  std::uint64_t calls_ = 0, shown_ = 0;
  std::string line_, text_;
  int error_ = 0;  // errno of standard output
};

std::string percent_read(const InputFile& file) {
  if (file.raw_size() == 0) return fmt::format("after {} bytes", file.raw_position());
  return fmt::format("at {} % of the file", file.raw_position() * 100 / file.raw_size());
}

void summarise(const agent::Replay& replay, const Show& show, bool whole) {
  std::string line = fmt::format("{} call{}", show.calls(), show.calls() == 1 ? "" : "s");
  if (show.shown() != show.calls()) line += fmt::format(", {} shown", show.shown());
  bool losses = false;
  for (const agent::Replay::Figure& figure : replay.figures()) {
    if (figure.count == 0) continue;
    line += fmt::format(" · {} {}", figure.name, figure.count);
    losses = losses || figure.is_loss;
  }
  if (losses) line += " · calls may be missing";
  if (!whole) line += " · stopped " + percent_read(replay.file());
  fmt::print(stderr, "{}\n", line);
}

}  // namespace

Exit replay(const ReplayOptions& options) {
  const auto config = agent::load_config(options.config);
  if (!config) return complain(Exit::usage, config.error().message);
  log::set_level(config->log.level);
  take_interrupts();
  auto opened = agent::Replay::open(*config, options.file);
  if (!opened) return interrupted != 0 ? Exit::done : complain(Exit::usage, opened.error().message);
  agent::Replay& replay = **opened;
  if (!replay.knows_processes() && (options.filter.pid != 0 || !options.filter.service.empty()))
    return complain(Exit::usage,
                    "--pid, --service: captured packets do not tell whose they are; only a recording does");

  Show show(options, replay);
  replay.add_observer([&](const Observation& observation) { show.on_call(observation); });
  Result<bool> more = true;
  while (more && *more && interrupted == 0 && show.error() == 0 && !show.enough()) {
    more = replay.read_some();
    show.write();
    show.progress();
  }
  const bool stopped = interrupted != 0 || show.enough();
  if (!stopped) replay.finish();
  show.write();
  show.clear_progress();
  if (show.error() == EPIPE) return Exit::done;
  summarise(replay, show, more && !*more);
  if (show.error() != 0 && interrupted == 0)
    return complain(Exit::failed, "standard output: " + errno_text(show.error()));
  if (!more && interrupted == 0) return complain(Exit::failed, more.error().message);
  return Exit::done;
}

}  // namespace subfloor::cli
