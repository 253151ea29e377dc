// SPDX-License-Identifier: Apache-2.0
// Tells the service manager how the agent is: sd_notify(3)'s protocol, without its library (docs/adr/0013).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/fd.h"
#include "base/result.h"

namespace subfloor::agent {

class ServiceManager {
 public:
  // Takes NOTIFY_SOCKET (a path, or @name in the abstract namespace), WATCHDOG_USEC and WATCHDOG_PID out of the
  // environment, as children are not meant to have them. Without the first, every message goes nowhere. An address that
  // cannot be used is told as an error: who set it waits for a message that would never come.
  [[nodiscard]] static Result<ServiceManager> from_environment();

  // How often watchdog() has to be called: half of what the manager waits. 0: it does not wait.
  [[nodiscard]] Nanoseconds watchdog_interval() const { return watchdog_interval_; }

  // Starting, or reloading, has ended. `status` is a line for people, as is that of the others.
  void ready(std::string_view status) const;
  void reloading(std::string_view status) const;
  void stopping(std::string_view status) const;
  void watchdog() const;

 private:
  void send(const std::string& message) const;

  Fd socket_;  // connected; none where nobody listens
  Nanoseconds watchdog_interval_ = 0;
};

// The text on one line, of at most so many bytes and of what a terminal shows as it is: a status may quote a file.
[[nodiscard]] std::string one_line(std::string_view text, std::size_t limit = 512);

}  // namespace subfloor::agent
