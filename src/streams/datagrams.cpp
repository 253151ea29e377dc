// SPDX-License-Identifier: Apache-2.0
#include "streams/datagrams.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "streams/addresses.h"

namespace subfloor::streams {
namespace {

using protocols::Direction;
using protocols::Guess;

// What is sent to a group, nobody in particular answers.
bool is_multicast(const Address& address) {
  return address.is_ipv4() ? (address.ip[12] & 0xf0U) == 0xe0U : address.ip[0] == 0xffU;
}

}  // namespace

struct Datagrams::Flow {
  Key key;
  Ends ends;
  Connection connection;
  const protocols::Descriptor* protocol = nullptr;
  std::unique_ptr<protocols::Session> session;
  Nanoseconds last = 0;
  bool active = false;     // in which list it is
  List::iterator place{};  // there
};

class Datagrams::Delivery final : public protocols::CallSink {
 public:
  Delivery(Datagrams& datagrams, const Flow& flow) : datagrams_(datagrams), flow_(flow) {}
  void on_call(Call& call) override {
    ++datagrams_.counters_.calls;
    if (call.pid == 0) call.pid = datagrams_.sockets_[flow_.connection.key].pid;
    if (!datagrams_.settings_.on_the_wire || call.kind == Kind::server)
      return datagrams_.receiver_.on_call(call, flow_.connection, call.pid, datagrams_.peer_pid(flow_));
    // Which end serves was a guess, and the content says that it was wrong.
    Connection connection = flow_.connection;
    std::swap(connection.local, connection.remote);
    call.kind = Kind::server;
    datagrams_.receiver_.on_call(call, connection, call.pid, 0);
  }

 private:
  Datagrams& datagrams_;
  const Flow& flow_;
};

Datagrams::Datagrams(const Settings& settings, CallReceiver& receiver) : Datagrams(settings, receiver, Limits()) {}

Datagrams::Datagrams(const Settings& settings, CallReceiver& receiver, const Limits& limits)
    : settings_(settings), receiver_(receiver), limits_(limits) {}

Datagrams::~Datagrams() = default;

void Datagrams::on_datagram(const sensors::Datagram& datagram) {
  if (began_ == 0) began_ = datagram.when;
  if (datagram.lost_before) lose(datagram.when);
  const bool to_group = is_multicast(datagram.remote) || is_multicast(datagram.local);
  counters_.unknown += to_group ? 1 : 0;
  Flow* const flow = to_group ? nullptr : find_or_begin(datagram, {datagram.key, datagram.local, datagram.remote});
  if (flow == nullptr) return;
  flow->last = datagram.when;
  if (datagram.pid != 0) sockets_[datagram.key].pid = datagram.pid;
  Delivery delivery(*this, *flow);
  // Whatever it wants next: no datagram but the next can be left out.
  (void)flow->session->on_segment({.direction = datagram.outbound ? Direction::outbound : Direction::inbound,
                                   .bytes = datagram.bytes,
                                   .length = datagram.length,
                                   .begin = datagram.when,
                                   .end = datagram.when,
                                   .pid = datagram.pid,
                                   .tid = datagram.tid},
                                  delivery);
  sort_in(*flow);
}

const protocols::Descriptor* Datagrams::recognise(const sensors::Datagram& datagram) const {
  const protocols::Descriptor* likely = nullptr;
  const protocols::Opening opening{.bytes = datagram.bytes,
                                   .direction = datagram.outbound ? Direction::outbound : Direction::inbound,
                                   .datagram = true,
                                   .server_port = std::min(datagram.local.port, datagram.remote.port)};
  for (const protocols::Descriptor* protocol : settings_.protocols) {
    const Guess guess = protocol->recognise(opening);
    if (guess == Guess::yes) return protocol;
    if (guess == Guess::likely && likely == nullptr) likely = protocol;
  }
  return likely;
}

Datagrams::Flow* Datagrams::find_or_begin(const sensors::Datagram& datagram, const Key& key) {
  if (const auto found = flows_.find(key); found != flows_.end()) return found->second.get();
  const protocols::Descriptor* const protocol = recognise(datagram);
  if (protocol == nullptr) {
    ++counters_.unknown;
    return nullptr;
  }
  if (flows_.size() >= limits_.flows) evict();
  const bool late = datagram.when < began_ + limits_.beginning;
  auto fresh = std::make_unique<Flow>();
  fresh->key = key;
  fresh->connection = {.key = datagram.key,
                       .transport = Transport::udp,
                       .local = datagram.local,
                       .remote = datagram.remote,
                       .unix_path = {},
                       .net_namespace = datagram.net_namespace,
                       .joined_late = late,
                       .opened = datagram.when};
  fresh->ends = ends_of(fresh->connection, false);
  fresh->protocol = protocol;
  fresh->session = protocol->open({.joined_late = late,
                                   .keep_headers = settings_.keep_headers,
                                   .header_limit = settings_.header_limit,
                                   .datagrams = true,
                                   .extras = settings_.extras});
  fresh->place = idle_.insert(idle_.end(), fresh.get());
  by_ends_[fresh->ends] = fresh.get();
  ++sockets_[datagram.key].flows;
  return flows_.emplace(key, std::move(fresh)).first->second.get();
}

// To the end of the list where it belongs.
void Datagrams::sort_in(Flow& flow) {
  const bool active = flow.session->active(Kind::server) + flow.session->active(Kind::client) > 0;
  List& to = active ? active_ : idle_;
  to.splice(to.end(), flow.active ? active_ : idle_, flow.place);
  flow.active = active;
}

// Nobody knows of which flow.
void Datagrams::lose(Nanoseconds when) {
  for (const auto& [key, flow] : flows_) {
    Delivery delivery(*this, *flow);
    flow->session->on_lost(Direction::inbound, when, delivery);
    flow->session->on_lost(Direction::outbound, when, delivery);
  }
}

void Datagrams::evict() {
  Flow& flow = *(idle_.empty() ? active_ : idle_).front();
  if (flow.active) {
    ++counters_.evicted;
    Delivery delivery(*this, flow);
    flow.session->on_lost(Direction::inbound, flow.last, delivery);  // its answer will not be known
  }
  end(flow, flow.last);
}

void Datagrams::on_closed(SocketKey key, Nanoseconds when) {
  if (!sockets_.contains(key)) return;
  for (auto flow = flows_.lower_bound({key, {}, {}}); flow != flows_.end() && std::get<0>(flow->first) == key;)
    end(*(flow++)->second, when);
}

void Datagrams::end(Flow& flow, Nanoseconds when) {
  Delivery delivery(*this, flow);
  flow.session->on_close(when, delivery);
  remove(flow);
}

void Datagrams::remove(Flow& flow) {
  (flow.active ? active_ : idle_).erase(flow.place);
  if (const auto found = by_ends_.find(flow.ends); found != by_ends_.end() && found->second == &flow)
    by_ends_.erase(found);
  const auto socket = sockets_.find(flow.connection.key);
  if (--socket->second.flows == 0) sockets_.erase(socket);
  flows_.erase(Key(flow.key));
}

void Datagrams::tick(Nanoseconds now) {
  if (began_ == 0) began_ = now;
  for (const auto& [key, flow] : flows_) {
    Delivery delivery(*this, *flow);
    flow->session->on_tick(now, delivery);
  }
  std::vector<Flow*> answered;
  for (Flow* flow : active_) {
    if (flow->session->active(Kind::server) + flow->session->active(Kind::client) == 0) answered.push_back(flow);
  }
  for (Flow* flow : answered) sort_in(*flow);
  // Those that were just sorted in are out of order by some seconds, and go as much later.
  while (!idle_.empty() && idle_.front()->last + limits_.idle <= now) remove(*idle_.front());
}

void Datagrams::finish(Nanoseconds now) {
  while (!flows_.empty()) end(*flows_.begin()->second, now);
}

std::uint32_t Datagrams::peer_pid(const Flow& flow) const {
  const auto peer = by_ends_.find(ends_of(flow.connection, true));
  if (peer == by_ends_.end()) return 0;
  const auto socket = sockets_.find(peer->second->connection.key);
  return socket == sockets_.end() ? 0 : socket->second.pid;
}

void Datagrams::add_active(std::map<const Family*, std::array<std::size_t, 2>>& active) const {
  for (const auto& [key, flow] : flows_) {
    auto& counts = active[flow->protocol->protocol->family];
    for (const Kind kind : {Kind::server, Kind::client})
      counts[static_cast<std::size_t>(kind)] += flow->session->active(kind);
  }
}

}  // namespace subfloor::streams
