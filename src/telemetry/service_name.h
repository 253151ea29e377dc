// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <string_view>

#include "model/process.h"

namespace subfloor {

// The last component of an executable's path, without the kernel's " (deleted)"; comm where the path is unknown.
[[nodiscard]] std::string_view executable_name(const Process& process);

// What people would call the program, for `service.name`, until something better (environment, Kubernetes) is known:
//   an interpreter's script: `node /app/server.js` → server.js, `python3 -m http.server` → http.server,
//   `java -jar shop.jar` → shop.jar, `java -cp … com.shop.Main` → com.shop.Main, `dotnet Shop.dll` → Shop.dll;
//   else the name it was called by: busybox as `httpd` → httpd;
//   else the executable's name, else comm, else "unknown".
// Points into the process, or at static text.
[[nodiscard]] std::string_view service_name(const Process& process);

// Names of the processes asked about last, so that a busy one's is made out once.
class ServiceNames {
 public:
  // Good until the next call.
  [[nodiscard]] std::string_view of(const ProcessRef& process) {
    Entry& entry = entries_[process->pid % entries_.size()];
    if (entry.process != process) entry = {process, service_name(*process)};
    return entry.name;
  }

 private:
  struct Entry {
    ProcessRef process;
    std::string_view name;  // into the process
  };
  std::array<Entry, 64> entries_;
};

}  // namespace subfloor
