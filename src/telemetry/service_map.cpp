// SPDX-License-Identifier: Apache-2.0
#include "telemetry/service_map.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <set>
#include <tuple>

#include "telemetry/hashing.h"
#include "telemetry/semantics.h"
#include "telemetry/trace_context.h"

namespace subfloor {
namespace {

constexpr std::string_view other = "{other}";
constexpr std::size_t max_text = 128;  // bytes of a name

// An address as a key holds it: its bytes behind a mark, since its text takes longer to make than all else. A client's
// port says nothing of it, a server's does.
constexpr char address_mark = '\1';  // no path of a unix socket begins so
constexpr std::size_t packed_size = 1 + sizeof(Address::ip) + 2;

std::string_view packed(const Address& address, bool with_port, std::array<char, packed_size>& bytes) {
  bytes[0] = address_mark;
  std::memcpy(bytes.data() + 1, address.ip.data(), address.ip.size());
  const std::uint16_t port = with_port ? address.port : 0;
  std::memcpy(bytes.data() + 1 + address.ip.size(), &port, sizeof port);
  return {bytes.data(), bytes.size()};
}

std::string unpacked(std::string_view name) {
  if (name.size() != packed_size || name.front() != address_mark) return std::string(name);
  Address address;
  std::memcpy(address.ip.data(), name.data() + 1, address.ip.size());
  std::memcpy(&address.port, name.data() + 1 + address.ip.size(), sizeof address.port);
  return address.port == 0 ? address.ip_text() : address.text();
}

}  // namespace

std::string_view to_string(MapNode::Kind kind) {
  switch (kind) {
    case MapNode::Kind::process: return "process";
    case MapNode::Kind::pod: return "pod";
    case MapNode::Kind::host: return "host";
    case MapNode::Kind::address: return "address";
    case MapNode::Kind::other: break;
  }
  return "other";
}

ServiceMap::ServiceMap(const Options& options, Nanoseconds now)
    : options_(options), seed_(IdGenerator().next()), interval_start_(now) {}

// With less room, what is too much goes as it falls idle.
void ServiceMap::set_options(const Options& options) {
  options_ = options;
  if (!on()) {
    edges_.clear();
    gone_.clear();
  }
}

std::uint64_t ServiceMap::Side::recent_calls() const {
  std::uint64_t sum = 0;
  for (const Numbers& numbers : past) sum += numbers.calls;
  return sum;
}

const ServiceMap::Side& ServiceMap::Edge::better() const {
  const auto& server = sides[static_cast<std::size_t>(Kind::server)];
  const auto& client = sides[static_cast<std::size_t>(Kind::client)];
  if (!server || !client) return server ? *server : *client;
  return server->recent_calls() > client->recent_calls() ? *server : *client;
}

ServiceMap::KeyView ServiceMap::key_of(const Observation& observation) {
  const auto node = [](std::string_view service, const Workload* workload) {
    BasicNode<std::string_view> result{MapNode::Kind::process, service.substr(0, max_text), {}, {}};
    if (workload == nullptr || workload->pod_name.empty()) return result;
    result.kind = MapNode::Kind::pod;
    result.name_space = std::string_view(workload->pod_namespace).substr(0, max_text);
    result.pod = std::string_view(workload->pod_name).substr(0, max_text);
    return result;
  };
  const bool client = observation.call.kind == Kind::client;
  BasicNode<std::string_view> peer;
  if (!observation.peer_service.empty()) {
    peer = node(observation.peer_service, observation.peer_workload.get());
  } else if (client && !observation.server_name.empty()) {
    peer = {MapNode::Kind::host, observation.server_name.substr(0, max_text), {}, {}};
  } else {
    peer = {MapNode::Kind::address, address_of(observation.connection, client), {}, {}};
  }
  KeyView key;
  key.family = observation.call.protocol->family;
  key.client = node(observation.service, observation.workload.get());
  key.server = peer;
  if (!client) std::swap(key.client, key.server);
  return key;
}

std::string_view ServiceMap::address_of(const Connection& connection, bool with_port) {
  if (connection.transport == Transport::unix_stream)
    return connection.unix_path.empty() ? "unix socket" : std::string_view(connection.unix_path).substr(0, max_text);
  return connection.remote.known() ? packed(connection.remote, with_port, address_) : "unknown";
}

void ServiceMap::seal(KeyView& key) const {
  FieldHash hash(seed_);
  for (const auto* node : {&key.client, &key.server}) {
    hash.add(node->name);
    hash.add(node->name_space);
    hash.add(node->pod);
    hash.add(static_cast<std::uint64_t>(node->kind));
  }
  hash.add(reinterpret_cast<std::uintptr_t>(key.family));
  key.hash = hash.value();
}

// Null where there is no room. Where it gets scarce, addresses are not told apart any more: anybody has some.
ServiceMap::Edge* ServiceMap::edge_for(KeyView& key) {
  seal(key);
  if (const auto found = edges_.find(key); found != edges_.end()) return &found->second;
  if (edges_.size() >= options_.max_edges - options_.max_edges / 4) {
    bool merged = false;
    for (auto* node : {&key.client, &key.server}) {
      if (node->kind != MapNode::Kind::address) continue;
      *node = {MapNode::Kind::other, other, {}, {}};
      merged = true;
    }
    if (merged) seal(key);
    if (const auto found = edges_.find(key); found != edges_.end()) return &found->second;
  }
  if (edges_.size() >= options_.max_edges) return nullptr;
  const auto kept = [](const BasicNode<std::string_view>& node) {
    return BasicNode<std::string>{node.kind, std::string(node.name), std::string(node.name_space),
                                  std::string(node.pod)};
  };
  return &edges_.try_emplace(Key{key.hash, kept(key.client), kept(key.server), key.family}).first->second;
}

void ServiceMap::add(const Observation& observation) {
  if (!on()) return;
  KeyView key = key_of(observation);
  Edge* edge = edge_for(key);
  if (edge == nullptr) {
    ++merged_[at_];
    ++merged_calls_;
    return;
  }
  const Call& call = observation.call;
  auto& side = edge->sides[static_cast<std::size_t>(call.kind)];
  if (!side) side = std::make_unique<Side>();
  edge->idle = 0;
  const bool failed = semantics::is_error(call);
  ++side->past[at_].calls;
  ++side->calls;
  side->past[at_].errors += failed ? 1 : 0;
  side->errors += failed ? 1 : 0;
  if (!semantics::duration_known(call)) return;
  side->recent[0].record(call.duration());
  side->durations.record(call.duration());
}

void ServiceMap::tick(Nanoseconds now) {
  // Of a pause longer than all there is, nothing is left.
  for (std::size_t i = 0; now >= interval_start_ + interval && i < intervals; ++i) end_interval();
  if (now >= interval_start_ + interval) interval_start_ = now;
}

void ServiceMap::end_interval() {
  interval_start_ += interval;
  at_ = (at_ + 1) % intervals;
  const bool half = ++ended_ % (intervals / 2) == 0;
  merged_[at_] = 0;
  for (auto& [key, edge] : edges_) {
    ++edge.idle;
    for (const auto& side : edge.sides) {
      if (!side) continue;
      side->past[at_] = {};
      if (!half) continue;
      side->recent[1] = side->recent[0];
      side->recent[0].clear();
    }
  }
  // There is no hurry to forget while there is room.
  const std::size_t patience = edges_.size() >= options_.max_edges ? intervals : forgotten;
  if (edges_.size() < options_.max_edges / 2) return;
  for (auto edge = edges_.begin(); edge != edges_.end();) {
    if (edge->second.idle < patience) {
      ++edge;
    } else {
      add_totals(edge->first, edge->second, gone_);
      edge = edges_.erase(edge);
    }
  }
}

// Edges that are one to whoever asks.
struct ServiceMap::Sum {
  MapEdge edge;
  QuantileSketch durations;
  std::set<std::string_view> client_pods, server_pods;
};

void ServiceMap::add_to(Sum& sum, const Key& key, const Edge& edge) {
  const Side& side = edge.better();
  for (const Numbers& numbers : side.past) {
    sum.edge.calls += numbers.calls;
    sum.edge.errors += numbers.errors;
  }
  std::uint64_t calls = 0, errors = 0;
  for (const auto& one : edge.sides) {
    if (!one) continue;
    calls = std::max(calls, one->calls);
    errors = std::max(errors, one->errors);
  }
  sum.edge.total_calls += calls;
  sum.edge.total_errors += errors;
  sum.edge.seen_by_client |= edge.sides[static_cast<std::size_t>(Kind::client)] != nullptr;
  sum.edge.seen_by_server |= edge.sides[static_cast<std::size_t>(Kind::server)] != nullptr;
  sum.durations.add(side.recent[0]);
  sum.durations.add(side.recent[1]);
  if (!key.client.pod.empty()) sum.client_pods.insert(key.client.pod);
  if (!key.server.pod.empty()) sum.server_pods.insert(key.server.pod);
}

MapEdge ServiceMap::finished(Sum&& sum) {
  const auto name_pods = [](MapNode& node, const std::set<std::string_view>& pods) {
    node.pods = pods.size();
    if (pods.size() == 1) node.pod = *pods.begin();
  };
  name_pods(sum.edge.client, sum.client_pods);
  name_pods(sum.edge.server, sum.server_pods);
  if (sum.durations.count() > 0)
    sum.edge.durations = {sum.durations.quantile(0.50), sum.durations.quantile(0.95), sum.durations.quantile(0.99)};
  return std::move(sum.edge);
}

// Addresses are no labels: they are many, and personal.
void ServiceMap::add_totals(const Key& key, const Edge& edge, ServiceGraph& graph) const {
  const auto name = [](const BasicNode<std::string>& node) {
    return node.kind == MapNode::Kind::address ? std::string(other) : node.name;
  };
  GraphKey of{name(key.client), key.client.name_space, name(key.server), key.server.name_space,
              connection_type(*key.family)};
  if (graph.size() >= options_.max_edges && !graph.contains(of))
    of = {std::string(other), "", std::string(other), "", ""};
  GraphTotals& totals = graph[of];
  std::uint64_t calls = 0, errors = 0;
  for (std::size_t kind = 0; kind < edge.sides.size(); ++kind) {
    const auto& side = edge.sides[kind];
    if (!side) continue;
    calls = std::max(calls, side->calls);
    errors = std::max(errors, side->errors);
    if (side->durations.count() > 0) add_durations(totals.durations[kind], side->durations);
  }
  totals.calls += calls;
  totals.errors += errors;
}

void ServiceMap::append_metrics(std::vector<MetricFamily>& families) const {
  ServiceGraph graph = gone_;
  for (const auto& [key, edge] : edges_) add_totals(key, edge, graph);
  append_graph(graph, families);
}

MapSnapshot ServiceMap::snapshot(Nanoseconds now, MapBy by, std::size_t edges) const {
  MapSnapshot result;
  const Nanoseconds past = std::min<std::size_t>(ended_, intervals - 1) * interval;
  result.over = past + (now > interval_start_ ? now - interval_start_ : 0);
  std::map<std::tuple<MapNode, MapNode, std::string_view>, Sum> sums;
  const auto node = [&](const BasicNode<std::string>& of) {
    return MapNode{of.kind, unpacked(of.name), of.name_space, by == MapBy::pod ? of.pod : std::string()};
  };
  for (const auto& [key, edge] : edges_) {
    if (edge.better().recent_calls() == 0) continue;
    Sum& sum = sums[{node(key.client), node(key.server), key.family->name}];
    add_to(sum, key, edge);
  }
  for (auto& [key, sum] : sums) {
    std::tie(sum.edge.client, sum.edge.server, sum.edge.protocol) = key;
    result.edges.push_back(finished(std::move(sum)));
  }
  std::stable_sort(result.edges.begin(), result.edges.end(),
                   [](const MapEdge& a, const MapEdge& b) { return a.calls > b.calls; });
  for (const std::uint64_t calls : merged_) result.other_calls += calls;
  for (std::size_t i = edges; i < result.edges.size(); ++i) {
    ++result.other_edges;
    result.other_calls += result.edges[i].calls;
  }
  if (result.edges.size() > edges) result.edges.resize(edges);
  return result;
}

}  // namespace subfloor
