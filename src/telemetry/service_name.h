// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <utility>

#include "model/process.h"
#include "model/workload.h"

namespace subfloor {

// The last component of an executable's path, without the kernel's " (deleted)"; comm where the path is unknown.
[[nodiscard]] std::string_view executable_name(const Process& process);

// What people would call the program:
//   what its own environment says: OTEL_SERVICE_NAME, else service.name in OTEL_RESOURCE_ATTRIBUTES;
//   in a pod: its label app.kubernetes.io/name, else its label app, else what made it (a Deployment …), else the
//   container's name;
//   an interpreter's script: `node /app/server.js` → server.js, `python3 -m http.server` → http.server,
//   `java -jar shop.jar` → shop.jar, `java -cp … com.shop.Main` → com.shop.Main, `dotnet Shop.dll` → Shop.dll;
//   else the name it was called by: busybox as `httpd` → httpd;
//   else the executable's name, else comm, else "unknown".
// workload: of its container; null where there is none, or it is not known. Points into either, or at static text.
[[nodiscard]] std::string_view service_name(const Process& process, const Workload* workload = nullptr);

// Of a pod of which nobody knows the process: its labels, what made it, or its own name.
[[nodiscard]] std::string_view service_name(const Workload& pod);

// Names of the processes asked about last, so that a busy one's is made out once.
class ServiceNames {
 public:
  struct Who {
    std::string_view service;  // good until the next call for that process, or its slot's
    WorkloadRef workload;
  };

  // look_up gives what is known of a container id; its answers are good while `generation` stays.
  template <class LookUp>
  [[nodiscard]] const Who& of(const ProcessRef& process, std::uint64_t generation, LookUp look_up) {
    Entry& entry = entries_[process->pid % entries_.size()];
    if (entry.process != process || entry.generation != generation) {
      WorkloadRef workload = process->container_id.empty() ? nullptr : look_up(*process);
      const std::string_view name = service_name(*process, workload.get());
      entry = {process, generation, {name, std::move(workload)}};
    }
    return entry.who;
  }

 private:
  struct Entry {
    ProcessRef process;
    std::uint64_t generation = 0;
    Who who;  // whose text is in the process or the workload
  };
  std::array<Entry, 256> entries_;
};

}  // namespace subfloor
