// SPDX-License-Identifier: Apache-2.0
// What calls are named after. Records of the two ends of a connection come in either order, so a server may have
// answered, and made calls of its own, before it is heard of what its client sent.
#include "tracing/tracer.h"

namespace subfloor::tracing {
namespace {

bool sampled(const TraceContext& context) {
  return context.sampling == TraceContext::Sampling::yes || context.sampling == TraceContext::Sampling::debug;
}

}  // namespace

std::shared_ptr<Origin> Tracer::origin_of(const Call& call, const Connection& connection, const TraceContext* context) {
  auto origin = std::make_shared<Origin>();
  origin->key = connection.key;
  origin->peer = peer_of(connection);
  origin->awaits_client = origin->peer != 0;
  origin->tls = connection.tls;
  origin->position = *call.position;
  Names& names = origin->names;
  names.span = ids_.span_at(connection.key, *call.position);
  if (context != nullptr) {
    names.trace = read_trace_id(context->trace_id());
    names.parent = origin->told_parent = read_span_id(context->span_id());
    names.sampled = sampled(*context);
  } else {
    names.trace = ids_.trace_at(connection.key, *call.position);
  }
  return origin;
}

// Whether its names are what they will be, by what was heard of its client since. That may wait for a client in turn.
bool Tracer::settled(Origin& origin, int hops) {
  constexpr int most = 16;
  if (!origin.awaits_client) return true;
  const Send* const send = sent_by_peer(origin.peer, origin.tls, origin.position);
  if (send == nullptr || send->open || hops == most) return false;
  if (send->origin != nullptr && !settled(*send->origin, hops + 1)) return false;
  origin.awaits_client = false;
  origin.names.parent = ids_.span_at(origin.peer, origin.position);
  ++counters_.ends_joined;
  if (origin.told_parent != 0) return true;
  const Names* const before = send->origin == nullptr ? nullptr : &send->origin->names;
  origin.names.trace = before != nullptr ? before->trace : ids_.trace_at(origin.peer, origin.position);
  origin.names.sampled = before == nullptr || before->sampled;
  return true;
}

Unnamed Tracer::end_of_server(const Call& call, const Connection& connection, const TraceContext* context) {
  Link& link = link_of(connection.key);
  link.kind = Kind::server;
  Unnamed unnamed{.server = true};
  if (Request* const request = serving(link, *call.position)) {
    unnamed.origin = request->origin;
    close(*request);
  } else {
    unnamed.origin = origin_of(call, connection, context);
  }
  return unnamed;
}

Unnamed Tracer::end_of_client(const Call& call, const Connection& connection, const TraceContext* context) {
  Link& link = link_of(connection.key);
  link.kind = Kind::client;
  Unnamed unnamed{.own = {.trace = ids_.trace_at(connection.key, *call.position),
                          .span = ids_.span_at(connection.key, *call.position)}};
  if (context != nullptr)
    unnamed.told = {read_trace_id(context->trace_id()), read_span_id(context->span_id()), sampled(*context)};
  Send* const send = link.sends.find(*call.position);
  if (send == nullptr) return unnamed;
  unnamed.origin = send->origin;
  concerned_.push_back({send->cause, send->certain});
  if (send->answered) {  // several in one go: they may have been gathered from several requests
    learn(process_of(link.pid), link, true);
    return unnamed;
  }
  send->answered = true;
  if (Request* const request = requests_.find(send->cause)) requests_.end_call(processes_[request->pid], *request);
  return unnamed;
}

Unnamed Tracer::on_call(const Call& call, const Connection& connection, const TraceContext* context) {
  if (call.position && connection.transport != Transport::udp) {
    return call.kind == Kind::server ? end_of_server(call, connection, context)
                                     : end_of_client(call, connection, context);
  }
  if (context == nullptr) return {.own = {.trace = ids_.trace(), .span = ids_.span()}};
  return {
      .own = {read_trace_id(context->trace_id()), ids_.span(), read_span_id(context->span_id()), sampled(*context)}};
}

bool Tracer::better_wait(const Unnamed& call) {
  if (call.origin == nullptr || settled(*call.origin)) return false;
  const auto link = links_.find(call.origin->key);
  return link == links_.end() || !link->second.alone;
}

void Tracer::waited_in_vain(const Unnamed& call) {
  if (const auto link = links_.find(call.origin->key); link != links_.end()) link->second.alone = true;
}

Names Tracer::name(const Unnamed& call) {
  if (call.origin == nullptr && !call.told) return call.own;
  if (call.origin != nullptr && !settled(*call.origin)) call.origin->awaits_client = false;
  if (call.server) return call.origin->names;
  Names names = call.own;
  if (call.origin != nullptr) {
    names.trace = call.origin->names.trace;
    names.parent = call.origin->names.span;
    names.sampled = call.origin->names.sampled;
  }
  if (!call.told) return names;
  if (names.parent == 0 || call.told->trace != names.trace) names.parent = call.told->parent;
  names.trace = call.told->trace;
  names.sampled = call.told->sampled;
  return names;
}

}  // namespace subfloor::tracing
