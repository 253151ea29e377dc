// SPDX-License-Identifier: Apache-2.0
// Datagrams: from what the kernel delivered of each UDP socket to calls. What passes between a socket and one peer is a
// flow, with a session of the protocol that its datagrams speak.
#pragma once

#include <array>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <tuple>
#include <unordered_map>

#include "model/call.h"
#include "model/connection.h"
#include "protocols/session.h"
#include "sensors/sensor.h"
#include "streams/streams.h"

namespace subfloor::streams {

class Datagrams {
 public:
  struct Limits {
    std::size_t flows = 8192;  // the longest idle goes first, then the longest silent
    Nanoseconds idle = 30'000'000'000;  // without a datagram, and nothing unanswered
    Nanoseconds beginning = 5'000'000'000;  // of observation: what comes then may answer what came before
  };
  struct Counters {
    std::uint64_t calls = 0;
    std::uint64_t unknown = 0;  // datagrams of no protocol, or to a group, which nobody in particular answers
    std::uint64_t evicted = 0;  // flows that were given up with calls unanswered, for want of room
  };

  // The receiver outlives this. Of the settings, those of steering are of no meaning here.
  Datagrams(const Settings& settings, CallReceiver& receiver);
  Datagrams(const Settings& settings, CallReceiver& receiver, const Limits& limits);
  ~Datagrams();
  Datagrams(const Datagrams&) = delete;
  Datagrams& operator=(const Datagrams&) = delete;

  void on_datagram(const sensors::Datagram& datagram);
  // Of sockets that moved no datagram it knows nothing.
  void on_closed(SocketKey key, Nanoseconds when);
  // Once a second or so.
  void tick(Nanoseconds now);
  void set_extras(const protocols::Extras& extras) { settings_.extras = extras; }
  // The agent stops: every session gives what it has.
  void finish(Nanoseconds now);

  [[nodiscard]] std::size_t size() const { return flows_.size(); }
  // As Streams::active().
  void add_active(std::map<const Family*, std::array<std::size_t, 2>>& active) const;
  [[nodiscard]] const Counters& counters() const { return counters_; }

 private:
  struct Flow;
  class Delivery;
  struct Socket {
    std::uint32_t pid = 0;  // who moved a datagram last
    std::size_t flows = 0;
  };
  using Key = std::tuple<SocketKey, Address, Address>;  // local, remote
  using Ends = std::tuple<std::uint32_t, Address, Address>;  // network namespace, where it matters
  using List = std::list<Flow*>;

  [[nodiscard]] Flow* find_or_begin(const sensors::Datagram& datagram, const Key& key);
  [[nodiscard]] const protocols::Descriptor* recognise(const sensors::Datagram& datagram) const;
  void sort_in(Flow& flow);
  void lose(Nanoseconds when);
  void evict();
  void end(Flow& flow, Nanoseconds when);
  void remove(Flow& flow);
  [[nodiscard]] std::uint32_t peer_pid(const Flow& flow) const;

  Settings settings_;
  CallReceiver& receiver_;
  Limits limits_;
  std::map<Key, std::unique_ptr<Flow>> flows_;
  std::map<Ends, Flow*> by_ends_;
  std::unordered_map<SocketKey, Socket> sockets_;
  List idle_, active_;  // longest without a datagram first
  Nanoseconds began_ = 0;
  Counters counters_;
};

}  // namespace subfloor::streams
