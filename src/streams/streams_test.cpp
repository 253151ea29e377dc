// SPDX-License-Identifier: Apache-2.0
#include "streams/streams.h"

#include <gmock/gmock.h>

#include <limits>

#include "streams/testing.h"

namespace subfloor::streams {
namespace {

using namespace subfloor::streams::testing;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr Nanoseconds second = 1'000'000'000;

class StreamsTest : public ::testing::Test {
 protected:
  StreamsTest() { toy_log.clear(); }

  Lines operations() const {
    Lines all;
    for (const Received& one : receiver.all) all.push_back(one.call.operation);
    return all;
  }

  FakeSteering steering;
  FakeReceiver receiver;
  Streams streams{{.protocols = only_toy}, &steering, receiver};
  End end{streams, 7, 100};
};

// --- Order -----------------------------------------------------------------------------------------------------------

TEST_F(StreamsTest, FeedsBothDirectionsAsTheyCome) {
  end.open();
  end.in("TOY;one;");
  end.out("answer;");
  end.in("two;");
  EXPECT_THAT(toy_log, ElementsAre("open", "in 8 TOY;one;", "out 7 answer;", "in 4 two;"));
  EXPECT_EQ(streams.counters().bytes_missed, 0U);
}

TEST_F(StreamsTest, KeepsOrderWhereSequenceNumbersWrapAround) {
  End wrapping(streams, 7, 100, std::numeric_limits<std::uint32_t>::max() - 5);
  wrapping.open();
  wrapping.in("TOY;");  // up to 2^32 - 2
  wrapping.in("across;");  // over the edge
  wrapping.again(false, "across;");
  wrapping.in("beyond;");
  EXPECT_THAT(toy_log, ElementsAre("open", "in 4 TOY;", "in 7 across;", "in 7 beyond;"));
  EXPECT_EQ(streams.counters().bytes_missed, 0U);
}

TEST_F(StreamsTest, DropsBytesThatWerePeekedAtBefore) {
  end.open();
  end.in("TOY;peeked;");
  end.again(false, "TOY;peeked;");
  end.again(false, "peeked;");
  EXPECT_THAT(toy_log, ElementsAre("open", "in 11 TOY;peeked;"));
}

TEST_F(StreamsTest, TakesOnlyTheNewPartOfAnOverlap) {
  end.open();
  end.in("TOY;abc");
  end.silent(false, 4);
  end.again(false, "abc;de;");  // 3 known bytes and 4 new ones
  end.in("f;");
  EXPECT_THAT(toy_log, ElementsAre("open", "in 7 TOY;abc", "in 4 ;de;", "in 2 f;"));
  EXPECT_EQ(streams.counters().bytes_missed, 0U);
}

TEST_F(StreamsTest, CountsTheLengthOfAnOverlapBeyondItsCopiedContent) {
  end.open();
  end.in("TOY;");
  streams.on_data(
      {.key = 7, .has_position = true, .position = 1000, .length = 50, .bytes = "TO", .begin = 2, .end = 2});
  EXPECT_THAT(toy_log, ElementsAre("open", "in 4 TOY;", "in 46 -"));
}

TEST_F(StreamsTest, FeedsAGapOfKnownLengthWithoutContent) {
  end.open();
  end.in("TOY;");
  end.silent(false, 300);
  end.in("after;");
  EXPECT_THAT(toy_log, ElementsAre("open", "in 4 TOY;", "in 300 -", "in 6 after;"));
  EXPECT_EQ(streams.counters().bytes_missed, 300U);
}

TEST_F(StreamsTest, FeedsBytesThatWereNotCopiedAsLength) {
  end.open();
  end.in("TOY;cut", 5000);
  end.in("", 70);
  EXPECT_THAT(toy_log, ElementsAre("open", "in 5000 TOY;cut", "in 70 -"));
  EXPECT_EQ(streams.counters().bytes_missed, 0U);
}

TEST_F(StreamsTest, StartsWhereverTheFirstRecordIsIfPositionsAreUnknown) {
  end.in("TOY;");
  end.in("x;");
  EXPECT_THAT(toy_log, ElementsAre("open late", "in 4 TOY;", "in 2 x;"));
  EXPECT_EQ(streams.counters().bytes_missed, 0U);
}

// --- Recognition
// ------------------------------------------------------------------------------------------------------

TEST_F(StreamsTest, RecognisesAProtocolWhoseFirstBytesComeSeparately) {
  end.open();
  end.in("T");
  end.in("O");
  EXPECT_THAT(toy_log, IsEmpty());
  end.in("Y;CALL;");
  EXPECT_THAT(toy_log, ElementsAre("open", "in 2 TO", "in 7 Y;CALL;"));
  EXPECT_THAT(operations(), ElementsAre("CALL"));
}

TEST_F(StreamsTest, GivesASessionTheHeldBytesOfTheOtherDirectionToo) {
  end.open();
  end.in("TO");
  end.out("TOY;hello;");
  end.in("Y;");
  EXPECT_THAT(toy_log, ElementsAre("open", "in 2 TO", "out 10 TOY;hello;", "in 2 Y;"));
}

TEST_F(StreamsTest, ForgetsHeldBytesThatAGapFollows) {
  end.open();
  end.in("TO");
  end.silent(false, 10);
  end.in("TOY;");
  EXPECT_THAT(toy_log, ElementsAre("open late", "in 4 TOY;"));
}

TEST_F(StreamsTest, SwitchesOffWhatNobodyRecognises) {
  end.open();
  end.in("SSH-2.0");
  EXPECT_THAT(steering.said, ElementsAre("off 7"));
  EXPECT_EQ(streams.counters().switched_off, 1U);
  end.in("TOY;");  // was on its way: the kernel is told once more
  EXPECT_THAT(steering.said, ElementsAre("off 7", "off 7"));
  EXPECT_THAT(toy_log, IsEmpty());
}

TEST_F(StreamsTest, GivesUpHeldBytesThatTurnOutToBeSomethingElse) {
  end.open();
  end.in("TO");
  end.in("P SECRET");
  EXPECT_THAT(steering.said, ElementsAre("off 7"));
  EXPECT_THAT(toy_log, IsEmpty());
}

TEST_F(StreamsTest, WaitsForAMessageStartOnAConnectionJoinedLate) {
  end.open(joined_late());
  for (int i = 0; i < 200; ++i) end.in("middle of something");
  EXPECT_THAT(steering.said, IsEmpty());
  end.in("TOY;");
  EXPECT_THAT(toy_log, ElementsAre("open late", "in 4 TOY;"));
}

TEST_F(StreamsTest, GivesUpAConnectionJoinedLateThatNeverMakesSense) {
  end.open(joined_late());
  for (int i = 0; i < 255; ++i) end.in("noise");
  EXPECT_THAT(steering.said, IsEmpty());
  end.in("noise");
  EXPECT_THAT(steering.said, ElementsAre("off 7"));
}

TEST_F(StreamsTest, LooksAgainAfterAWhileAndTwiceAsLateEachTime) {
  end.open();
  end.now = second;
  end.in("SSH-2.0");  // at 1 s + 1 ns
  Nanoseconds off_since = end.now;
  for (const Nanoseconds wait :
       {30 * second, 60 * second, 120 * second, 240 * second, 480 * second, 600 * second, 600 * second}) {
    steering.said.clear();
    streams.tick(off_since + wait - 1);
    EXPECT_THAT(steering.said, IsEmpty()) << wait;
    streams.tick(off_since + wait);
    EXPECT_THAT(steering.said, ElementsAre("copy 64 of 7 in", "copy 64 of 7 out")) << wait;
    end.now = off_since + wait;
    for (int i = 0; i < 256; ++i) end.in("noise");
    EXPECT_EQ(steering.said.back(), "off 7");
    off_since = end.now;
  }
}

TEST_F(StreamsTest, ParsesAConnectionThatBeginsToMakeSenseWhenLookedAtAgain) {
  end.open();
  end.in("SSH-2.0");
  end.silent(false, 100000);
  streams.tick(31 * second);
  end.in("TOY;CALL;");
  EXPECT_THAT(toy_log, ElementsAre("open late", "in 9 TOY;CALL;"));
  EXPECT_EQ(streams.counters().bytes_missed, 0U);  // nobody had asked for those in between
}

TEST_F(StreamsTest, WaitsForTheNextMessageWhereLookingAgainCutTheFirstOneShort) {
  end.open();
  end.in("SSH-2.0");
  streams.tick(31 * second);
  steering.said.clear();
  end.in("TOY;CALL;", 500);
  EXPECT_THAT(steering.said, ElementsAre("copy 7 in", "copy 7 out"));
  end.in("TOY;CALL;");
  EXPECT_THAT(toy_log, ElementsAre("open late", "in 9 TOY;CALL;"));
}

TEST_F(StreamsTest, ACensusEndsWhatItDoesNotFindAndWasNotHeardOfSince) {
  end.now = second;
  end.open();
  End found(streams, 8, 200);
  found.open();
  streams.begin_census(5 * second);
  sensors::SocketOpened again;
  again.connection.key = 8;
  again.connection.joined_late = true;
  streams.on_opened(again);
  streams.end_census(6 * second);
  EXPECT_EQ(streams.size(), 1U);
  EXPECT_THAT(steering.said, ElementsAre("forget 7"));
  found.in("TOY;");
  EXPECT_THAT(toy_log, ElementsAre("open" /* not late */, "in 4 TOY;"));
}

TEST_F(StreamsTest, EndsASessionThatFindsItsStreamInvalidAndLooksAgain) {
  end.open();
  end.in("TOY;BAD;");
  EXPECT_THAT(toy_log, ElementsAre("open", "in 8 TOY;BAD;", "close at 1"));
  EXPECT_THAT(operations(), ElementsAre("UNFINISHED"));
  EXPECT_THAT(steering.said, ElementsAre("off 7"));
  streams.tick(31 * second);
  EXPECT_THAT(steering.said, ElementsAre("off 7", "copy 64 of 7 in", "copy 64 of 7 out"));
}

TEST_F(StreamsTest, NeverLooksAgainAtAStreamThatBecameOpaque) {
  end.open();
  end.in("TOY;OPAQUE;");
  streams.tick(100000 * second);
  EXPECT_THAT(steering.said, ElementsAre("off 7"));
  EXPECT_EQ(streams.size(), 1U);
}

class Handing : public ::testing::Test {
 protected:
  Handing() {
    toy_log.clear();
    end.open();
  }

  FakeSteering steering;
  FakeReceiver receiver;
  Streams streams{{.protocols = toy_and_next}, &steering, receiver};
  End end{streams, 7, 100};
};

TEST_F(Handing, GivesTheNextProtocolTheRestAndTheRequestThatIsNotAnswered) {
  end.in("TOY;");
  end.out("BECOME;abc");
  end.in("de");
  EXPECT_THAT(toy_log, ElementsAre("open", "in 4 TOY;", "out 10 BECOME;abc", "close at 2", "next for UPGRADE",
                                   "next 3 abc", "next 2 de"));
}

TEST_F(Handing, AsksForAllContentWhereAProtocolNeedsThat) {
  static constexpr protocols::Descriptor deep{&toy, toy_recognise, toy_open, {}, true};
  static constexpr const protocols::Descriptor* only_deep[] = {&deep};
  Streams all({.protocols = only_deep}, &steering, receiver);
  End one(all, 9, 100);
  one.open();
  one.in("TOY;");
  EXPECT_THAT(steering.said, ElementsAre("deep 9"));
}

TEST_F(Handing, SwitchesOffWhereNobodySpeaksTheNextProtocol) {
  Streams alone({.protocols = only_toy}, &steering, receiver);
  End one(alone, 7, 100);
  one.open();
  one.in("TOY;BECOME;abc");
  EXPECT_THAT(steering.said, ElementsAre("off 7"));
}

TEST_F(Handing, PrefersWhoIsSureToWhomItIsLikely) {
  end.in("TOY;");
  EXPECT_EQ(toy_log.front(), "open");
}

TEST_F(Handing, WaitsWhileSomebodyAsksForMoreThoughItIsLikelyToAnother) {
  end.in("TO");
  EXPECT_THAT(toy_log, IsEmpty());
  end.in("M");
  EXPECT_THAT(toy_log, ElementsAre("next for nobody", "next 2 TO", "next 1 M"));
}

TEST_F(Handing, RecognisesByWhatTheOtherDirectionSaidLast) {
  Streams late({.protocols = toy_and_next}, &steering, receiver);
  End one(late, 8, 100);
  one.in("hint");
  one.out("N");
  EXPECT_THAT(toy_log, ElementsAre("next for nobody", "next 1 N"));
}

TEST_F(StreamsTest, TellsSessionsTheTime) {
  end.open();
  end.in("TOY;");
  streams.tick(4711);
  EXPECT_EQ(toy_log.back(), "tick");
}

TEST_F(StreamsTest, DoesNotFeedWhatFollowsAGapThatEndedTheSession) {
  end.open();
  end.in("TOY;");
  end.silent(false, 666);
  end.in("TOY;");
  EXPECT_THAT(toy_log, ElementsAre("open", "in 4 TOY;", "in 666 -", "close at 2"));
}

// --- Life
// -------------------------------------------------------------------------------------------------------------

TEST_F(StreamsTest, GivesUnfinishedCallsWhenTheConnectionCloses) {
  end.open();
  end.in("TOY;");
  streams.on_retransmit(7);
  end.close();
  EXPECT_THAT(operations(), ElementsAre("UNFINISHED"));
  EXPECT_EQ(receiver.all[0].call.end, 2U);
  EXPECT_EQ(receiver.all[0].connection.srtt_us, 42U);
  EXPECT_EQ(receiver.all[0].connection.retransmits, 3U);
  EXPECT_EQ(receiver.all[0].pid, 100U);
  EXPECT_EQ(streams.counters().calls, 1U);
}

TEST_F(StreamsTest, ForgetsAConnectionThatCloses) {
  end.open();
  end.in("TOY;");
  EXPECT_EQ(streams.size(), 1U);
  EXPECT_EQ(streams.active(Kind::server), 1U);
  end.close();
  EXPECT_EQ(streams.size(), 0U);
  EXPECT_EQ(streams.active(Kind::server), 0U);
  EXPECT_THAT(steering.said, ElementsAre("forget 7"));
  EXPECT_THAT(streams.connections_by_pid(), IsEmpty());
  end.close();  // known to nobody
  streams.on_retransmit(7);
  EXPECT_THAT(steering.said, ElementsAre("forget 7"));
}

TEST_F(StreamsTest, DoesNotWakeAClosedConnectionThatWasToBeLookedAtAgain) {
  end.open();
  end.in("SSH-2.0");
  end.close();
  steering.said.clear();
  streams.tick(10000 * second);
  EXPECT_THAT(steering.said, IsEmpty());
  EXPECT_EQ(streams.size(), 0U);
}

TEST_F(StreamsTest, DoesNotHastenTheNextLookAtAKeyThatWasUsedBefore) {
  end.open();
  end.in("SSH-2.0");  // due at 30 s
  end.close();
  End next(streams, 7, 100);
  next.open();
  next.now = 20 * second;
  next.in("SSH-2.0");  // due at 50 s
  steering.said.clear();
  streams.tick(40 * second);
  EXPECT_THAT(steering.said, IsEmpty());
  streams.tick(51 * second);
  EXPECT_THAT(steering.said, ElementsAre("copy 64 of 7 in", "copy 64 of 7 out"));
}

TEST_F(StreamsTest, GivesWhatEverySessionHasWhenTheAgentStops) {
  End other(streams, 8, 200);
  end.open();
  other.open();
  end.in("TOY;");
  other.out("TOY;");
  streams.finish(99);
  EXPECT_THAT(operations(), ElementsAre("UNFINISHED", "UNFINISHED"));
  EXPECT_EQ(receiver.all[0].call.end, 99U);
  streams.finish(100);
  EXPECT_THAT(receiver.all, SizeIs(2));
}

TEST_F(StreamsTest, LearnsAddressesThatComeAfterTheData) {
  end.in("TOY;CALL;");
  ASSERT_THAT(receiver.all, SizeIs(1));
  EXPECT_FALSE(receiver.all[0].connection.local.known());
  end.open(between(address(2, 80), address(3, 40000)), 555);
  end.in("CALL;");
  ASSERT_THAT(receiver.all, SizeIs(2));
  EXPECT_EQ(receiver.all[1].connection.local.text(), "10.0.0.2:80");
  EXPECT_EQ(receiver.all[1].connection.remote.text(), "10.0.0.3:40000");
  EXPECT_TRUE(receiver.all[1].connection.joined_late);
  EXPECT_EQ(receiver.all[1].pid, 100U);
  EXPECT_THAT(toy_log, ElementsAre("open late", "in 9 TOY;CALL;", "in 5 CALL;"));
}

TEST_F(StreamsTest, BelievesABirthThatIsReadAfterTheStockWasTaken) {
  // Stock is taken while records of the first moments still wait in the rings: it must not make them look old.
  End stock(streams, 7, 100, 1000 + 9, 5000 + 3);
  stock.open(joined_late());
  end.open();
  end.in("TOY;CALL;");
  end.out("ok;");
  EXPECT_THAT(toy_log, ElementsAre("open", "in 9 TOY;CALL;", "out 3 ok;"));
}

TEST_F(StreamsTest, HearsOldConnectionsThatMovedWhileTheStockWasTaken) {
  End stock(streams, 7, 100, 1000 + 9, 5000);
  stock.open(joined_late());
  end.in("TOY;CALL;");
  EXPECT_THAT(toy_log, ElementsAre("open late", "in 9 TOY;CALL;"));
}

TEST_F(StreamsTest, KeepsTheProcessThatMovedBytesOverTheOneThatHoldsTheSocket) {
  end.open({}, 555);
  EXPECT_THAT(streams.connections_by_pid(), ElementsAre(std::pair(555U, 1U)));
  end.in("TOY;");
  EXPECT_THAT(streams.connections_by_pid(), ElementsAre(std::pair(100U, 1U)));
}

TEST_F(StreamsTest, NamesTheHolderWhereACallDoesNotKnowItsProcess) {
  end.open();
  end.in("TOY;");
  streams.finish(5);
  ASSERT_THAT(receiver.all, SizeIs(1));
  EXPECT_EQ(receiver.all[0].pid, 100U);
  EXPECT_EQ(receiver.all[0].call.pid, 100U);
}

// --- The process at the other end
// --------------------------------------------------------------------------------------

TEST_F(StreamsTest, KnowsThePeerOfALocalConnectionBothWays) {
  End client(streams, 8, 200);
  end.open(between(address(2, 80), address(3, 40000), 1));
  client.open(between(address(3, 40000), address(2, 80), 2));
  client.out("TOY;CALL;");
  EXPECT_EQ(receiver.all.at(0).peer_pid, 0U);  // it has not moved a byte yet
  end.in("TOY;CALL;");
  EXPECT_EQ(receiver.all.at(1).peer_pid, 200U);
  client.out("CALL;");
  EXPECT_EQ(receiver.all.at(2).peer_pid, 100U);
}

TEST_F(StreamsTest, DoesNotMixUpLoopbacksOfDifferentNetworkNamespaces) {
  End other_client(streams, 8, 200), own_client(streams, 9, 300);
  const Address server = loopback(80), client = loopback(40000);
  end.open(between(server, client, 1));
  other_client.open(between(client, server, 2));
  other_client.out("TOY;");
  end.in("TOY;CALL;");
  EXPECT_EQ(receiver.all.at(0).peer_pid, 0U);
  own_client.open(between(client, server, 1));
  own_client.out("TOY;");
  end.in("CALL;");
  EXPECT_EQ(receiver.all.at(1).peer_pid, 300U);
  other_client.close();
  end.in("CALL;");
  EXPECT_EQ(receiver.all.back().peer_pid, 300U);
}

TEST_F(StreamsTest, KnowsNoPeerThatHasClosed) {
  End client(streams, 8, 200);
  end.open(between(address(2, 80), address(3, 40000)));
  client.open(between(address(3, 40000), address(2, 80)));
  client.out("TOY;");
  client.close();
  end.in("TOY;CALL;");
  EXPECT_EQ(receiver.all.back().peer_pid, 0U);
}

TEST_F(StreamsTest, KeepsTheYoungerOfTwoConnectionsWithTheSameAddresses) {
  End old_client(streams, 8, 200), new_client(streams, 9, 300);
  const Connection description = between(address(3, 40000), address(2, 80));
  old_client.open(description);
  new_client.open(description);
  old_client.out("TOY;");
  new_client.out("TOY;");
  old_client.close();  // its end is heard of late
  end.open(between(address(2, 80), address(3, 40000)));
  end.in("TOY;CALL;");
  EXPECT_EQ(receiver.all.back().peer_pid, 300U);
}

// --- Unix sockets
// -----------------------------------------------------------------------------------------------------

class UnixStreams : public StreamsTest {
 protected:
  void open(SocketKey key, SocketKey peer, std::uint32_t pid, Nanoseconds when = 1, bool late = false) {
    sensors::SocketOpened opened;
    opened.connection.key = key;
    opened.connection.transport = Transport::unix_stream;
    opened.connection.unix_path = "/run/x";
    opened.connection.joined_late = late;
    opened.connection.opened = when;
    opened.pid = pid;
    opened.peer = peer;
    streams.on_opened(opened);
  }
  void data(SocketKey key, bool outbound, std::string_view bytes, Nanoseconds when = 2, std::uint32_t pid = 0) {
    streams.on_data({.key = key,
                     .outbound = outbound,
                     .length = bytes.size(),
                     .bytes = bytes,
                     .begin = when,
                     .end = when,
                     .pid = pid});
  }
};

TEST_F(UnixStreams, FollowOneAnotherWithoutPositions) {
  open(7, 8, 100);
  data(7, false, "TOY;");
  data(7, true, "CALL;");
  data(7, false, "again;");
  EXPECT_THAT(toy_log, ElementsAre("open", "in 4 TOY;", "out 5 CALL;", "in 6 again;"));
  EXPECT_EQ(receiver.all.at(0).connection.unix_path, "/run/x");
}

TEST_F(UnixStreams, KnowTheirPeer) {
  open(7, 8, 100);
  open(8, 7, 200);
  data(7, false, "TOY;CALL;");
  EXPECT_EQ(receiver.all.at(0).peer_pid, 200U);
  data(8, true, "TOY;CALL;");
  EXPECT_EQ(receiver.all.at(1).peer_pid, 100U);
}

TEST_F(UnixStreams, AreDescribedToTheKernelAsKnown) {
  open(7, 8, 100);
  EXPECT_THAT(steering.said, ElementsAre("copy 7 in"));
}

TEST_F(UnixStreams, AreDroppedWhenNothingWasHeardOfThemForTenMinutes) {
  open(7, 8, 100);
  data(7, false, "TOY;", 10 * second);
  streams.tick(610 * second);
  EXPECT_EQ(streams.size(), 1U);
  streams.tick(610 * second + 1);
  EXPECT_EQ(streams.size(), 0U);
  EXPECT_THAT(operations(), ElementsAre("UNFINISHED"));
  EXPECT_EQ(steering.said.back(), "forget 7");
}

TEST_F(UnixStreams, OlderThanTheAgentAreNotTakenForIdleAtOnce) {
  open(7, 8, 100, 0, true);
  streams.tick(5000 * second);  // up for longer than any idle limit
  EXPECT_EQ(streams.size(), 1U);
  data(7, false, "middle", 5001 * second);
  data(7, false, "TOY;", 5002 * second);
  EXPECT_THAT(toy_log, ElementsAre("open late", "in 4 TOY;"));
  streams.tick(5603 * second);
  EXPECT_EQ(streams.size(), 0U);
}

TEST_F(UnixStreams, AreNotCountedAsTcpConnections) {
  open(7, 8, 100);
  data(9, false, "TOY;");
  EXPECT_THAT(streams.connections_by_pid(), IsEmpty());
  EXPECT_EQ(streams.size(), 2U);
}

TEST_F(StreamsTest, KeepsIdleTcpConnections) {
  end.open();
  streams.tick(100000 * second);
  EXPECT_EQ(streams.size(), 1U);
}

// --- Seen on the wire
// -------------------------------------------------------------------------------------------------

TEST(StreamsOnTheWire, TellCallsAsTheServersWhicheverEndWasTakenForIt) {
  const Address server = address(2, 50000), client = address(1, 80);
  for (const bool guessed_wrong : {false, true}) {
    FakeReceiver receiver;
    Streams streams({.protocols = protocols::all_protocols(), .on_the_wire = true}, nullptr, receiver);
    Connection description = guessed_wrong ? between(client, server) : between(server, client);
    description.joined_late = true;
    End end(streams, 7, 0);
    end.open(description);
    const std::string_view request = "GET / HTTP/1.1\r\n\r\n", response = "HTTP/1.1 204 No\r\n\r\n";
    guessed_wrong ? end.out(request) : end.in(request);
    guessed_wrong ? end.in(response) : end.out(response);
    ASSERT_EQ(receiver.all.size(), 1U);
    EXPECT_EQ(receiver.all[0].call.kind, Kind::server);
    EXPECT_EQ(receiver.all[0].call.status, 204);
    EXPECT_EQ(receiver.all[0].connection.local, server);
    EXPECT_EQ(receiver.all[0].connection.remote, client);
    EXPECT_EQ(receiver.all[0].pid, 0U);
    end.close();
    EXPECT_EQ(streams.size(), 0U);
  }
}

}  // namespace
}  // namespace subfloor::streams
