// SPDX-License-Identifier: Apache-2.0
#include "identity/names/names.h"

#include <algorithm>
#include <utility>

namespace subfloor::identity {
namespace {

// The names that speak for an address, as they are come upon.
class Candidates {
 public:
  void add(const std::shared_ptr<const std::string>& name, Nanoseconds asked) {
    if (newest_ && *newest_ == *name) {
      newest_asked_ = std::max(newest_asked_, asked);
    } else if (!newest_ || asked > newest_asked_) {
      if (newest_) other_asked_ = std::max(other_asked_, newest_asked_);
      newest_ = name;
      newest_asked_ = asked;
    } else {
      other_asked_ = std::max(other_asked_, asked);
    }
  }

  [[nodiscard]] bool any() const { return newest_ != nullptr; }
  [[nodiscard]] std::shared_ptr<const std::string> only() const { return other_asked_ == 0 ? newest_ : nullptr; }
  // The only one, or the one that was asked for within this time, when no other was.
  [[nodiscard]] std::shared_ptr<const std::string> latest_since(Nanoseconds when) const {
    return newest_asked_ >= when && other_asked_ < when ? newest_ : only();
  }

 private:
  std::shared_ptr<const std::string> newest_;
  Nanoseconds newest_asked_ = 0, other_asked_ = 0;
};

}  // namespace

std::size_t Names::Hash::operator()(const Ip& ip) const {
  return std::hash<std::string_view>()({reinterpret_cast<const char*>(ip.data()), ip.size()});
}

void Names::learn(const Resolution& resolution, const Asker& asker, std::uint32_t net_namespace, Nanoseconds when) {
  std::vector<Entry>& entries = entries_[resolution.ip];
  auto entry = std::find_if(entries.begin(), entries.end(), [&](const Entry& known) {
    return known.asker == asker && known.net_namespace == net_namespace && *known.name == resolution.name;
  });
  if (entry == entries.end() && entries.size() >= limits_.per_address) {
    entry = std::min_element(entries.begin(), entries.end(),
                             [](const Entry& a, const Entry& b) { return a.sequence < b.sequence; });
    *entry = {.name = std::make_shared<const std::string>(resolution.name), .asker = asker};
  } else if (entry == entries.end()) {
    entries.push_back({.name = std::make_shared<const std::string>(resolution.name), .asker = asker});
    entry = entries.end() - 1;
    ++size_;
  }
  entry->net_namespace = net_namespace;
  entry->asked = when;
  entry->until = when + resolution.ttl * Nanoseconds{1'000'000'000};
  entry->sequence = ++sequence_;
  order_.push_back({resolution.ip, sequence_});
  while (size_ > limits_.names || order_.size() > 2 * limits_.names) {
    const Learned oldest = order_.front();
    order_.pop_front();
    remove(oldest.ip, oldest.sequence);
  }
}

// Nothing where it was looked up again since.
void Names::remove(const Ip& ip, std::uint64_t sequence) {
  const auto at = entries_.find(ip);
  if (at == entries_.end()) return;
  size_ -= std::erase_if(at->second, [&](const Entry& entry) { return entry.sequence == sequence; });
  if (at->second.empty()) entries_.erase(at);
}

std::string_view Names::of(const Connection& connection, const Asker& process, const Asker& parent, Nanoseconds now) {
  if (connection.transport == Transport::unix_stream || !connection.remote.known()) return {};
  if (const auto before = remembered(connection.key)) return *before;
  const Text found = find(connection, process, parent, now);
  const std::string_view text = found ? std::string_view(*found) : std::string_view();  // the entry holds it, too
  // A socket may have several peers at a time, and one that was there before the agent, a name later.
  if (connection.transport != Transport::tcp || connection.opened == 0 || connection.joined_late) return text;
  if (connections_.size() >= limits_.connections) connections_.erase(connections_.begin());
  connections_[connection.key] = found;
  return text;
}

std::optional<std::string_view> Names::remembered(SocketKey connection) const {
  const auto known = connections_.find(connection);
  if (known == connections_.end()) return std::nullopt;
  return known->second ? std::string_view(*known->second) : std::string_view();
}

Names::Text Names::find(const Connection& connection, const Asker& process, const Asker& parent,
                        Nanoseconds now) const {
  const auto at = entries_.find(connection.remote.ip);
  if (at == entries_.end()) return nullptr;
  const bool opening_known = connection.opened != 0 && !connection.joined_late;
  const Nanoseconds when = opening_known ? connection.opened : now;
  Candidates own, others;
  for (const Entry& entry : at->second) {
    if (entry.net_namespace != connection.net_namespace || entry.asked > when) continue;
    const bool asked_itself = entry.asker == process || entry.asker == parent;
    if (asked_itself && when <= entry.until + limits_.own_grace) own.add(entry.name, entry.asked);
    if (!asked_itself && when <= entry.until + limits_.others_grace) others.add(entry.name, entry.asked);
  }
  if (!own.any()) return others.only();
  return opening_known ? own.latest_since(when - std::min(when, limits_.just_before)) : own.only();
}

}  // namespace subfloor::identity
