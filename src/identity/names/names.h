// SPDX-License-Identifier: Apache-2.0
// Names: which name an address goes by, as processes of this host looked it up. README.md has the rules.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "model/call.h"
#include "model/connection.h"
#include "model/process.h"

namespace subfloor::identity {

// A process for ever: pids are used again.
struct Asker {
  std::uint32_t pid = 0;
  Nanoseconds start_time = 0;

  bool operator==(const Asker&) const = default;
};
[[nodiscard]] inline Asker asker_of(const Process& process) { return {process.pid, process.start_time}; }

class Names {
 public:
  struct Limits {
    std::size_t names = 16384;       // one per address, name and process
    std::size_t per_address = 16;    // of those
    std::size_t connections = 16384; // whose peer's name is remembered
    Nanoseconds own_grace = 3'600'000'000'000;  // beyond the TTL, for the process that asked: programs keep addresses
    Nanoseconds others_grace = 60'000'000'000;  // … and for others
    Nanoseconds just_before = 1'000'000'000;  // a look-up that is for the connection that follows
  };

  Names() : Names(Limits()) {}
  explicit Names(const Limits& limits) : limits_(limits) {}

  // A response told the process, at `when`.
  void learn(const Resolution& resolution, const Asker& asker, std::uint32_t net_namespace, Nanoseconds when);

  // The name of the connection's remote address for the process that made it, as of when it was opened; "" where none
  // is known, or more than one. `parent` is the process's, which may have asked for it. The text lives until learn().
  [[nodiscard]] std::string_view of(const Connection& connection, const Asker& process, const Asker& parent,
                                    Nanoseconds now);
  // What of() said of the connection before, of which nothing else need be known then.
  [[nodiscard]] std::optional<std::string_view> remembered(SocketKey connection) const;
  void forget(SocketKey connection) { connections_.erase(connection); }

  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  using Ip = std::array<std::uint8_t, 16>;
  using Text = std::shared_ptr<const std::string>;
  struct Hash {
    std::size_t operator()(const Ip& ip) const;
  };
  struct Entry {
    Text name;
    Asker asker;
    std::uint32_t net_namespace = 0;
    Nanoseconds asked = 0, until = 0;  // until: by its TTL
    std::uint64_t sequence = 0;  // of the last look-up
  };
  struct Learned {
    Ip ip;
    std::uint64_t sequence;
  };

  [[nodiscard]] Text find(const Connection& connection, const Asker& process, const Asker& parent,
                          Nanoseconds now) const;
  void remove(const Ip& ip, std::uint64_t sequence);

  Limits limits_;
  std::unordered_map<Ip, std::vector<Entry>, Hash> entries_;
  std::deque<Learned> order_;  // oldest first; those looked up again since are stale
  std::unordered_map<SocketKey, Text> connections_;
  std::size_t size_ = 0;
  std::uint64_t sequence_ = 0;
};

}  // namespace subfloor::identity
