// SPDX-License-Identifier: Apache-2.0
// Containers: what is known of each container id, and which pod has an address. Kept for a while after their end, for
// what is told late. For one thread.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "model/workload.h"

namespace subfloor::identity {

class Containers {
 public:
  struct Limits {
    std::size_t containers = 8192;          // known or asked about; the oldest that ended go first, then the oldest
    Nanoseconds grace = 300'000'000'000;    // how long one that ended is remembered
    std::size_t addresses = 16384;
  };
  using Ask = std::function<void(const std::string& id)>;

  Containers() : Containers(Limits()) {}
  explicit Containers(const Limits& limits) : limits_(limits) {}

  // Who is asked about containers that nobody has told of. Without one, nothing is ever known.
  void set_ask(Ask ask) { ask_ = std::move(ask); }

  // Its cgroup was made, or somebody was seen in it: asks, unless that was done before.
  void want(const std::string& id, Nanoseconds now);
  // Its last cgroup is gone.
  void on_removed(const std::string& id, Nanoseconds now);
  // What the runtime told.
  void learn(std::vector<Workload>&& workloads, Nanoseconds now);

  // Null where nothing is known, yet or at all.
  [[nodiscard]] WorkloadRef find(const std::string& id) const;
  // The pod that has the address, or had it last.
  [[nodiscard]] WorkloadRef at(const Workload::Ip& ip) const;

  // Forgets what ended long ago.
  void expire(Nanoseconds now);

  // Changes whenever find() may answer otherwise than before.
  [[nodiscard]] std::uint64_t generation() const { return generation_; }
  [[nodiscard]] std::size_t size() const { return entries_.size(); }
  [[nodiscard]] std::size_t named() const { return named_; }

 private:
  struct Entry {
    WorkloadRef workload;
    std::uint64_t sequence = 0;  // tells it from another of the same id in the queues
    bool over = false;
  };
  struct Mark {
    std::string id;
    std::uint64_t sequence = 0;
    Nanoseconds when = 0;
  };
  struct Hash {
    std::size_t operator()(const Workload::Ip& ip) const {
      return std::hash<std::string_view>()({reinterpret_cast<const char*>(ip.data()), ip.size()});
    }
  };

  Entry& entry_for(const std::string& id, Nanoseconds now);
  void make_room();
  void remove(const std::string& id, std::uint64_t sequence);
  void learn_addresses(const WorkloadRef& workload);

  Limits limits_;
  Ask ask_;
  std::unordered_map<std::string, Entry> entries_;
  std::unordered_map<Workload::Ip, WorkloadRef, Hash> addresses_;
  std::deque<Mark> made_, ended_;  // oldest first; those whose entry is another's by now are stale
  std::uint64_t generation_ = 1, sequences_ = 0;
  std::size_t named_ = 0;
};

}  // namespace subfloor::identity
