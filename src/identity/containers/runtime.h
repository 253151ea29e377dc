// SPDX-License-Identifier: Apache-2.0
// A container runtime that can be asked: containerd, CRI-O, or whatever speaks Kubernetes' Container Runtime Interface.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/workload.h"

namespace subfloor::identity {

// Calls wait for the runtime, some seconds at most. For one thread, but for cancel().
class Runtime {
 public:
  virtual ~Runtime() = default;
  // Its name and version, for people: "containerd 1.6.20". The first call connects.
  [[nodiscard]] virtual Result<std::string> version() = 0;
  // Containers and pods' sandboxes there are, those that ended but were not removed among them; bounded.
  [[nodiscard]] virtual Result<std::vector<Workload>> all() = 0;
  // A container or a sandbox; nothing where it has none of that id.
  [[nodiscard]] virtual Result<std::optional<Workload>> find(const std::string& id) = 0;
  // From any thread: the call that waits fails, and so does every later one.
  virtual void cancel() = 0;
};

// Why this build cannot ask; empty where it can.
[[nodiscard]] std::string_view runtimes_unavailable();

// At that unix socket. Does not connect yet.
[[nodiscard]] Result<std::unique_ptr<Runtime>> make_runtime(const std::string& socket);

// The first of the places where runtimes listen at which there is a socket; empty where there is none.
[[nodiscard]] std::string find_runtime_socket();

}  // namespace subfloor::identity
