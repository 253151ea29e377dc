// SPDX-License-Identifier: Apache-2.0
#include "cli/top/top.h"

#include <fmt/format.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <utility>

#include "cli/output.h"
#include "cli/top/draw.h"
#include "cli/top/keys.h"
#include "cli/top/screen.h"
#include "cli/top/source.h"

namespace subfloor::cli {
namespace {

constexpr std::size_t queue_bytes = std::size_t{4} << 20;
constexpr Nanoseconds patience = 500'000'000;

// Everything but where the sums come from: board, controls, screen and output.
class TopApp {
 public:
  TopApp(Reactor& reactor, const TopCommandOptions& options)
      : reactor_(reactor), options_(options), request_(options.request) {
    controls_.sort = options.sort;
    interactive_ = !options.json && options.limit == 0 && isatty(STDOUT_FILENO) != 0 && isatty(STDIN_FILENO) != 0;
  }
  ~TopApp();
  TopApp(const TopApp&) = delete;
  TopApp& operator=(const TopApp&) = delete;

  [[nodiscard]] Result<> start(TopSource& source);
  void take(std::string_view line);
  void on_signal(int signal);
  void on_agent_gone(const Error& why);
  // The screen is given back first: it may be that there is something to say.
  [[nodiscard]] static Exit end(std::unique_ptr<TopApp> app);

 private:
  [[nodiscard]] Result<> open_output();
  void show();
  void draw();
  void finish();
  void on_input();
  void on_key(const Key& key);
  void on_command(char command);
  void type(const Key& key);
  void scroll(std::ptrdiff_t lines);
  void change_measure(TopBy by);
  void stop_job();

  Reactor& reactor_;
  const TopCommandOptions& options_;
  TopRequest request_;
  TopSource* source_ = nullptr;
  Board board_;
  TopControls controls_;
  bool interactive_ = false, reads_keys_ = false, finishing_ = false, interrupted_ = false;
  std::uint64_t intervals_ = 0;
  std::size_t logged_ = 0;  // lines, before the screen was taken
  int error_ = 0;
  Error ended_{};
  std::unique_ptr<Screen> screen_;
  std::unique_ptr<Output> output_;
};

TopApp::~TopApp() {
  if (reads_keys_) reactor_.remove(STDIN_FILENO);
  output_.reset();  // nothing is written behind the screen's end
  if (!screen_) return;
  screen_.reset();
  log::set_writer(nullptr);
  const std::vector<std::string> lines = log::recent();
  for (std::size_t i = std::min(logged_, lines.size()); i < lines.size(); ++i) fmt::print(stderr, "{}", lines[i]);
}

Result<> TopApp::start(TopSource& source) {
  source_ = &source;
  if (interactive_) {
    logged_ = log::recent().size();
    log::set_writer([](log::Level, std::string_view) {});  // told when the screen is free again
    TRY_ASSIGN(screen_, Screen::make());
    TRY(reactor_.watch(STDIN_FILENO, EPOLLIN, [this] { on_input(); }));
    reads_keys_ = true;
  } else if (!options_.json) {
    fmt::print(stderr, "watching ({}) · Ctrl-C to stop\n", source.description());
  }
  TRY(open_output());
  if (options_.duration != 0) {
    TRY_ASSIGN([[maybe_unused]] const int timer, reactor_.every(options_.duration, [this] { finish(); }));
  }
  TRY(source.begin(request_));
  show();
  return {};
}

Result<> TopApp::open_output() {
  const auto on_end = [this](int error) {
    reactor_.post([this, error] {
      error_ = error;
      reactor_.stop();
    });
  };
  TRY_ASSIGN(output_, Output::make(STDOUT_FILENO, queue_bytes, on_end));
  return {};
}

void TopApp::take(std::string_view line) {
  if (finishing_) return;
  if (options_.json) {
    output_->write(std::string(line) + "\n");
  } else if (!controls_.paused) {
    if (board_.take(line)) {
      show();
    } else {
      LOG_WARN("sums could not be read: {} bytes", line.size());
    }
  }
  if (options_.limit != 0 && ++intervals_ >= options_.limit) finish();
}

void TopApp::show() {
  if (screen_) return draw();
  if (board_.empty()) return;
  std::string text;
  for (const std::string& line : draw_top(board_, controls_, look_of(STDOUT_FILENO), 0)) text += line + "\n";
  output_->write(text + "\n");
}

// A frame is written over the last one, each line to its end, so that nothing flickers.
void TopApp::draw() {
  const Screen::Size size = screen_->size();
  Look look = look_of(STDOUT_FILENO);
  look.width = size.columns;
  std::vector<std::string> lines;
  if (board_.empty()) {
    lines = {fmt::format("subfloor top: the first sums come in {:.1f} s",
                         static_cast<double>(request_.interval) / 1e9)};
  } else {
    lines = draw_top(board_, controls_, look, size.rows);
  }
  std::string frame = "\x1b[H";
  for (std::size_t i = 0; i < lines.size(); ++i) frame += (i == 0 ? "" : "\r\n") + lines[i] + "\x1b[K";
  output_->write(frame + "\x1b[J");
}

void TopApp::finish() {
  if (std::exchange(finishing_, true)) return;
  if (screen_) return reactor_.stop();
  output_->finish();
}

void TopApp::on_signal(int signal) {
  if (signal == SIGWINCH) {
    if (screen_) draw();
  } else if (signal == SIGTSTP) {
    stop_job();
  } else {
    // Waits only a moment for a reader that reads no more; asked a second time, not at all.
    const bool again = std::exchange(interrupted_, true);
    finish();
    if (again || !reactor_.every(patience, [this] { reactor_.stop(); })) reactor_.stop();
  }
}

void TopApp::stop_job() {
  if (screen_) {
    output_.reset();
    screen_->leave();
  }
  ::kill(::getpid(), SIGSTOP);
  if (!screen_) return;
  screen_->enter();
  if (!open_output()) return reactor_.stop();
  draw();
}

void TopApp::on_agent_gone(const Error& why) {
  ended_ = why;
  finish();
}

Exit TopApp::end(std::unique_ptr<TopApp> app) {
  const Error ended = app->ended_;
  const int error = app->error_;
  app.reset();
  if (!ended.message.empty()) return complain(Exit::failed, ended.message);
  if (error == 0 || error == EPIPE) return Exit::done;
  return complain(Exit::failed, "standard output: " + errno_text(error));
}

void TopApp::on_input() {
  std::array<char, 512> buffer{};
  const ssize_t n = ::read(STDIN_FILENO, buffer.data(), buffer.size());
  if (n < 0 && (errno == EINTR || errno == EAGAIN)) return;
  if (n <= 0) return finish();  // the terminal is gone
  for (const Key& key : read_keys({buffer.data(), static_cast<std::size_t>(n)})) on_key(key);
  if (!finishing_) draw();
}

void TopApp::on_key(const Key& key) {
  if (controls_.typing) return type(key);
  const auto page = static_cast<std::ptrdiff_t>(rows_per_page(screen_->size().rows));
  switch (key.name) {
    case Key::Name::up: return scroll(-1);
    case Key::Name::down: return scroll(1);
    case Key::Name::page_up: return scroll(-page);
    case Key::Name::page_down: return scroll(page);
    case Key::Name::home: controls_.first = 0; return;
    case Key::Name::end: return scroll(static_cast<std::ptrdiff_t>(TopRequest::most_rows));
    case Key::Name::escape:
      controls_.help = false;
      controls_.text.clear();
      return;
    case Key::Name::text: return on_command(key.text[0]);
    default: return;
  }
}

void TopApp::on_command(char command) {
  const auto next_sort = [&](std::size_t step) {
    controls_.sort = static_cast<TopSort>((static_cast<std::size_t>(controls_.sort) + step) % top_sort_names.size());
  };
  switch (command) {
    case 'q': return finish();
    case 'w': return change_measure(TopBy::workload);
    case 'p': return change_measure(TopBy::peer);
    case 'r': return change_measure(TopBy::route);
    case 'o': return change_measure(TopBy::operation);
    case 's': return next_sort(1);
    case 'S': return next_sort(top_sort_names.size() - 1);
    case 'i': controls_.inverted = !controls_.inverted; return;
    case 'j': return scroll(1);
    case 'k': return scroll(-1);
    case ' ': controls_.paused = !controls_.paused; return;
    case '?':
    case 'h': controls_.help = !controls_.help; return;
    case '/':
      controls_.help = false;
      controls_.typing = true;
      return;
    default: return;
  }
}

void TopApp::type(const Key& key) {
  constexpr std::size_t longest = 64;
  std::string& text = controls_.text;
  if (key.name == Key::Name::text && text.size() < longest) text += key.text;
  if (key.name == Key::Name::backspace) {
    while (!text.empty() && (static_cast<unsigned char>(text.back()) & 0xc0) == 0x80) text.pop_back();
    if (!text.empty()) text.pop_back();
  }
  if (key.name == Key::Name::escape) text.clear();
  if (key.name == Key::Name::escape || key.name == Key::Name::enter) controls_.typing = false;
  controls_.first = 0;
}

void TopApp::scroll(std::ptrdiff_t lines) {
  const std::size_t rows = board_.rows(controls_.sort, controls_.inverted, controls_.text).size();
  const std::size_t page = rows_per_page(screen_->size().rows);
  const std::size_t last = rows > page ? rows - page : 0;
  const auto wanted = static_cast<std::ptrdiff_t>(std::min(controls_.first, last)) + lines;
  controls_.first = wanted < 0 ? 0 : std::min(last, static_cast<std::size_t>(wanted));
}

void TopApp::change_measure(TopBy by) {
  controls_.first = 0;
  if (request_.by == by) return;
  request_.by = by;
  board_ = {};
  controls_.paused = false;
  if (const auto begun = source_->begin(request_); !begun) on_agent_gone(begun.error());
}

// The reactor takes signals only once, and before any thread is made: what they concern comes later.
Result<> take_signals(Reactor& reactor, std::unique_ptr<TopApp>& app) {
  std::vector<int> signals{SIGINT, SIGTERM, SIGQUIT, SIGWINCH, SIGTSTP};
  struct sigaction hangup{};
  if (sigaction(SIGHUP, nullptr, &hangup) == 0 && hangup.sa_handler != SIG_IGN) signals.push_back(SIGHUP);  // nohup
  return reactor.on_signals(signals, [&](int signal) {
    if (app) return app->on_signal(signal);
    if (signal != SIGWINCH && signal != SIGTSTP) reactor.stop();
  });
}

}  // namespace

Result<TopSort> parse_top_sort(std::string_view text) {
  const auto* const found = std::find(top_sort_names.begin(), top_sort_names.end(), text);
  if (found == top_sort_names.end())
    return fail(fmt::format("'{}' is none of: {}", text, fmt::join(top_sort_names, ", ")));
  return static_cast<TopSort>(found - top_sort_names.begin());
}

Exit top(const TopCommandOptions& options) {
  Live found;
  if (const auto refused = find_agent(options.live, found)) return *refused;
  auto reactor = Reactor::make();
  if (!reactor) return complain(Exit::failed, reactor.error().message);
  std::unique_ptr<TopSource> source;
  std::unique_ptr<TopApp> app;  // after the source: it begins it anew
  if (const auto taken = take_signals(**reactor, app); !taken) return complain(Exit::failed, taken.error().message);
  const auto on_line = [&app](std::string_view line) {
    if (app) app->take(line);
  };
  if (found.client) {
    source = source_of_agent(**reactor, found.config.api.socket, *std::move(found.client), on_line,
                             [&app](const Error& why) { app->on_agent_gone(why); });
  } else {
    auto own = source_of_own_agent(**reactor, found.own_agent(options.live), on_line);
    if (!own) return complain_no_start(own.error());
    source = *std::move(own);
  }
  app = std::make_unique<TopApp>(**reactor, options);
  if (const auto started = app->start(*source); !started) {
    app.reset();
    return complain(Exit::failed, started.error().message);
  }
  (*reactor)->run();
  return TopApp::end(std::move(app));
}

}  // namespace subfloor::cli
