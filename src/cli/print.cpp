// SPDX-License-Identifier: Apache-2.0
#include "cli/print.h"

#include <unistd.h>

#include <cerrno>

namespace subfloor::cli {

Exit print(const std::string& text) {
  std::size_t written = 0;
  while (written < text.size()) {
    const ssize_t n = ::write(STDOUT_FILENO, text.data() + written, text.size() - written);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EPIPE) return Exit::done;
    if (n < 0) return complain(Exit::failed, "standard output: " + errno_text(errno));
    written += static_cast<std::size_t>(n);
  }
  return Exit::done;
}

}  // namespace subfloor::cli
