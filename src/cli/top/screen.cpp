// SPDX-License-Identifier: Apache-2.0
#include "cli/top/screen.h"

#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <string_view>

namespace subfloor::cli {
namespace {

constexpr std::string_view take = "\x1b[?1049h\x1b[?25l\x1b[?7l";  // alternate screen, no cursor, no wrapping
constexpr std::string_view give_back = "\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l";
constexpr std::array<int, 5> crashes{SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};

// A handler of crashes has nothing but what is global.
termios before;
std::atomic<bool> taken{false};

void write_all(std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(STDOUT_FILENO, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(n));
  }
}

// Only what signal handlers may do.
void restore() {
  if (!taken.exchange(false)) return;
  ::tcflow(STDOUT_FILENO, TCOON);  // after Ctrl-S, writing would wait
  write_all(give_back);
  ::tcsetattr(STDIN_FILENO, TCSANOW, &before);
}

void on_crash(int signal) {
  restore();
  ::signal(signal, SIG_DFL);
  ::raise(signal);
}

}  // namespace

Result<std::unique_ptr<Screen>> Screen::make() {
  if (::tcgetattr(STDIN_FILENO, &before) != 0) return fail_errno("the terminal", errno);
  std::unique_ptr<Screen> screen(new Screen());
  for (const int signal : crashes) ::signal(signal, on_crash);
  screen->enter();
  return screen;
}

Screen::~Screen() {
  leave();
  for (const int signal : crashes) ::signal(signal, SIG_DFL);
}

void Screen::enter() {
  if (entered_) return;
  entered_ = true;
  termios raw = before;
  raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);  // signals stay: Ctrl-C, Ctrl-Z
  raw.c_cc[VMIN] = 1;
  raw.c_cc[VTIME] = 0;
  taken = true;
  ::tcsetattr(STDIN_FILENO, TCSANOW, &raw);
  write_all(take);
}

void Screen::leave() {
  if (!entered_) return;
  entered_ = false;
  restore();
}

Screen::Size Screen::size() const {
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) return {};
  return {size.ws_col > 0 ? size.ws_col : std::size_t{80}, size.ws_row > 0 ? size.ws_row : std::size_t{24}};
}

}  // namespace subfloor::cli
