// SPDX-License-Identifier: Apache-2.0
#include "tracing/tracer.h"

#include <algorithm>
#include <utility>

namespace subfloor::tracing {
namespace {

constexpr std::size_t threads_limit = 65536;
constexpr std::size_t serving_limit = 1024;  // requests open on one connection

// FNV-1a: what two requests ask for is compared within the agent only.
std::uint64_t content_of(const Call& call) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const std::string* text : {&call.operation, &call.path, &call.query}) {
    for (const char c : *text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    hash = (hash ^ 0x100) * 0x100000001b3;
  }
  return hash;
}

std::uint64_t shape_of(const Call& call) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : call.operation) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  for (const char c : call.path)
    if (c < '0' || c > '9') hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash;
}

}  // namespace

Tracer::Tracer(StyleOf style, Ids ids) : style_(std::move(style)), ids_(ids) {}

Process& Tracer::process_of(std::uint32_t pid) {
  const auto [entry, fresh] = processes_.try_emplace(pid);
  if (fresh) {
    const Style style = style_(pid);
    entry->second.by_turns = style == Style::loop || style == Style::turns;
    entry->second.at_once = style == Style::loop;
    entry->second.goroutines = style == Style::goroutines;
  }
  return entry->second;
}

// Threads end unheard of. Those that still run are known again as soon as they receive something.
Tracer::Thread& Tracer::thread_of(std::uint32_t tid) {
  if (threads_.size() >= threads_limit && !threads_.contains(tid)) threads_.clear();
  return threads_[tid];
}

Link& Tracer::link_of(SocketKey key) {
  if (key != last_key_ || last_link_ == nullptr) {
    last_key_ = key;
    last_link_ = &links_[key];
  }
  return *last_link_;
}

Send* Tracer::sent_at(SocketKey key, std::uint32_t position) {
  if (key == last_key_ && last_link_ != nullptr) return last_link_->sends.find(position);
  const auto link = links_.find(key);
  return link == links_.end() ? nullptr : link->second.sends.find(position);
}

// What the client at the other end sent there, where both ends count alike: of TLS, each counts its own plaintext, and
// counts it from the beginning only if it was watched from the beginning.
Send* Tracer::sent_by_peer(SocketKey peer, bool tls, std::uint32_t position) {
  const auto link = links_.find(peer);
  if (link == links_.end() || !link->second.comparable || link->second.tls != tls) return nullptr;
  return link->second.sends.find(position);
}

SocketKey Tracer::peer_of(const Connection& connection) {
  return connection.tls && connection.joined_late ? 0 : connection.peer;
}

// What was sent before it turned to TLS was counted otherwise.
void Tracer::heed_tls(Link& link, const Connection& connection) {
  if (!connection.tls) return;
  link.comparable = !connection.joined_late;
  if (std::exchange(link.tls, true)) return;
  end_calls(link);
  link.sends.clear();
}

void Tracer::end_calls(Link& link) {
  link.sends.for_each([&](const Send& send) {
    Request* const request = requests_.find(send.cause);
    if (!send.answered && request != nullptr) requests_.end_call(processes_[request->pid], *request);
  });
}

// For which request a thread sends what it sends now.
Tracer::Decision Tracer::decide(Process& process, Thread& thread, const Link& link, Moment now) {
  if (process.open == 0) return {};
  if (process.by_turns) return decide_by_turn(process, thread, link, now);
  if (!thread.multiplexes && requests_.find(thread.serving) != nullptr) return {thread.serving, Why::thread, true};
  return {{}, Why::unknown};
}

// A thread that serves many does what it received last called for, unless another request might have waited for just
// this moment: for a connection that became free, or for something nobody sees.
Tracer::Decision Tracer::decide_by_turn(const Process& process, Thread& thread, const Link& link, Moment now) {
  std::erase_if(thread.causes, [&](const Handle& cause) { return requests_.find(cause) == nullptr; });
  if (link.fresh || thread.unknown || thread.causes.empty()) return {{}, Why::unknown};
  const Handle cause = thread.causes.front();
  if (slept(thread, *requests_.find(cause), now)) return {cause, Why::woken};
  if (thread.causes.size() > 1) return {{}, Why::several};
  if (process.open == 1) return {cause, Why::turn, thread.certain};
  const bool others_idle = process.idle > (requests_.find(cause)->calls == 0 ? 1U : 0U);
  const bool freed_just_now = thread.link == last_key_;
  // What arrives new frees nothing that another could have waited for.
  const bool frees_nothing = process.at_once && thread.arrival;
  const bool another_may_go_on = !frees_nothing && (others_idle || (process.parallel && freed_just_now));
  if (!thread.certain || another_may_go_on || !sends_at_once(process, link)) return {cause, Why::many};
  return {cause, Why::turn, true};
}

// Whether it may have gone to sleep since, and been woken by something that nobody saw. A request that waits for
// nothing and is gone on with this soon was only held up: by a garbage collector, say.
bool Tracer::slept(const Thread& thread, const Request& request, Moment now) {
  constexpr Nanoseconds soon = 1'000'000;
  if (now.sleeps == 0 || now.sleeps == thread.sleeps) return false;
  return request.calls != 0 || now.when > thread.when + soon;
}

// Clients that put off what they send give themselves away: they send when nothing that was received calls for it.
bool Tracer::sends_at_once(const Process& process, const Link& link) {
  constexpr std::uint32_t enough = 20;  // sends beside other requests, none of which came late
  for (const Peer& peer : process.peers)
    if (peer.address == link.remote) return !peer.late && peer.sends >= (process.parallel ? 5 * enough : enough);
  return false;
}

void Tracer::learn(Process& process, const Link& link, bool late) {
  constexpr std::size_t limit = 64;
  if (!process.by_turns || process.open < 2) return;
  auto peer = std::find_if(process.peers.begin(), process.peers.end(),
                           [&](const Peer& each) { return each.address == link.remote; });
  if (peer == process.peers.end()) {
    if (process.peers.size() >= limit) return;
    peer = process.peers.insert(peer, {link.remote, 0, false});
  }
  ++peer->sends;
  peer->late = peer->late || late;
}

// Requests of one shape that have come equally far are gone on with in the order in which their answers were received.
bool Tracer::in_step(const Thread& thread) {
  const Request& first = *requests_.find(thread.causes.front());
  return std::all_of(thread.causes.begin(), thread.causes.end(), [&](const Handle& cause) {
    const Request& request = *requests_.find(cause);
    return request.shape == first.shape && request.made == first.made && request.calls == 0;
  });
}

// The thread is done with what it received for several requests at once. Where each that is still open sent one thing,
// and none was idle before, it is known which was whose.
void Tracer::settle(Thread& thread) {
  if (thread.open.empty()) return;
  const std::vector<Thread::Sent> open = std::exchange(thread.open, {});
  std::erase_if(thread.causes, [&](const Handle& cause) { return requests_.find(cause) == nullptr; });
  const Process& process = process_of(thread.pid);
  bool known = thread.certain && thread.causes.size() == open.size() && process.idle == open.size() &&
               process.at_once && in_step(thread);
  const auto to = links_.find(open.front().key);
  for (const Thread::Sent& sent : open) {
    const auto link = links_.find(sent.key);
    known = known && link != links_.end() && link->second.remote == to->second.remote;
  }
  for (std::size_t i = 0; i < open.size(); ++i) {
    Send* const send = sent_at(open[i].key, open[i].position);
    if (send == nullptr || !send->open) continue;
    send->open = false;
    if (i < thread.causes.size()) give_cause(*send, *requests_.find(thread.causes[i]), known);
  }
  (known ? counters_.in_order : counters_.left_many) += open.size();
}

void Tracer::note(Why why) {
  switch (why) {
    case Why::thread: ++counters_.by_thread; break;
    case Why::turn: ++counters_.by_turn; break;
    case Why::many: ++counters_.left_many; break;
    case Why::woken: ++counters_.left_woken; break;
    case Why::unknown: ++counters_.left_unknown; break;
    case Why::several:
    case Why::none: break;
  }
}

// A doubtful cause is told to nobody. But it is as busy as if it were certain: whoever it was that sent this, one
// request less is idle.
void Tracer::give_cause(Send& send, Request& request, bool certain) {
  send.cause = requests_.handle_of(request);
  send.certain = certain;
  requests_.add_call(processes_[request.pid], request, certain);
  send.origin = certain ? request.origin : nullptr;
}

// Numbers of threads are small.
std::uint32_t Tracer::task_of(std::uint32_t pid, std::uint32_t tid, std::uint32_t goroutine) {
  constexpr std::uint32_t mark = 0x8000'0000, spread = 0x9e37'79b1;
  return goroutine != 0 && process_of(pid).goroutines ? (goroutine ^ pid * spread) | mark : tid;
}

void Tracer::before(const Transfer& transfer) {
  task_ = transfer.tid;
  Link& link = link_of(transfer.connection.key);
  heed_tls(link, transfer.connection);
  if (transfer.kind) link.kind = transfer.kind;
  if (transfer.tid == 0) return concerned_.clear();
  Thread& thread = thread_of(transfer.tid);
  if (!transfer.outbound) {
    link.turned = true;
    concerned_.clear();
    settle(thread);
    return;
  }
  thread.acted = true;
  if (link.kind == Kind::server || transfer.pid == 0) return;
  link.pid = transfer.pid;
  link.remote = transfer.connection.remote;
  link.fresh = link.sends.empty() && !transfer.connection.joined_late;
  Process& process = process_of(transfer.pid);
  const Decision decision = decide(process, thread, link, {transfer.sleeps, transfer.when});
  // A reply to what came on the same connection belongs to that, whatever it is: a greeting, a password.
  if (!link.fresh && !(decision.why == Why::unknown && thread.link == transfer.connection.key))
    learn(process, link, decision.why == Why::unknown);
  Send* const last = link.sends.last();
  if (!std::exchange(link.turned, false) && last != nullptr && last->cause == decision.cause &&
      last->certain == decision.certain && decision.why != Why::several) {
    last->end = transfer.end;
    return;
  }
  Send& send = link.sends.push(transfer.position, transfer.end);
  note(decision.why);
  if (decision.why == Why::several) {
    send.open = true;
    thread.open.push_back({transfer.connection.key, transfer.position});
  }
  if (Request* request = requests_.find(decision.cause)) give_cause(send, *request, decision.certain);
}

// Whose bytes it received: of a client, those of the calls that were answered with them, else of the oldest that waits.
void Tracer::receive(Thread& thread, Link& link) {
  if (concerned_.empty()) {
    Concern cause{{}, true};
    if (link.kind == Kind::client) {
      const Send* const oldest = link.sends.unanswered();
      if (oldest != nullptr) cause = {oldest->cause, oldest->certain};
    } else if (link.serving.size() == 1) {
      cause.request = link.serving.front();
    }
    concerned_.push_back(cause);
  }
  for (const auto& [cause, certain] : concerned_) {
    thread.certain = thread.certain && certain;
    if (!cause) {
      thread.unknown = true;
    } else if (std::find(thread.causes.begin(), thread.causes.end(), cause) == thread.causes.end()) {
      thread.causes.push_back(cause);
    }
  }
  concerned_.clear();
}

void Tracer::after(const Transfer& transfer) {
  if (transfer.outbound || transfer.tid == 0) return;
  Thread& thread = thread_of(transfer.tid);
  const SocketKey key = transfer.connection.key;
  if (thread.acted || thread.link != key) {  // else another piece of the same
    thread.causes.clear();
    thread.unknown = false;
    thread.certain = true;
  }
  thread.acted = false;
  thread.link = key;
  thread.pid = transfer.pid;
  thread.sleeps = transfer.sleeps;
  thread.when = transfer.when;
  thread.arrival = link_of(key).kind == Kind::server;
  receive(thread, link_of(key));
}

void Tracer::on_request(const Call& call, Kind kind, const Connection& connection, std::uint32_t pid,
                        const TraceContext* context) {
  if (!call.position || pid == 0) return;
  if (kind == Kind::server) {
    begin(call, connection, pid, context);
  } else {
    explain(call, connection, pid, context);
  }
}

void Tracer::begin(const Call& call, const Connection& connection, std::uint32_t pid, const TraceContext* context) {
  Link& link = link_of(connection.key);
  link.kind = Kind::server;
  if (link.serving.size() >= serving_limit) return;
  Process& process = process_of(pid);
  Thread& thread = thread_of(task_);
  if (requests_.find(thread.serving) != nullptr) (process.goroutines ? thread.multiplexes : process.by_turns) = true;
  Request* const request = requests_.begin(process, pid);
  if (request == nullptr) return;
  request->stream = call.stream;
  request->content = content_of(call);
  request->shape = shape_of(call);
  request->origin = origin_of(call, connection, context);
  (void)settled(*request->origin);  // mostly; its client may be gone when the response is out
  const Handle handle = requests_.handle_of(*request);
  link.serving.push_back(handle);
  thread.serving = handle;
  concerned_.push_back({handle, true});
}

// The only open request that carried this context on to here, if its process hands on what it got.
Request* Tracer::with_header(const Process& process, const TraceContext& context) {
  const TraceId trace = read_trace_id(context.trace_id());
  const SpanId span = read_span_id(context.span_id());
  Request* found = nullptr;
  bool several = false;
  requests_.for_each(process, [&](Request& request) {
    if (request.origin->told_parent != span || request.origin->names.trace != trace) return;
    several = several || found != nullptr;
    found = &request;
  });
  return several ? nullptr : found;
}

// The only open request that asks for the same.
Request* Tracer::with_content(const Process& process, std::uint64_t content) {
  Request* found = nullptr;
  bool several = false;
  requests_.for_each(process, [&](Request& request) {
    if (request.content != content) return;
    several = several || found != nullptr;
    found = &request;
  });
  return several ? nullptr : found;
}

// A client's request says itself what it was made for: proxies hand on what they got.
void Tracer::explain(const Call& call, const Connection& connection, std::uint32_t pid, const TraceContext* context) {
  Link& link = link_of(connection.key);
  link.kind = Kind::client;
  Send* send = link.sends.find(*call.position);
  const Process& process = process_of(pid);
  if (send == nullptr || process.open == 0) return;
  if (context == nullptr && send->certain && (process.at_once || !process.by_turns)) return;
  Request* const request =
      context != nullptr ? with_header(process, *context) : with_content(process, content_of(call));
  if (request == nullptr || (send->certain && requests_.handle_of(*request) == send->cause)) return;
  if (send->position != *call.position) {
    const std::uint32_t end = std::exchange(send->end, *call.position);
    send = &link.sends.push(*call.position, end);
  }
  if (Request* before = requests_.find(send->cause); before != nullptr && !send->answered)
    requests_.end_call(processes_[before->pid], *before);
  send->open = false;
  give_cause(*send, *request, true);
  ++(context != nullptr ? counters_.by_header : counters_.by_content);
}

Request* Tracer::serving(Link& link, std::uint32_t position) {
  for (const Handle handle : link.serving) {
    Request* const request = requests_.find(handle);
    if (request != nullptr && request->origin->position == position) return request;
  }
  return nullptr;
}

void Tracer::close(Request& request) {
  Link& link = link_of(request.origin->key);
  std::erase(link.serving, requests_.handle_of(request));
  requests_.end(processes_[request.pid], request);
}

void Tracer::on_closed(SocketKey key) {
  errands_.on_closed(key);
  const auto entry = links_.find(key);
  if (entry == links_.end()) return;
  Link& link = entry->second;
  for (const Handle handle : std::vector<Handle>(link.serving)) {
    if (Request* const request = requests_.find(handle)) close(*request);
  }
  end_calls(link);
  if (last_link_ == &link) last_link_ = nullptr;
  links_.erase(entry);
}

void Tracer::clear() {
  last_link_ = nullptr;
  links_.clear();
  threads_.clear();
  processes_.clear();
  requests_ = {};
  errands_.clear();
  concerned_.clear();
}

void Tracer::on_exit(std::uint32_t pid) {
  const auto entry = processes_.find(pid);
  if (entry != processes_.end() && entry->second.open == 0) processes_.erase(entry);
}

}  // namespace subfloor::tracing
