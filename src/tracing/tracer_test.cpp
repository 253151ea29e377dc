// SPDX-License-Identifier: Apache-2.0
#include "tracing/tracer.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace subfloor::tracing {
namespace {

constexpr Protocol http{"http1", &http_family};

// One host: sockets in pairs, and threads that send and receive on them. A key's peer differs in its last bit.
class Host {
 public:
  explicit Host(Style style = Style::unknown)
      : tracer([style](std::uint32_t pid) { return pid == server ? style : Style::unknown; }, Ids(1)) {}

  static constexpr std::uint32_t client = 10, server = 20, database = 30;

  Connection& connection(SocketKey key) {
    const auto [entry, fresh] = connections_.try_emplace(key);
    Connection& c = entry->second;
    if (!fresh) return c;
    c.key = key;
    c.peer = key ^ 1;
    c.remote.port = static_cast<std::uint16_t>(key < 1000 ? 80 : 5432);
    c.joined_late = true;  // so that its first send counts like any other
    return c;
  }

  Transfer transfer(SocketKey key, Kind kind, bool outbound, std::uint32_t position, std::uint32_t pid,
                    std::uint32_t tid) {
    return {.connection = connection(key),
            .kind = kind,
            .outbound = outbound,
            .position = position,
            .end = position + 100,
            .pid = pid,
            .tid = tid,
            .sleeps = sleeps,
            .when = ++now};
  }

  // The client's process sends a request; returns its place.
  void send(SocketKey key, std::uint32_t position, std::uint32_t pid, std::uint32_t tid) {
    tracer.before(transfer(key, Kind::client, true, position, pid, tid));
  }
  // `requests`: HTTP requests that begin in what is received, each 10 bytes.
  void receive(SocketKey key, std::uint32_t position, std::uint32_t pid, std::uint32_t tid,
               const std::string& path = "/", const TraceContext* context = nullptr) {
    const Transfer received = transfer(key, Kind::server, false, position, pid, tid);
    tracer.before(received);
    tracer.on_request(call(Kind::server, position, pid, tid, path), Kind::server, connection(key), pid, context);
    tracer.after(received);
  }
  // The client's end: the response to what was sent at that place.
  Names answered(SocketKey key, std::uint32_t position, std::uint32_t pid, std::uint32_t tid) {
    const Transfer received = transfer(key, Kind::client, false, position, pid, tid);
    tracer.before(received);
    const Unnamed unnamed = tracer.on_call(call(Kind::client, position, pid, tid), connection(key), nullptr);
    tracer.after(received);
    return tracer.name(unnamed);
  }
  // The server's end.
  Names respond(SocketKey key, std::uint32_t position, std::uint32_t pid, std::uint32_t tid,
                const TraceContext* context = nullptr) {
    tracer.before(transfer(key, Kind::server, true, position, pid, tid));
    return tracer.name(tracer.on_call(call(Kind::server, position, pid, tid), connection(key), context));
  }

  Unnamed over(SocketKey key, const Call& call) { return tracer.on_call(call, connection(key), nullptr); }

  static Call call(Kind kind, std::uint32_t position, std::uint32_t pid, std::uint32_t tid,
                   const std::string& path = "/") {
    Call call;
    call.protocol = &http;
    call.kind = kind;
    call.position = position;
    call.pid = pid;
    call.tid = tid;
    call.operation = "GET";
    call.path = path;
    return call;
  }

  Tracer tracer;
  std::uint32_t sleeps = 7;
  Nanoseconds now = 0;

 private:
  std::map<SocketKey, Connection> connections_;
};

constexpr SocketKey web = 100, web_served = 101, other = 200, other_served = 201, db = 1000, db_served = 1001,
                    db2 = 1100;

TEST(Tracer, MakesOneTraceOfACallAndWhatIsCalledForIt) {
  Host host;
  host.send(web, 1, Host::client, 11);
  host.receive(web_served, 1, Host::server, 21);
  host.send(db, 5, Host::server, 21);
  const Names query = host.respond(db_served, 5, Host::database, 31);
  const Names queried = host.answered(db, 5, Host::server, 21);
  const Names served = host.respond(web_served, 1, Host::server, 21);
  const Names asked = host.answered(web, 1, Host::client, 11);

  EXPECT_EQ(asked.parent, 0U);
  EXPECT_EQ(served.parent, asked.span);
  EXPECT_EQ(queried.parent, served.span);
  EXPECT_EQ(query.parent, queried.span);
  for (const Names& names : {query, queried, served}) EXPECT_EQ(names.trace, asked.trace);
  EXPECT_EQ(host.tracer.open_requests(), 0U);
}

TEST(Tracer, KeepsTheContextThatARequestCarries) {
  Host host;
  const auto context = *parse_traceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00");
  host.receive(web_served, 1, Host::server, 21, "/", &context);
  host.send(db, 5, Host::server, 21);
  const Names queried = host.answered(db, 5, Host::server, 21);
  const Names served = host.respond(web_served, 1, Host::server, 21, &context);
  EXPECT_EQ(served.trace, read_trace_id("4bf92f3577b34da6a3ce929d0e0e4736"));
  EXPECT_EQ(served.parent, read_span_id("00f067aa0ba902b7"));
  EXPECT_FALSE(served.sampled);
  EXPECT_EQ(queried.trace, served.trace);
  EXPECT_EQ(queried.parent, served.span);
  EXPECT_FALSE(queried.sampled);
}

TEST(Tracer, LeavesAThreadAloneThatServesNothing) {
  Host host;
  host.receive(web_served, 1, Host::server, 21);
  host.send(db, 5, Host::server, 22);
  EXPECT_EQ(host.answered(db, 5, Host::server, 22).parent, 0U);
  EXPECT_EQ(host.tracer.counters().left_unknown, 1U);
}

TEST(Tracer, KnowsNoParentAfterTheResponse) {
  Host host;
  host.receive(web_served, 1, Host::server, 21);
  (void)host.respond(web_served, 1, Host::server, 21);
  host.send(db, 5, Host::server, 21);
  EXPECT_EQ(host.answered(db, 5, Host::server, 21).parent, 0U);
}

// The record of a send may come after that of what was done with it.
TEST(Tracer, WaitsForTheClientsEnd) {
  Host host;
  const Unnamed late = host.over(db_served, Host::call(Kind::server, 5, Host::database, 31));
  EXPECT_TRUE(host.tracer.better_wait(late));
  host.send(db, 5, Host::server, 21);
  EXPECT_FALSE(host.tracer.better_wait(late));
}

TEST(Tracer, WaitsNoMoreWhereItWaitedInVain) {
  Host host;
  host.receive(db_served, 5, Host::database, 31);
  const Unnamed late = host.over(db_served, Host::call(Kind::server, 5, Host::database, 31));
  EXPECT_TRUE(host.tracer.better_wait(late));
  host.tracer.waited_in_vain(late);
  EXPECT_EQ(host.tracer.name(late).parent, 0U);
  EXPECT_FALSE(host.tracer.better_wait(host.over(db_served, Host::call(Kind::server, 105, Host::database, 31))));
}

TEST(Tracer, TakesNoEarlierSendForTheClientsEnd) {
  Host host;
  host.send(db, 5, Host::server, 21);
  EXPECT_TRUE(host.tracer.better_wait(host.over(db_served, Host::call(Kind::server, 105, Host::database, 31))));
}

// A library tells of what was written when it returns: by then, the server may have asked others, and answered.
TEST(Tracer, NamesCallsAfterAClientThatIsHeardOfLast) {
  Host host;
  host.receive(web_served, 1, Host::server, 21);
  host.send(db, 5, Host::server, 21);
  host.receive(db_served, 5, Host::database, 31);
  const Unnamed query = host.over(db_served, Host::call(Kind::server, 5, Host::database, 31));
  const Unnamed queried = host.over(db, Host::call(Kind::client, 5, Host::server, 21));
  const Unnamed served = host.over(web_served, Host::call(Kind::server, 1, Host::server, 21));
  for (const Unnamed* call : {&query, &queried, &served}) EXPECT_TRUE(host.tracer.better_wait(*call));

  host.send(web, 1, Host::client, 11);
  for (const Unnamed* call : {&query, &queried, &served}) EXPECT_FALSE(host.tracer.better_wait(*call));
  const Names asked = host.answered(web, 1, Host::client, 11);
  EXPECT_EQ(host.tracer.name(served).parent, asked.span);
  EXPECT_EQ(host.tracer.name(queried).parent, host.tracer.name(served).span);
  EXPECT_EQ(host.tracer.name(query).parent, host.tracer.name(queried).span);
  EXPECT_EQ(host.tracer.name(query).trace, asked.trace);
}

TEST(Tracer, RemembersAClientThatIsGoneWhenItIsAnswered) {
  Host host;
  host.send(web, 1, Host::client, 11);
  host.receive(web_served, 1, Host::server, 21);
  host.tracer.on_closed(web);
  const Unnamed served = host.over(web_served, Host::call(Kind::server, 1, Host::server, 21));
  EXPECT_FALSE(host.tracer.better_wait(served));
  EXPECT_NE(host.tracer.name(served).parent, 0U);
}

// What waits to be named is not being served any more.
TEST(Tracer, ARequestIsOverBeforeItHasAName) {
  Host host;
  host.receive(web_served, 1, Host::server, 21);
  const Unnamed served = host.over(web_served, Host::call(Kind::server, 1, Host::server, 21));
  EXPECT_TRUE(host.tracer.better_wait(served));
  EXPECT_EQ(host.tracer.open_requests(), 0U);
}

TEST(Tracer, ByTurnsConnectsWithWhatWasReceivedLast) {
  Host host(Style::loop);
  for (std::uint32_t i = 0; i < 40; ++i) {  // until it is known that nothing is put off
    const std::uint32_t at = 1000 * i;
    host.receive(web_served, at, Host::server, 21);
    host.send(db, at, Host::server, 21);
    host.receive(other_served, at, Host::server, 21);
    host.send(db2, at, Host::server, 21);
    const Names first = host.answered(db, at, Host::server, 21);
    const Names first_served = host.respond(web_served, at, Host::server, 21);
    const Names second = host.answered(db2, at, Host::server, 21);
    const Names second_served = host.respond(other_served, at, Host::server, 21);
    EXPECT_EQ(first.parent, first_served.span);
    EXPECT_TRUE(second.parent == 0 || second.parent == second_served.span) << i;
    if (i == 39) {
      EXPECT_EQ(second.parent, second_served.span);
    }
  }
}

// A pool gives the connection that one request is done with to another that waits for it.
TEST(Tracer, ByTurnsLeavesAloneWhatAnotherMayHaveWaitedFor) {
  Host host(Style::loop);
  host.receive(web_served, 1, Host::server, 21);
  host.send(db, 1, Host::server, 21);
  host.receive(other_served, 1, Host::server, 21);  // waits for the connection
  (void)host.answered(db, 1, Host::server, 21);
  host.send(db, 1001, Host::server, 21);
  EXPECT_EQ(host.answered(db, 1001, Host::server, 21).parent, 0U);
  EXPECT_EQ(host.tracer.counters().left_many, 1U);
}

TEST(Tracer, ByTurnsLeavesAloneWhatWokeTheThreadUnseen) {
  Host host(Style::loop);
  host.receive(web_served, 1, Host::server, 21);
  host.send(db, 1, Host::server, 21);
  ++host.sleeps;
  host.send(db2, 1, Host::server, 21);
  EXPECT_EQ(host.answered(db2, 1, Host::server, 21).parent, 0U);
  EXPECT_EQ(host.tracer.counters().left_woken, 1U);
}

TEST(Tracer, OfGoWhoServesIsTheGoroutine) {
  Host host(Style::goroutines);
  const std::uint32_t one = host.tracer.task_of(Host::server, 21, 7), two = host.tracer.task_of(Host::server, 21, 8);
  EXPECT_NE(one, two);
  EXPECT_EQ(host.tracer.task_of(Host::server, 22, 7), one) << "on another thread";
  EXPECT_EQ(host.tracer.task_of(Host::database, 21, 7), 21U) << "no process of Go";
  host.receive(web_served, 1, Host::server, one);
  host.receive(other_served, 1, Host::server, two);
  host.send(db, 1, Host::server, one);
  EXPECT_EQ(host.answered(db, 1, Host::server, one).parent, host.respond(web_served, 1, Host::server, one).span);
}

// As that of HTTP/2 does, whose requests others serve.
TEST(Tracer, AGoroutineThatReadsForOthersServesNobody) {
  Host host(Style::goroutines);
  for (const SocketKey key : {web_served, other_served}) host.receive(key, 1, Host::server, 21);
  host.send(db, 1, Host::server, 21);
  EXPECT_EQ(host.answered(db, 1, Host::server, 21).parent, 0U);
  host.receive(db2, 1, Host::server, 22);
  host.send(db, 101, Host::server, 22);
  EXPECT_NE(host.answered(db, 101, Host::server, 22).parent, 0U) << "the others of that process do";
}

TEST(Tracer, ConnectsAProxysCallByWhatItAsksFor) {
  Host host(Style::turns);
  host.receive(web_served, 1, Host::server, 21, "/a");
  host.receive(other_served, 1, Host::server, 21, "/b");
  host.send(db, 1, Host::server, 21);
  host.tracer.on_request(Host::call(Kind::client, 1, Host::server, 21, "/a"), Kind::client, host.connection(db),
                         Host::server, nullptr);
  EXPECT_EQ(host.answered(db, 1, Host::server, 21).parent, host.respond(web_served, 1, Host::server, 21).span);
  EXPECT_EQ(host.tracer.counters().by_content, 1U);
}

TEST(Tracer, TwoThatAskForTheSameAreNotToldApart) {
  Host host(Style::turns);
  host.receive(web_served, 1, Host::server, 21, "/a");
  host.receive(other_served, 1, Host::server, 21, "/a");
  host.send(db, 1, Host::server, 21);
  host.tracer.on_request(Host::call(Kind::client, 1, Host::server, 21, "/a"), Kind::client, host.connection(db),
                         Host::server, nullptr);
  EXPECT_EQ(host.answered(db, 1, Host::server, 21).parent, 0U);
}

class TracerOfTls : public ::testing::Test {
 protected:
  TracerOfTls() {
    for (const SocketKey key : {web, web_served}) {
      host.connection(key).tls = true;
      host.connection(key).joined_late = false;
    }
  }
  // One call over web; what its server's end says.
  Names ask(std::uint32_t position, std::uint32_t position_of_server) {
    host.send(web, position, Host::client, 11);
    host.receive(web_served, position_of_server, Host::server, 21);
    return host.respond(web_served, position_of_server, Host::server, 21);
  }
  Host host;
};

TEST_F(TracerOfTls, BothEndsOfTlsCountTheirPlaintext) {
  const Names served = ask(1, 1);
  EXPECT_EQ(served.parent, host.answered(web, 1, Host::client, 11).span);
}

TEST_F(TracerOfTls, AnEndThatWasNotSeenFromItsBeginningIsJoinedToNothing) {
  for (const SocketKey late : {web, web_served}) {
    host.connection(late).joined_late = true;
    EXPECT_EQ(ask(1, 1).parent, 0U);
    host.connection(late).joined_late = false;
  }
}

TEST_F(TracerOfTls, WhatWasSentInTheClearBeforeIsNotComparedWithIt) {
  host.connection(web).tls = false;
  host.send(web, 1, Host::client, 11);
  host.connection(web).tls = true;
  host.receive(web_served, 1, Host::server, 21);
  EXPECT_EQ(host.respond(web_served, 1, Host::server, 21).parent, 0U);
  EXPECT_EQ(ask(101, 101).parent, host.answered(web, 101, Host::client, 11).span);
}

TEST(Tracer, ForgetsWhatIsClosed) {
  Host host;
  host.receive(web_served, 1, Host::server, 21);
  host.send(db, 1, Host::server, 21);
  for (const SocketKey key : {web_served, db}) host.tracer.on_closed(key);
  EXPECT_EQ(host.tracer.open_requests(), 0U);
  EXPECT_EQ(host.tracer.links(), 0U);
}

// What the goroutine of a connection writes, another one asked for.
class Relay {
 public:
  static constexpr std::uint32_t handler = 0x100, writer = 0x200;

  Relay() : host(Style::goroutines) { serve(1); }

  std::uint32_t task(std::uint32_t goroutine) { return host.tracer.task_of(Host::server, 21, goroutine); }
  void serve(std::uint32_t position) { host.receive(web_served, position, Host::server, task(handler)); }
  void ask(std::uint32_t position, Nanoseconds asked, std::uint32_t length = 100) {
    host.tracer.on_errand({.socket = db,
                           .position = position,
                           .length = length,
                           .pid = Host::server,
                           .goroutine = handler,
                           .asked = asked});
  }
  // Whose it is taken to be.
  Names write(std::uint32_t position) {
    Transfer transfer = host.transfer(db, Kind::client, true, position, Host::server, task(writer));
    transfer.tid = host.tracer.principal_of(transfer);
    host.tracer.before(transfer);
    return host.answered(db, position, Host::server, task(0x300));
  }

  Host host;
};

TEST(Tracer, ConnectsWhatAGoroutineWritesForAnother) {
  Relay relay;
  relay.ask(5, relay.host.now + 1);
  const Names call = relay.write(5);
  const Names served = relay.host.respond(web_served, 1, Host::server, relay.task(Relay::handler));
  EXPECT_NE(served.span, 0U);
  EXPECT_EQ(call.parent, served.span);
  EXPECT_EQ(call.trace, served.trace);
}

TEST(Tracer, LeavesAloneWhatAGoroutineWritesForNobodyKnown) {
  Relay relay;
  EXPECT_EQ(relay.write(5).parent, 0U);
  relay.ask(5, relay.host.now + 1);
  EXPECT_EQ(relay.write(205).parent, 0U) << "other bytes than those that were asked for";
}

TEST(Tracer, LeavesAloneWhatWasAskedForBeforeTheRequestThatIsServedNow) {
  Relay relay;
  const Nanoseconds asked = relay.host.now + 1;
  (void)relay.host.respond(web_served, 1, Host::server, relay.task(Relay::handler));
  relay.serve(101);
  relay.ask(5, asked);  // given up by whoever asked, and written all the same
  EXPECT_EQ(relay.write(5).parent, 0U);
}

// One goroutine reads the requests of a connection, and each is handled by one of its own.
class Streams {
 public:
  static constexpr std::uint32_t reader = 0x100, first = 0x200, second = 0x300;

  Streams() : host(Style::goroutines) {
    serve(1, 1, first);
    serve(101, 3, second);
  }
  std::uint32_t task(std::uint32_t goroutine) { return host.tracer.task_of(Host::server, 21, goroutine); }
  void serve(std::uint32_t position, std::uint32_t stream, std::uint32_t goroutine) {
    const Transfer received = host.transfer(web_served, Kind::server, false, position, Host::server, task(reader));
    host.tracer.before(received);
    Call call = Host::call(Kind::server, position, Host::server, task(reader));
    call.stream = stream;
    host.tracer.on_request(call, Kind::server, host.connection(web_served), Host::server, nullptr);
    host.tracer.after(received);
    host.tracer.on_handler({web_served, stream, Host::server, goroutine, ++host.now});
  }
  void done(std::uint32_t goroutine) { host.tracer.on_handler({0, 0, Host::server, goroutine, ++host.now}); }
  Names call(std::uint32_t position, std::uint32_t goroutine) {
    host.send(db, position, Host::server, task(goroutine));
    return host.answered(db, position, Host::server, task(goroutine));
  }

  Host host;
};

TEST(Tracer, ConnectsWhatTheHandlersOfStreamsCallFor) {
  Streams streams;
  const Names of_second = streams.call(5, Streams::second), of_first = streams.call(205, Streams::first);
  EXPECT_EQ(of_first.parent, streams.host.respond(web_served, 1, Host::server, streams.task(0x400)).span);
  EXPECT_EQ(of_second.parent, streams.host.respond(web_served, 101, Host::server, streams.task(0x400)).span);
}

TEST(Tracer, ConnectsNothingWithTheGoroutineThatReadsForAll) {
  Streams streams;
  EXPECT_EQ(streams.call(5, Streams::reader).parent, 0U);
}

TEST(Tracer, TakesNoGoroutineForAHandlerThatIsDoneThoughItIsWhereThatWas) {
  Streams streams;
  streams.done(Streams::first);  // and its response is not heard of yet
  EXPECT_EQ(streams.call(5, Streams::first).parent, 0U);
  EXPECT_NE(streams.call(205, Streams::second).parent, 0U);
}

TEST(Tracer, ForgetsWhatWasAskedForOnASocketThatIsClosed) {
  Relay relay;
  relay.ask(5, relay.host.now + 1);
  relay.host.tracer.on_closed(db);
  EXPECT_EQ(relay.write(5).parent, 0U);
}

}  // namespace
}  // namespace subfloor::tracing
