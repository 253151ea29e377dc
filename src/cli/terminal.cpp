// SPDX-License-Identifier: Apache-2.0
#include "cli/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <string_view>

namespace subfloor::cli {
namespace {

bool is_utf8(Lookup environment) {
  for (const char* variable : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const char* value = environment(variable);
    if (value == nullptr || *value == '\0') continue;
    std::string locale = value;
    std::transform(locale.begin(), locale.end(), locale.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return locale.find("utf-8") != std::string::npos || locale.find("utf8") != std::string::npos;
  }
  return true;  // containers and sudo leave it unset; today's terminals are
}

}  // namespace

Look look_of(int fd, Lookup environment) {
  Look look;
  const char* no_color = environment("NO_COLOR");
  const char* term = environment("TERM");
  const bool dumb = term == nullptr || std::string_view(term) == "dumb";
  const bool terminal = isatty(fd) != 0;
  look.width = terminal_width(fd);
  look.colour = terminal && !dumb && (no_color == nullptr || *no_color == '\0');
  look.utf8 = is_utf8(environment) && !(terminal && dumb);
  return look;
}

Look look_of(int fd) {
  return look_of(fd, [](const char* variable) -> const char* { return std::getenv(variable); });
}

std::size_t terminal_width(int fd) {
  winsize size{};
  if (ioctl(fd, TIOCGWINSZ, &size) != 0) return 0;
  return size.ws_col > 0 ? size.ws_col : 80;
}

}  // namespace subfloor::cli
