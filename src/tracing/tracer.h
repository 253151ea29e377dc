// SPDX-License-Identifier: Apache-2.0
// Which call was made for which request, and which calls are the two ends of one: parents, children, and the traces
// they make up, from what passes on sockets and by which threads. docs/adr/0019 tells why these rules.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <unordered_map>
#include <vector>

#include "model/call.h"
#include "model/connection.h"
#include "telemetry/trace_context.h"
#include "tracing/errands.h"
#include "tracing/ids.h"
#include "tracing/links.h"
#include "tracing/origin.h"
#include "tracing/requests.h"

namespace subfloor::tracing {

// One transfer on one end of a connection, by a thread.
struct Transfer {
  const Connection& connection;
  std::optional<Kind> kind;  // of this end, where the kernel saw who connected
  bool outbound;
  std::uint32_t position, end;  // of its first byte, and of the one after its last
  std::uint32_t pid, tid;  // tid: as task_of() says
  // How often the thread has gone to sleep of its own accord; 0 where unknown.
  std::uint32_t sleeps;
  Nanoseconds when;  // a send begins, a receive ends
};

// Of what a process is known to be from the start. Whatever is not turns out as it works.
enum class Style : std::uint8_t {
  unknown,
  loop,     // serves many requests by turns on a thread, and goes on at once with what it receives (Node.js, nginx)
  turns,    // by turns, and goes on with it some time (HAProxy, asyncio)
  goroutines,  // each by a goroutine, on any thread (Go)
};

// Calls made by processes that had requests open.
struct Counters {
  std::uint64_t by_thread = 0;     // the one request of the thread
  std::uint64_t by_turn = 0;       // what the thread received just before
  std::uint64_t in_order = 0;      // the like, of several that are in step, in the order in which they were received
  std::uint64_t by_header = 0;     // the trace context it carries is that of the request
  std::uint64_t by_content = 0;    // it asks for the same as that one request
  std::uint64_t left_many = 0;     // unconnected: several requests may have been the reason
  std::uint64_t left_woken = 0;    // unconnected: something unseen woke the thread
  std::uint64_t left_unknown = 0;  // unconnected: the thread had received nothing that belongs to an open request
  std::uint64_t ends_joined = 0;   // server's calls whose client's end was found
};

class Tracer {
 public:
  using StyleOf = std::function<Style(std::uint32_t pid)>;  // asked once for each process
  explicit Tracer(StyleOf style, Ids ids = {});

  [[nodiscard]] std::uint32_t task_of(std::uint32_t pid, std::uint32_t tid, std::uint32_t goroutine);
  void on_errand(const Errand& errand) { errands_.note(errand); }
  void on_handler(const Handler& handler);
  // Who wants it: the task that moves it, or the one that sent that.
  [[nodiscard]] std::uint32_t principal_of(const Transfer& transfer);
  void before(const Transfer& transfer);
  void after(const Transfer& transfer);
  // The head of a request. The context is what it carries, or null: one with ids.
  void on_request(const Call& call, Kind kind, const Connection& connection, std::uint32_t pid,
                  const TraceContext* context);
  // A call is over.
  [[nodiscard]] Unnamed on_call(const Call& call, const Connection& connection, const TraceContext* context);
  // Whether the call had better be told a little later: the client of its request, or of the one that it was made for,
  // is on this host, and what that sent was not heard of yet.
  [[nodiscard]] bool better_wait(const Unnamed& call);
  // That it was in vain.
  void waited_in_vain(const Unnamed& call);
  // By what is known now.
  [[nodiscard]] Names name(const Unnamed& call);
  void on_closed(SocketKey key);
  // Forgets everything: nobody tells it of transfers for a while.
  void clear();
  void on_exit(std::uint32_t pid);

  [[nodiscard]] const Counters& counters() const { return counters_; }
  [[nodiscard]] std::size_t links() const { return links_.size(); }
  [[nodiscard]] std::size_t open_requests() const { return requests_.size(); }

 private:
  struct Thread {
    Handle serving;  // the request it read last
    bool multiplexes = false;  // it had read several that were open at once
    // What it received last, and has done since.
    std::vector<Handle> causes;  // whose bytes these were, in order
    bool unknown = false;  // and somebody else's, or nobody's
    bool certain = true;
    bool arrival = false;  // it was a request, or more of one
    bool acted = true;  // it has sent something since
    std::uint32_t pid = 0;
    std::uint32_t sleeps = 0;
    Nanoseconds when = 0;
    SocketKey link = 0;
    struct Sent {
      SocketKey key;
      std::uint32_t position;
    };
    std::vector<Sent> open;  // what it sent since, of which it is not certain yet for whom
  };
  enum class Why : std::uint8_t { thread, turn, none, several, many, woken, unknown };
  struct Decision {
    Handle cause;
    Why why = Why::none;
    bool certain = false;
  };
  struct Concern {
    Handle request;
    bool certain;
  };

  Process& process_of(std::uint32_t pid);
  Thread& thread_of(std::uint32_t tid);
  Link& link_of(SocketKey key);
  struct Moment {
    std::uint32_t sleeps;
    Nanoseconds when;
  };
  [[nodiscard]] Decision decide(Process& process, Thread& thread, const Link& link, Moment now);
  [[nodiscard]] Decision decide_by_turn(const Process& process, Thread& thread, const Link& link, Moment now);
  [[nodiscard]] static bool slept(const Thread& thread, const Request& request, Moment now);
  void settle(Thread& thread);
  [[nodiscard]] static bool sends_at_once(const Process& process, const Link& link);
  static void learn(Process& process, const Link& link, bool late);
  [[nodiscard]] bool in_step(const Thread& thread);
  void note(Why why);
  [[nodiscard]] bool settled(Origin& origin, int hops = 0);
  [[nodiscard]] std::shared_ptr<Origin> origin_of(const Call& call, const Connection& connection,
                                                  const TraceContext* context);
  void begin(const Call& call, const Connection& connection, std::uint32_t pid, const TraceContext* context);
  void explain(const Call& call, const Connection& connection, std::uint32_t pid, const TraceContext* context);
  [[nodiscard]] Request* with_header(const Process& process, const TraceContext& context);
  [[nodiscard]] Request* with_content(const Process& process, std::uint64_t content);
  void receive(Thread& thread, Link& link);
  void give_cause(Send& send, Request& request, bool certain);
  [[nodiscard]] Send* sent_at(SocketKey key, std::uint32_t position);
  [[nodiscard]] Send* sent_by_peer(SocketKey peer, bool tls, std::uint32_t position);
  [[nodiscard]] static SocketKey peer_of(const Connection& connection);
  void heed_tls(Link& link, const Connection& connection);
  void end_calls(Link& link);
  [[nodiscard]] Unnamed end_of_server(const Call& call, const Connection& connection, const TraceContext* context);
  [[nodiscard]] Unnamed end_of_client(const Call& call, const Connection& connection, const TraceContext* context);
  [[nodiscard]] Request* serving(Link& link, std::uint32_t position);
  void close(Request& request);

  StyleOf style_;
  Ids ids_;
  Requests requests_;
  std::unordered_map<SocketKey, Link> links_;
  std::unordered_map<std::uint32_t, Thread> threads_;
  std::unordered_map<std::uint32_t, Process> processes_;
  Errands errands_;
  std::uint32_t task_ = 0;  // that moves what is told of now
  SocketKey last_key_ = 0;  // of last_link_
  Link* last_link_ = nullptr;
  std::vector<Concern> concerned_;  // by the transfer under way: requests that began, or whose calls were answered
  Counters counters_;
};

}  // namespace subfloor::tracing
