// SPDX-License-Identifier: Apache-2.0
#include "identity/containers/containers.h"

#include <algorithm>
#include <utility>

namespace subfloor::identity {

void Containers::want(const std::string& id, Nanoseconds now) {
  if (!ask_ || id.empty() || entries_.contains(id)) return;
  entry_for(id, now);
  ask_(id);
}

Containers::Entry& Containers::entry_for(const std::string& id, Nanoseconds now) {
  const auto found = entries_.find(id);
  if (found != entries_.end()) return found->second;
  make_room();
  Entry& entry = entries_[id];
  entry.sequence = ++sequences_;
  made_.push_back({id, entry.sequence, now});
  return entry;
}

void Containers::make_room() {
  while (entries_.size() >= std::max<std::size_t>(limits_.containers, 1)) {
    std::deque<Mark>& queue = ended_.empty() ? made_ : ended_;
    const Mark oldest = std::move(queue.front());
    queue.pop_front();
    remove(oldest.id, oldest.sequence);
  }
  // What ended is gone from the map and stays in the queue of those made.
  while (made_.size() > 2 * limits_.containers) made_.pop_front();
}

void Containers::remove(const std::string& id, std::uint64_t sequence) {
  const auto found = entries_.find(id);
  if (found == entries_.end() || found->second.sequence != sequence) return;
  if (const WorkloadRef& workload = found->second.workload) {
    --named_;
    for (const Workload::Ip& ip : workload->addresses) {
      const auto at = addresses_.find(ip);
      if (at != addresses_.end() && at->second->sandbox_id == workload->sandbox_id && workload->container_id.empty())
        addresses_.erase(at);
    }
  }
  entries_.erase(found);
  ++generation_;
}

void Containers::on_removed(const std::string& id, Nanoseconds now) {
  const auto found = entries_.find(id);
  if (found == entries_.end() || found->second.over) return;
  found->second.over = true;
  ended_.push_back({id, found->second.sequence, now});
}

void Containers::learn(std::vector<Workload>&& workloads, Nanoseconds now) {
  for (Workload& workload : workloads) {
    const std::string id = workload.container_id.empty() ? workload.sandbox_id : workload.container_id;
    if (id.empty()) continue;
    Entry& entry = entry_for(id, now);
    if (entry.workload && *entry.workload == workload) continue;
    named_ += entry.workload ? 0 : 1;
    entry.workload = std::make_shared<const Workload>(std::move(workload));
    learn_addresses(entry.workload);
    ++generation_;
  }
}

// An address goes from pod to pod: whoever was told of last has it. It names the pod, not one of its containers.
void Containers::learn_addresses(const WorkloadRef& workload) {
  for (const Workload::Ip& ip : workload->addresses) {
    WorkloadRef& at = addresses_[ip];
    if (at && at->sandbox_id == workload->sandbox_id && at->addresses == workload->addresses) continue;
    Workload pod = *workload;
    pod.container_id.clear();
    pod.container_name.clear();
    pod.image.clear();
    at = std::make_shared<const Workload>(std::move(pod));
  }
  while (addresses_.size() > std::max<std::size_t>(limits_.addresses, 1)) addresses_.erase(addresses_.begin());
}

WorkloadRef Containers::find(const std::string& id) const {
  const auto found = entries_.find(id);
  return found == entries_.end() ? nullptr : found->second.workload;
}

WorkloadRef Containers::at(const Workload::Ip& ip) const {
  const auto found = addresses_.find(ip);
  return found == addresses_.end() ? nullptr : found->second;
}

void Containers::expire(Nanoseconds now) {
  while (!ended_.empty() && ended_.front().when + limits_.grace < now) {
    const Mark oldest = std::move(ended_.front());
    ended_.pop_front();
    remove(oldest.id, oldest.sequence);
  }
}

}  // namespace subfloor::identity
