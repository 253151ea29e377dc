// SPDX-License-Identifier: Apache-2.0
// Steering: what the kernel is told not to copy, and how the stream goes on from there. And http1, through all of it.
#include <gmock/gmock.h>

#include "streams/streams.h"
#include "streams/testing.h"

namespace subfloor::streams {
namespace {

using namespace subfloor::streams::testing;

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

class Skipping : public ::testing::Test {
 protected:
  Skipping() {
    toy_log.clear();
    end.open();
  }

  FakeSteering steering;
  FakeReceiver receiver;
  Streams streams{{.protocols = only_toy}, &steering, receiver};
  End end{streams, 7, 100};
};

TEST_F(Skipping, TellsTheKernelUpToWhere) {
  end.in("TOY;SKIP100000;");  // 1000 … 1015
  EXPECT_THAT(steering.said, ElementsAre("skip 7 in until 101015"));
}

TEST_F(Skipping, GoesOverTheWrapAroundOfSequenceNumbers) {
  End wrapping(streams, 8, 100, 1000, 0xffffff00);
  wrapping.open();
  wrapping.out("TOY;SKIP100000;");
  EXPECT_THAT(steering.said, ElementsAre("skip 8 out until 99759"));
  wrapping.silent(true, 100000);
  wrapping.out("CALL;");
  EXPECT_THAT(toy_log, ElementsAre("open", "out 15 TOY;SKIP100000;", "out 100000 -", "out 5 CALL;"));
  EXPECT_EQ(streams.counters().bytes_missed, 0U);
}

TEST_F(Skipping, IsNotWorthItForFewBytes) {
  end.in("TOY;SKIP16383;");
  EXPECT_THAT(steering.said, IsEmpty());
  end.in("SKIP16384;");
  EXPECT_THAT(steering.said, SizeIs(1));
}

TEST_F(Skipping, CountsSkippedBytesAsWantedAndCopiesAgainBehindThem) {
  end.in("TOY;SKIP100000;");
  end.silent(false, 100000);
  end.in("CALL;");
  EXPECT_THAT(toy_log, ElementsAre("open", "in 15 TOY;SKIP100000;", "in 100000 -", "in 5 CALL;"));
  EXPECT_THAT(steering.said, ElementsAre("skip 7 in until 101015", "copy 7 in"));
  EXPECT_EQ(streams.counters().bytes_missed, 0U);
}

TEST_F(Skipping, EndsWithTheRecordThatHasNoBytes) {
  end.in("TOY;SKIP100000;");
  end.silent(false, 100000);
  end.nothing(false);
  EXPECT_THAT(toy_log, ElementsAre("open", "in 15 TOY;SKIP100000;", "in 100000 -"));
  EXPECT_EQ(steering.said.back(), "copy 7 in");
  end.in("CALL;");
  EXPECT_EQ(toy_log.back(), "in 5 CALL;");
  EXPECT_EQ(streams.counters().bytes_missed, 0U);
}

TEST_F(Skipping, IsSetAnewByRecordsThatWereOnTheirWay) {
  end.in("TOY;SKIP100000;");
  end.in("", 40000);
  EXPECT_THAT(steering.said, ElementsAre("skip 7 in until 101015", "skip 7 in until 101015"));
  end.silent(false, 60000);
  end.nothing(false);
  EXPECT_EQ(toy_log.back(), "in 60000 -");
  EXPECT_EQ(steering.said.back(), "copy 7 in");
}

TEST_F(Skipping, CountsAsMissedOnlyWhatLiesBehindTheSkip) {
  end.in("TOY;SKIP100000;");
  end.silent(false, 100000 + 77);  // the record of the end was lost
  end.in("x;");
  EXPECT_EQ(streams.counters().bytes_missed, 77U);
}

TEST_F(Skipping, GoesInStepsOfAGigabyte) {
  end.in("TOY;SKIP3000000000;");
  EXPECT_EQ(steering.said.back(), "skip 7 in until " + std::to_string(1019 + (1U << 30)));
  end.silent(false, 1U << 30);
  end.nothing(false);
  EXPECT_EQ(steering.said.back(), "skip 7 in until " + std::to_string(1019 + (2U << 30)));
  end.silent(false, 1U << 30);
  end.nothing(false);
  EXPECT_EQ(steering.said.back(), "skip 7 in until " + std::to_string(static_cast<std::uint32_t>(1019 + 3000000000U)));
  EXPECT_EQ(streams.counters().bytes_missed, 0U);
}

// Bytes that no hook sees (splice, zero-copy receive): the other direction's records tell how far they came.
TEST_F(Skipping, IsCompletedByTheOtherDirectionsPosition) {
  end.in("TOY;SKIP100000;");
  end.silent(false, 30000);
  end.out("a;");
  EXPECT_THAT(toy_log, ElementsAre("open", "in 15 TOY;SKIP100000;", "in 30000 -", "out 2 a;"));
  end.silent(false, 70000);
  end.out("b;");
  EXPECT_THAT(toy_log,
              ElementsAre("open", "in 15 TOY;SKIP100000;", "in 30000 -", "out 2 a;", "in 70000 -", "out 2 b;"));
  EXPECT_EQ(steering.said.back(), "copy 7 in");
  EXPECT_EQ(streams.counters().bytes_missed, 0U);
}

TEST_F(Skipping, TakesNoMoreThanWasToBeSkippedFromTheOtherDirection) {
  end.in("TOY;SKIP100000;");
  end.silent(false, 100000 + 5);  // the 5 may still come as a record
  end.out("a;");
  EXPECT_THAT(toy_log, ElementsAre("open", "in 15 TOY;SKIP100000;", "in 100000 -", "out 2 a;"));
  end.again(false, "CALL;");
  EXPECT_EQ(toy_log.back(), "in 5 CALL;");
}

TEST_F(Skipping, IsCompletedByTheCloseWhicheverSidesSentTheirEnd) {
  for (const std::uint32_t fin : {0U, 1U}) {
    toy_log.clear();
    End one(streams, 20 + fin, 100);
    one.open();
    one.in("TOY;SKIP100000;");
    one.silent(false, 100000);
    one.close(fin, 1);
    EXPECT_THAT(toy_log, ElementsAre("open", "in 15 TOY;SKIP100000;", "in 100000 -", "close at 2")) << fin;
  }
}

TEST_F(Skipping, DoesNotTakeTheEndOfAStreamForAByte) {
  end.in("TOY;SKIP100000;");
  end.silent(false, 500);
  end.close();
  EXPECT_THAT(toy_log, ElementsAre("open", "in 15 TOY;SKIP100000;", "in 500 -", "close at 2"));
}

TEST_F(Skipping, EndsAtOnceWhenTheSessionWantsContentAgain) {
  end.in("TOY;SKIP100000;");
  end.in("ENOUGH;");  // was on its way
  EXPECT_THAT(steering.said, ElementsAre("skip 7 in until 101015", "copy 7 in"));
}

TEST_F(Skipping, OfOneDirectionLeavesTheOtherAlone) {
  end.in("TOY;SKIP100000;");
  end.out("SKIP50000;");
  EXPECT_THAT(steering.said, ElementsAre("skip 7 in until 101015", "skip 7 out until 55010"));
  end.silent(true, 50000);
  end.out("x;");
  EXPECT_EQ(steering.said.back(), "copy 7 out");
}

TEST_F(Skipping, IsNotAskedForWithoutPositions) {
  streams.on_data({.key = 9, .length = 15, .bytes = "TOY;SKIP100000;", .begin = 1, .end = 1});
  EXPECT_THAT(steering.said, IsEmpty());
  EXPECT_EQ(toy_log.back(), "in 15 TOY;SKIP100000;");
}

TEST_F(Skipping, IsNotNeededForARecordingThatNobodySteers) {
  Streams replay({.protocols = only_toy}, nullptr, receiver);
  End one(replay, 7, 100);
  one.open();
  one.in("TOY;SKIP100000;");
  one.in("", 100000);
  one.in("BAD;");
  one.in("ignored");
  one.close();
  EXPECT_THAT(toy_log, ElementsAre("open", "in 15 TOY;SKIP100000;", "in 100000 -", "in 4 BAD;", "close at 3"));
}

// --- With the protocols there are
// -----------------------------------------------------------------------------------------

class Http1Streams : public ::testing::Test {
 protected:
  Http1Streams() { end.open(between(address(2, 80), address(3, 40000))); }

  FakeSteering steering;
  FakeReceiver receiver;
  Streams streams{{.protocols = protocols::all_protocols()}, &steering, receiver};
  End end{streams, 7, 100};
};

TEST_F(Http1Streams, GiveOneCallForARequestAndItsResponse) {
  end.in("GE");
  end.in("T /a?b=1 HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(streams.active(Kind::server), 1U);
  end.out("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
  ASSERT_THAT(receiver.all, SizeIs(1));
  const Received& one = receiver.all[0];
  EXPECT_EQ(one.call.protocol->name, "http1");
  EXPECT_EQ(one.call.kind, Kind::server);
  EXPECT_EQ(one.call.operation, "GET");
  EXPECT_EQ(one.call.path, "/a");
  EXPECT_EQ(one.call.status, 200);
  EXPECT_EQ(one.call.partial, partial_no);
  EXPECT_EQ(one.call.start, 1U);
  EXPECT_EQ(one.call.end, 3U);
  EXPECT_EQ(one.pid, 100U);
  EXPECT_EQ(one.connection.local.port, 80);
}

TEST_F(Http1Streams, CountAHundredMegabytesWithoutCopyingThem) {
  const std::string head = "POST /up HTTP/1.1\r\nHost: h\r\nContent-Length: 104857600\r\n\r\n";
  end.in(head);
  ASSERT_THAT(steering.said, SizeIs(1));
  end.silent(false, 104857600);
  end.nothing(false);
  end.out("HTTP/1.1 204 No Content\r\n\r\n");
  ASSERT_THAT(receiver.all, SizeIs(1));
  EXPECT_EQ(receiver.all[0].call.request_body_bytes, 104857600U);
  EXPECT_EQ(receiver.all[0].call.partial, partial_no);
  EXPECT_EQ(receiver.all[0].call.request_end, 2U);
  end.in("GET /next HTTP/1.1\r\nHost: h\r\n\r\n");
  end.out("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
  ASSERT_THAT(receiver.all, SizeIs(2));
  EXPECT_EQ(receiver.all[1].call.status, 404);
  EXPECT_EQ(streams.counters().bytes_missed, 0U);
}

TEST_F(Http1Streams, CompleteABodyThatWasSplicedBeforeTheClientCloses) {
  End client(streams, 8, 200);
  client.open();
  client.out("GET /big HTTP/1.1\r\nHost: h\r\n\r\n");
  client.in("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
  client.silent(false, 1000000);
  client.close(0, 1);  // it never read the end of the stream
  ASSERT_THAT(receiver.all, SizeIs(1));
  EXPECT_EQ(receiver.all[0].call.kind, Kind::client);
  EXPECT_EQ(receiver.all[0].call.response_body_bytes, 1000000U);
  EXPECT_EQ(receiver.all[0].call.partial, partial_no);
}

TEST_F(Http1Streams, SayThatARequestHadNoResponse) {
  end.in("GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
  end.close();
  ASSERT_THAT(receiver.all, SizeIs(1));
  EXPECT_FALSE(receiver.all[0].call.status);
  EXPECT_EQ(receiver.all[0].call.partial, partial_no_response);
}

TEST_F(Http1Streams, AreRightAgainWithinOneRequestAfterALoss) {
  end.in("GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
  end.silent(true, 150);  // its response was lost
  end.in("GET /b HTTP/1.1\r\nHost: h\r\n\r\n");
  end.silent(true, 20);
  end.in("GET /c HTTP/1.1\r\nHost: h\r\n\r\n");
  end.out("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n");
  end.in("GET /d HTTP/1.1\r\nHost: h\r\n\r\n");
  end.out("HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n");
  ASSERT_THAT(receiver.all, Not(IsEmpty()));
  EXPECT_EQ(receiver.all.back().call.path, "/d");
  EXPECT_EQ(receiver.all.back().call.status, 202);
  EXPECT_EQ(receiver.all.back().call.partial, partial_no);
  EXPECT_EQ(streams.counters().bytes_missed, 170U);
}

TEST_F(Http1Streams, AreSwitchedOffForGoodByAWebSocket) {
  end.in("GET /ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
  end.out("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
  ASSERT_THAT(receiver.all, SizeIs(1));
  EXPECT_EQ(receiver.all[0].call.status, 101);
  EXPECT_THAT(steering.said, ElementsAre("off 7"));
  streams.tick(1'000'000'000'000'000);
  EXPECT_THAT(steering.said, ElementsAre("off 7"));
}

}  // namespace
}  // namespace subfloor::streams
