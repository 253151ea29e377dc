// SPDX-License-Identifier: Apache-2.0
#include "protocols/http1/session.h"

#include <gtest/gtest.h>

#include <string>

#include "protocols/http1/conversation.h"

namespace subfloor::protocols::http1 {
namespace {

using namespace testing;
using Action = Next::Action;

constexpr Options late{.joined_late = true};

std::string answer(int status) { return "HTTP/1.1 " + std::to_string(status) + " x\r\nContent-Length: 0\r\n\r\n"; }
std::string ask(std::string_view path) { return "GET " + std::string(path) + " HTTP/1.1\r\nHost: h\r\n\r\n"; }

// "/path status" of each call, "-" where there was none.
std::vector<std::string> pairs(const std::vector<Call>& calls) {
  std::vector<std::string> texts;
  for (const Call& call : calls) texts.push_back(call.path + " " + (call.status ? std::to_string(*call.status) : "-"));
  return texts;
}
using Pairs = std::vector<std::string>;

TEST(Http1Late, PairsAHeadRequestFoundBySearchingWithTheAnswerThatCameBeforeIt) {
  Feeder f(Kind::client, late);
  f.tick();
  f.give(Side::server, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
  f.give(Side::client, "HEAD /h HTTP/1.1\r\n\r\n");
  f.say(Side::client, "GET /next HTTP/1.1\r\n\r\n");
  f.say(Side::server, "HTTP/1.1 404 X\r\nContent-Length: 0\r\n\r\n");
  ASSERT_EQ(f.calls().size(), 2U);
  EXPECT_EQ(f.calls()[0].operation, "HEAD");
  EXPECT_EQ(f.calls()[0].path, "/h");
  EXPECT_EQ(f.calls()[0].status, 200);
  EXPECT_EQ(f.calls()[1].path, "/next");
  EXPECT_EQ(f.calls()[1].status, 404);
}

TEST(Http1, TellsEverythingAboutACallAsServer) {
  Feeder f(Kind::server);
  f.say(Side::client, "POST /a?b=c HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nab");
  EXPECT_EQ(f.session.active(Kind::server), 1u);
  EXPECT_EQ(f.session.active(Kind::client), 0u);
  f.say(Side::client, "c");
  f.say(Side::server, "HTTP/1.1 201 Created\r\nContent-Length: 4\r\n\r\nb");
  EXPECT_TRUE(f.calls().empty());
  f.say(Side::server, "ody");
  EXPECT_EQ(f.session.active(Kind::server), 0u);
  ASSERT_EQ(f.calls().size(), 1u);
  const Call call = f.call();
  EXPECT_EQ(call.protocol->name, "http1");
  EXPECT_EQ(call.kind, Kind::server);
  EXPECT_EQ(call.operation, "POST");
  EXPECT_EQ(call.path, "/a");
  EXPECT_EQ(call.query, "b=c");
  EXPECT_EQ(call.version, "1.1");
  EXPECT_EQ(call.status, 201);
  EXPECT_EQ(call.request_body_bytes, 3u);
  EXPECT_EQ(call.response_body_bytes, 4u);
  EXPECT_EQ(call.request_headers.find("host"), "h");
  EXPECT_EQ(call.response_headers.find("content-length"), "4");
  EXPECT_EQ(call.start, 1100u);        // the application had the first byte
  EXPECT_EQ(call.request_end, 2100u);
  EXPECT_EQ(call.first_byte, 3000u);   // the application began to answer
  EXPECT_EQ(call.end, 4100u);
  EXPECT_EQ(call.pid, 10u);
  EXPECT_EQ(call.tid, 11u);
  EXPECT_EQ(call.partial, partial_no);
}

TEST(Http1, MeasuresAClientCallFromItsFirstWriteToItsLastRead) {
  Feeder f(Kind::client);
  f.say(Side::client, get);
  EXPECT_EQ(f.session.active(Kind::client), 1u);
  f.say(Side::server, ok);
  ASSERT_EQ(f.calls().size(), 1u);
  EXPECT_EQ(f.call().kind, Kind::client);
  EXPECT_EQ(f.call().start, 1000u);
  EXPECT_EQ(f.call().first_byte, 2100u);
  EXPECT_EQ(f.call().end, 2100u);
}

TEST(Http1, PairsPipelinedResponsesInOrder) {
  Feeder f;
  f.say(Side::client, ask("/1") + ask("/2") + ask("/3"));
  EXPECT_EQ(f.session.active(Kind::server), 3u);
  f.say(Side::server, answer(201) + answer(202) + answer(203).substr(0, 10));
  EXPECT_EQ(pairs(f.calls()), (Pairs{"/1 201", "/2 202"}));
  f.say(Side::client, ask("/4"));
  f.say(Side::server, answer(203).substr(10) + answer(204));
  EXPECT_EQ(pairs(f.calls()), (Pairs{"/1 201", "/2 202", "/3 203", "/4 204"}));
  for (const Call& call : f.calls()) EXPECT_EQ(call.partial, partial_no);
}

TEST(Http1, EndsAChunkedBodyAfterItsTrailersAndCountsContentOnly) {
  Feeder f;
  f.say(Side::client, ask("/1"));
  f.say(Side::server,
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n5;x\r\nhello\r\n0\r\nT: x\r\n");
  EXPECT_TRUE(f.calls().empty());
  f.say(Side::server, "\r\n");
  ASSERT_EQ(f.calls().size(), 1u);
  EXPECT_EQ(f.call().response_body_bytes, 5u);
  EXPECT_EQ(f.call().end, 3100u);
}

TEST(Http1, LeavesTheRequestWaitingAfterInterimResponses) {
  Feeder f;
  f.say(Side::client, "PUT /u HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
  f.say(Side::server, "HTTP/1.1 100 Continue\r\n\r\n");
  f.say(Side::client, "abc");
  f.say(Side::server, "HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n");
  EXPECT_TRUE(f.calls().empty());
  f.say(Side::server, answer(201));
  EXPECT_EQ(pairs(f.calls()), Pairs{"/u 201"});
  EXPECT_EQ(f.call().first_byte, 5000u);
  EXPECT_FALSE(f.call().response_headers.find("link"));
}

TEST(Http1, ExpectsNoBodyAfterHead204And304) {
  Feeder f;
  f.say(Side::client, "HEAD /h HTTP/1.1\r\n\r\n");
  f.say(Side::server, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
  f.say(Side::client, ask("/n"));
  f.say(Side::server, "HTTP/1.1 204 No Content\r\n\r\n");
  f.say(Side::client, ask("/m"));
  f.say(Side::server, "HTTP/1.1 304 Not Modified\r\nContent-Length: 1000\r\n\r\n");
  EXPECT_EQ(pairs(f.calls()), (Pairs{"/h 200", "/n 204", "/m 304"}));
}

TEST(Http1, EndsABodyWithoutLengthWithTheLastByteBeforeTheClose) {
  Feeder f;
  f.say(Side::client, ask("/1"));
  EXPECT_EQ(f.say(Side::server, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabc").action, Action::skip);
  f.say(Side::server, "", 1'000'000);
  f.tick();
  f.close();
  ASSERT_EQ(f.calls().size(), 1u);
  EXPECT_EQ(f.call().response_body_bytes, 1'000'003u);
  EXPECT_EQ(f.call().end, 3100u);
  EXPECT_EQ(f.call().partial, partial_no);
}

// A file sent with sendfile: only lengths and times are seen.
TEST(Http1, EndsALargeDownloadWithItsLastByte) {
  Feeder f;
  f.say(Side::client, ask("/file"));
  const Next next = f.say(Side::server, "HTTP/1.1 200 OK\r\nContent-Length: 183000000\r\n\r\n");
  EXPECT_EQ(next.action, Action::skip);
  EXPECT_EQ(next.bytes, 183'000'000u);
  for (int i = 0; i < 182; ++i) f.say(Side::server, "", 1'000'000);
  EXPECT_TRUE(f.calls().empty());
  f.say(Side::server, "", 1'000'000);
  ASSERT_EQ(f.calls().size(), 1u);
  EXPECT_EQ(f.call().duration(), 184'000u);
  EXPECT_EQ(f.call().response_body_bytes, 183'000'000u);
  EXPECT_EQ(f.call().partial, partial_no);
}

TEST(Http1, AsksToSkipOnlyWhatIsWorthIt) {
  Feeder f;
  f.say(Side::client, ask("/1"));
  EXPECT_EQ(f.say(Side::server, "HTTP/1.1 200 OK\r\nContent-Length: 1500\r\n\r\n").action, Action::skip);
  EXPECT_EQ(f.say(Side::server, std::string(1000, 'x')).action, Action::more);
  EXPECT_EQ(f.say(Side::server, std::string(500, 'x')).action, Action::more);
  f.say(Side::client, ask("/2"));
  const Next next = f.say(Side::server, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1000\r\nabc");
  EXPECT_EQ(next.action, Action::skip);
  EXPECT_EQ(next.bytes, 4093u);
}

TEST(Http1, HandsOverAfterAnUpgradeAndAfterConnect) {
  for (const bool websocket : {true, false}) {
    Feeder f;
    f.say(Side::client,
          websocket ? "GET /ws HTTP/1.1\r\nUpgrade: websocket\r\n\r\n" : "CONNECT h:443 HTTP/1.1\r\n\r\n");
    const Next next =
        f.say(Side::server, websocket ? "HTTP/1.1 101 Switching Protocols\r\n\r\n" : "HTTP/1.1 200 OK\r\n\r\n");
    EXPECT_EQ(next.action, Action::opaque);
    EXPECT_EQ(f.say(Side::client, "\x81\x05hello").action, Action::opaque);
    f.close();
    EXPECT_EQ(pairs(f.calls()), Pairs{websocket ? "/ws 101" : "h:443 200"});
    EXPECT_EQ(f.call().partial, partial_no);
  }
}

TEST(Http1, GoesOnAfterARefusedConnectOrUpgrade) {
  Feeder f;
  f.say(Side::client, "CONNECT h:443 HTTP/1.1\r\n\r\n");
  f.say(Side::server, answer(407));
  f.say(Side::client, "GET /ws HTTP/1.1\r\nUpgrade: h2c\r\n\r\n");
  EXPECT_EQ(f.say(Side::server, answer(200)).action, Action::more);
  EXPECT_EQ(pairs(f.calls()), (Pairs{"h:443 407", "/ws 200"}));
}

TEST(Http1, HoldsAResponseUntilTheRecordOfItsRequestArrives) {
  Feeder f(Kind::client);
  // The writer was preempted after the send: it began at 1000, its record comes after that of the response.
  const Segment request{f.direction(Side::client), get, get.size(), 1000, 1100, 10, 11};
  f.now = 2000;
  f.give(Side::server, ok);
  EXPECT_TRUE(f.calls().empty());
  (void)f.session.on_segment(request, f.sink);
  ASSERT_EQ(f.calls().size(), 1u);
  EXPECT_EQ(pairs(f.calls()), Pairs{"/a 200"});
  EXPECT_EQ(f.call().start, 1000u);
  EXPECT_EQ(f.call().end, 2100u);
  EXPECT_EQ(f.call().partial, partial_no);
}

TEST(Http1, HoldsAnUnfinishedResponseAndTheAnswerToHeadToo) {
  Feeder f(Kind::client);
  const std::string head = "HEAD /h HTTP/1.1\r\n\r\n";
  const Segment request{f.direction(Side::client), get, get.size(), 1000, 1100, 10, 11};
  const Segment second{f.direction(Side::client), head, head.size(), 4000, 4100, 10, 11};
  f.now = 2000;
  f.give(Side::server, ok.substr(0, ok.size() - 3));
  (void)f.session.on_segment(request, f.sink);
  EXPECT_TRUE(f.calls().empty());
  f.say(Side::server, "llo");
  ASSERT_EQ(f.calls().size(), 1u);
  f.now = 5000;
  f.give(Side::server, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
  (void)f.session.on_segment(second, f.sink);
  f.say(Side::client, ask("/next"));
  f.say(Side::server, answer(204));
  EXPECT_EQ(pairs(f.calls()), (Pairs{"/a 200", "/h 200", "/next 204"}));
  EXPECT_EQ(f.calls()[1].response_body_bytes, 0u);
}

TEST(Http1, NeverPairsAResponseWithAYoungerRequest) {
  Feeder f(Kind::server, late);
  f.say(Side::server, answer(500));  // to a request that was read before the agent came
  f.say(Side::client, ask("/1"));
  f.say(Side::server, answer(204));
  EXPECT_EQ(pairs(f.calls()), (Pairs{" 500", "/1 204"}));
  EXPECT_EQ(f.calls()[0].operation, "");
  EXPECT_EQ(f.calls()[0].partial, partial_joined_late);
  EXPECT_EQ(f.calls()[0].start, f.calls()[0].first_byte);
  EXPECT_EQ(f.calls()[1].partial, partial_no);
}

TEST(Http1, NeverPairsAResponseWithARequestThatStartedAfterIt) {
  Feeder f(Kind::client, late);
  f.now = 5000;
  f.give(Side::client, ask("/1"));
  f.now = 3000;  // of a request before the agent came; the records of the two directions arrived the other way round
  f.give(Side::server, answer(500));
  EXPECT_TRUE(f.calls().empty());
  f.now = 6000;
  f.give(Side::server, answer(204));
  f.close();
  EXPECT_EQ(pairs(f.calls()), (Pairs{"/1 204", " 500"}));
}

TEST(Http1, GivesAResponseWithoutRequestAtTheClose) {
  Feeder f;
  f.say(Side::server, answer(408));  // HAProxy tells an idle client so
  EXPECT_TRUE(f.calls().empty());
  f.close();
  ASSERT_EQ(f.calls().size(), 1u);
  EXPECT_EQ(f.call().operation, "");
  EXPECT_EQ(f.call().status, 408);
  EXPECT_EQ(f.call().partial, partial_lost);
}

TEST(Http1, RecoversFromTheAnswerToAnUnseenHeadRequest) {
  Feeder f(Kind::server, late);
  f.say(Side::server, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
  f.say(Side::client, ask("/1"));
  f.say(Side::server, answer(204));
  EXPECT_EQ(pairs(f.calls()), (Pairs{" 200", "/1 204"}));
}

TEST(Http1, IgnoresTheRestOfMessagesBegunBeforeItJoined) {
  Feeder f(Kind::server, late);
  EXPECT_EQ(f.say(Side::server, "rest of a body\r\n").action, Action::more);
  f.say(Side::client, "ET / HTTP/1.1\r\nHost: h\r\n\r\n");
  f.say(Side::server, answer(200));
  f.say(Side::client, ask("/whole"));
  f.say(Side::server, answer(404));
  f.close();
  EXPECT_EQ(pairs(f.calls()), (Pairs{" 200", "/whole 404"}));
  EXPECT_EQ(f.calls()[1].partial, partial_no);
}

TEST(Http1, DoubtsAMethodThatEndsAnotherOneWhereTheBeginningIsGuessed) {
  Feeder f(Kind::server, late);
  f.say(Side::client, "PATCH /x HTTP/1.1\r\n\r\n");
  f.say(Side::server, answer(200));
  EXPECT_EQ(f.call().partial, partial_joined_late);
}

TEST(Http1, GivesARequestWithoutAnswerAtTheCloseAndInventsNoStatus) {
  Feeder f;
  f.say(Side::client, get);
  f.tick();
  f.close();
  ASSERT_EQ(f.calls().size(), 1u);
  EXPECT_FALSE(f.call().status);
  EXPECT_EQ(f.call().partial, partial_no_response);
  EXPECT_EQ(f.call().first_byte, 0u);
  EXPECT_EQ(f.call().end, 3000u);
  EXPECT_EQ(f.session.active(Kind::server), 0u);
}

TEST(Http1, MarksMessagesCutByTheClose) {
  Feeder answered;
  answered.say(Side::client, get);
  answered.say(Side::server, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
  answered.close();
  EXPECT_EQ(answered.call().status, 200);
  EXPECT_EQ(answered.call().partial, partial_cut_short);
  EXPECT_EQ(answered.call().response_body_bytes, 3u);
  EXPECT_EQ(answered.call().end, 2100u);

  Feeder in_head;
  in_head.say(Side::client, get);
  in_head.say(Side::server, "HTTP/1.1 502 Bad Gateway\r\nServer: x\r\nDa");
  in_head.close();
  EXPECT_EQ(in_head.call().status, 502);
  EXPECT_EQ(in_head.call().partial, partial_cut_short);
  EXPECT_EQ(in_head.call().response_headers.find("server"), "x");

  Feeder in_status;
  in_status.say(Side::client, get);
  in_status.say(Side::server, "HTTP/1.1 20");
  in_status.close();
  EXPECT_FALSE(in_status.call().status);
  EXPECT_EQ(in_status.call().partial, partial_no_response);

  Feeder upload;
  upload.say(Side::client, "POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc");
  upload.close();
  EXPECT_EQ(upload.call().partial, partial_cut_short | partial_no_response);
  EXPECT_EQ(upload.call().request_body_bytes, 3u);

  Feeder request_head;
  request_head.say(Side::client, "GET /cut?x HTTP/1.1\r\nHost: h\r\nUser-Ag");
  request_head.close();
  EXPECT_EQ(request_head.call().path, "/cut");
  EXPECT_EQ(request_head.call().partial, partial_cut_short | partial_no_response);
}

TEST(Http1, WaitsForTheRequestToEndAfterAnEarlyAnswer) {
  const std::string post = "POST /big HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc";
  Feeder f;
  f.say(Side::client, post);
  f.say(Side::server, answer(413));
  EXPECT_TRUE(f.calls().empty());
  f.say(Side::client, "defghij");
  EXPECT_EQ(pairs(f.calls()), Pairs{"/big 413"});
  EXPECT_EQ(f.call().partial, partial_no);
  EXPECT_EQ(f.call().request_end, 3100u);
  EXPECT_EQ(f.call().end, 2100u);

  Feeder closed;
  closed.say(Side::client, post);
  closed.say(Side::server, answer(413));
  closed.close();
  EXPECT_EQ(closed.call().status, 413);
  EXPECT_EQ(closed.call().partial, partial_cut_short);
}

TEST(Http1, ShowsTheAnswerToARequestWithContradictoryFraming) {
  Feeder f;
  f.say(Side::client, "POST /x HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab");
  f.say(Side::server, answer(400));
  EXPECT_EQ(pairs(f.calls()), Pairs{"/x 400"});
}

TEST(Http1, GivesUpOnAResponseWithContradictoryFraming) {
  Feeder f;
  f.say(Side::client, get);
  EXPECT_EQ(f.say(Side::server, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab").action,
            Action::invalid);
  EXPECT_EQ(f.call().status, 200);
  EXPECT_EQ(f.call().partial, partial_cut_short);
}

TEST(Http1, GivesUpOnBadChunks) {
  Feeder f;
  f.say(Side::client, get);
  EXPECT_EQ(f.say(Side::server, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n").action, Action::invalid);
  EXPECT_EQ(f.call().partial, partial_cut_short);
}

TEST(Http1, RejectsABinaryProtocolThatLooksLikeHttpForAFewBytes) {
  for (const std::string& text :
       {std::string("GET \x00\x01", 6), std::string("POST\x00", 5), std::string("HTTP/1.\xff"),
        std::string("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), std::string("GET key\r\n")}) {
    for (const std::size_t piece : {text.size(), std::size_t{1}}) {
      Feeder f;
      for (std::size_t at = 0; at < text.size(); at += piece)
        f.say(Side::client, std::string_view(text).substr(at, piece));
      EXPECT_EQ(f.last.action, Action::invalid) << text;
      f.close();
      EXPECT_TRUE(f.calls().empty()) << text;
    }
  }
  Feeder later;
  later.say(Side::client, get);
  later.say(Side::server, ok);
  EXPECT_EQ(later.say(Side::client, "\x01\x02\x03").action, Action::invalid);
  EXPECT_EQ(pairs(later.calls()), Pairs{"/a 200"});
}

TEST(Http1, RejectsTwoSidesThatBothSendRequests) {
  Feeder f;
  f.say(Side::client, get);
  EXPECT_EQ(f.say(Side::server, get).action, Action::invalid);
}

TEST(Http1, GivesUpSearchingWhereNoMessageEverBegins) {
  Feeder f(Kind::server, late);
  const std::string noise(64 * 1024, '\x7f');
  for (int i = 0; i < 16; ++i) EXPECT_EQ(f.say(Side::client, noise).action, Action::more);
  EXPECT_EQ(f.say(Side::client, noise).action, Action::invalid);
}

TEST(Http1, KeepsWhatWasSeenOfAHeadWithAGap) {
  Feeder f;
  f.say(Side::client, "GET /x HTTP/1.1\r\nHost: h\r\nCook", 5000);
  f.say(Side::server, answer(204));
  ASSERT_EQ(f.calls().size(), 1u);
  EXPECT_EQ(pairs(f.calls()), Pairs{"/x 204"});
  EXPECT_EQ(f.call().request_headers.find("host"), "h");
  EXPECT_EQ(f.call().partial, partial_lost);
  f.say(Side::client, ask("/2"));
  f.say(Side::server, answer(200));
  EXPECT_EQ(f.calls().back().partial, partial_no);

  Feeder long_target;
  long_target.say(Side::client, "GET /" + std::string(4000, 'x'), 3000);
  long_target.say(Side::server, answer(200));
  EXPECT_EQ(long_target.call().operation, "GET");
  EXPECT_EQ(long_target.call().path, "");  // not all of it was seen
  EXPECT_EQ(long_target.call().status, 200);
  EXPECT_EQ(long_target.call().partial, partial_lost);
}

TEST(Http1, EndsAChunkedResponseWithLostFramingWhenTheNextRequestProvesIt) {
  Feeder f;
  f.say(Side::client, ask("/1"));
  f.say(Side::server, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe", 5000);
  f.say(Side::server, "more");
  EXPECT_TRUE(f.calls().empty());
  f.say(Side::client, ask("/2"));
  ASSERT_EQ(f.calls().size(), 1u);
  EXPECT_EQ(f.call().end, 3100u);
  EXPECT_EQ(f.call().status, 200);
  EXPECT_EQ(f.call().partial, partial_lost);
  f.say(Side::server, answer(404));
  EXPECT_EQ(pairs(f.calls()), (Pairs{"/1 200", "/2 404"}));
  EXPECT_EQ(f.calls()[1].partial, partial_no);
}

TEST(Http1, SurvivesTheLossOfAWholeResponse) {
  Feeder f;
  f.say(Side::client, ask("/1"));
  f.lose(Side::server);
  f.say(Side::client, ask("/2"));
  f.say(Side::server, answer(404));
  EXPECT_EQ(pairs(f.calls()), (Pairs{"/1 -", "/2 404"}));
  EXPECT_EQ(f.calls()[0].partial, partial_lost);
  EXPECT_EQ(f.calls()[1].partial, partial_no);
}

TEST(Http1, SurvivesTheLossOfAWholeRequest) {
  Feeder f;
  f.say(Side::client, ask("/1"));
  f.say(Side::server, answer(201));
  f.lose(Side::client);
  f.say(Side::server, answer(202));
  f.say(Side::client, ask("/3"));
  f.say(Side::server, answer(203));
  EXPECT_EQ(pairs(f.calls()), (Pairs{"/1 201", " 202", "/3 203"}));
  EXPECT_EQ(f.calls()[1].partial, partial_lost);
  EXPECT_EQ(f.calls()[2].partial, partial_no);
}

TEST(Http1, TellsNoStatusWhilePairingOfPipelinedRequestsIsInDoubt) {
  Feeder f;
  f.say(Side::client, ask("/1") + ask("/2") + ask("/3"));
  f.say(Side::server, answer(201));
  f.lose(Side::server);
  f.say(Side::server, answer(203));
  f.say(Side::client, ask("/4"));
  f.say(Side::server, answer(204));
  EXPECT_EQ(pairs(f.calls()), (Pairs{"/1 201", "/2 -", "/3 -", "/4 204"}));
  EXPECT_EQ(f.calls()[1].partial, partial_lost);
  EXPECT_EQ(f.calls()[3].partial, partial_no);
}

TEST(Http1, TellsHowManyHeadersItDropped) {
  const std::string filler = "X-Filler: " + std::string(1000, 'x') + "\r\n";
  const std::string context = "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n";
  for (const std::size_t piece : {std::size_t{100000}, std::size_t{1000}, std::size_t{1}}) {
    Feeder f;
    const std::string request =
        "POST /x HTTP/1.1\r\n" + filler + context + filler + filler + filler + filler + "Content-Length: 3\r\n\r\nabc";
    f.tick();
    for (std::size_t at = 0; at < request.size(); at += piece)
      f.give(Side::client, std::string_view(request).substr(at, piece));
    f.say(Side::server, answer(200));
    ASSERT_EQ(f.calls().size(), 1u) << piece;
    EXPECT_EQ(f.call().partial, partial_headers);
    EXPECT_TRUE(f.call().request_headers.find("traceparent"));
    EXPECT_EQ(f.call().request_headers.size(), 4u);
    EXPECT_EQ(f.call().request_body_bytes, 3u);
  }
}

TEST(Http1, GivesUpOnTheFramingOfAHeadBeyond16KiB) {
  Feeder f;
  f.say(Side::client, "GET /x HTTP/1.1\r\nA: " + std::string(20000, 'x') + "\r\n\r\n");
  f.say(Side::server, answer(431));
  EXPECT_EQ(pairs(f.calls()), Pairs{"/x 431"});
  EXPECT_EQ(f.call().partial & partial_lost, partial_lost);
}

TEST(Http1, DropsTheOldestRequestBeyondTheLimitAndKeepsOrder) {
  Feeder f;
  for (int i = 0; i < 300; ++i) f.say(Side::client, ask("/" + std::to_string(i)));
  EXPECT_EQ(f.calls().size(), 44u);
  EXPECT_EQ(f.calls()[0].partial, partial_lost);
  EXPECT_EQ(f.session.active(Kind::server), outstanding_limit);
  for (int i = 0; i < 300; ++i) f.say(Side::server, answer(200 + i));
  ASSERT_EQ(f.calls().size(), 300u);
  EXPECT_FALSE(f.calls()[43].status);
  for (int i = 44; i < 300; ++i)
    EXPECT_EQ(pairs(f.calls())[i], "/" + std::to_string(i) + " " + std::to_string(200 + i));
}

TEST(Http1, KeepsHeadersWhileSomebodyWantsThemAndSaysWhereItDidNot) {
  Feeder feeder;
  feeder.session.keep_headers(false);
  feeder.say(Side::client, get);
  feeder.say(Side::server, ok);
  feeder.say(Side::client, get);
  feeder.session.keep_headers(true);
  feeder.say(Side::server, ok);
  feeder.say(Side::client, get);
  feeder.say(Side::server, ok);
  ASSERT_EQ(feeder.calls().size(), 3U);
  const auto kept = [&](std::size_t i) {
    const Call& call = feeder.calls()[i];
    return std::tuple(call.headers_kept, call.request_headers.find("user-agent").has_value(),
                      call.response_headers.find("server").has_value(), call.response_body_bytes);
  };
  EXPECT_EQ(kept(0), std::tuple(false, false, false, 5U));
  EXPECT_EQ(kept(1), std::tuple(false, false, true, 5U));
  EXPECT_EQ(kept(2), std::tuple(true, true, true, 5U));
}

TEST(Http1, RecognisesItsOwnAndNothingElse) {
  const auto guess = [](std::string_view bytes) { return http1_descriptor.recognise({.bytes = bytes}); };
  for (const char* text : {"GET / HTTP/1.1\r\n", "POST /x", "HTTP/1.1 200 OK\r\n", "HTTP/1.", "CONNECT h:1",
                           "OPTIONS *", "GET http://h/", "\r\nGET /", "FOO /x HTTP/1.1\r\n"}) {
    EXPECT_EQ(guess(text), Guess::yes) << text;
  }
  for (const char* text : {"", "G", "GET", "GET ", "HTT", "H", "GET ht", "\r\n", "FOO /x"}) {
    EXPECT_EQ(guess(text), Guess::maybe_with_more) << text;
  }
  for (const char* text :
       {"PRI * HTTP/2.0\r\n\r\nSM", "PRI ", "PRI", "GET key\r\n", "PING\r\n", "*1\r\n$4\r\nPING\r\n", "\x16\x03\x01",
        "GET / HTTP/2.0\r\n", "GET /\r\n", "SSH-2.0-x", "OPTIONS sip:x SIP/2.0\r\n", "HTTP/2", "GET \x01",
        "OPTIONS rtsp://h/ RTSP/1.0\r\n", "CONNECT\naccept-version:1.2\n\n\0"}) {
    EXPECT_EQ(guess(text), Guess::no) << text;
  }
}

constexpr std::string_view h2c_request =
    "GET /up?a=b HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: "
    "AAM\r\n\r\n";
constexpr std::string_view h2c_switch =
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n";

TEST(Http1, HandsAnUpgradeToHttp2OverWithItsRequest) {
  for (const bool keep : {true, false}) {
    for (std::size_t cut = 0; cut < h2c_switch.size(); ++cut) {
      Options options;
      options.keep_headers = keep;
      Feeder feeder(Kind::server, options);
      EXPECT_TRUE(feeder.say(Side::client, h2c_request).deep) << "frames may follow before anybody has read the answer";
      if (cut > 0) feeder.say(Side::server, h2c_switch.substr(0, cut));
      const Next next = feeder.say(Side::server, std::string(h2c_switch.substr(cut)) + "frames");
      EXPECT_EQ(next.action, Next::Action::hand_over);
      EXPECT_EQ(next.bytes, h2c_switch.size() - cut);
      EXPECT_EQ(next.to, "http2");
      const std::unique_ptr<Call> request = feeder.session.take_request();
      ASSERT_TRUE(request);
      EXPECT_EQ(request->path, "/up");
      EXPECT_EQ(request->kind, Kind::server);
      EXPECT_EQ(request->status, std::nullopt);
      EXPECT_GT(request->request_end, 0u);
      EXPECT_FALSE(feeder.session.take_request());
      feeder.close();
      EXPECT_TRUE(feeder.calls().empty()) << "HTTP/2 tells of it";
    }
  }
}

TEST(Http1, OtherUpgradesStayOpaque) {
  Feeder feeder;
  feeder.say(Side::client, "GET /ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n\r\n");
  const Next next = feeder.say(Side::server, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n");
  EXPECT_EQ(next.action, Next::Action::opaque);
  EXPECT_EQ(feeder.call().status, 101);
  EXPECT_FALSE(feeder.session.take_request());
}

TEST(Http1, AnUpgradeWhoseRequestIsNotCertainStaysOpaque) {
  Options options;
  options.joined_late = true;
  Feeder feeder(Kind::server, options);
  const Next next = feeder.say(Side::server, h2c_switch);
  EXPECT_EQ(next.action, Next::Action::opaque);
  EXPECT_FALSE(feeder.session.take_request());
}

TEST(Http1, NamesTheClientBehindProxiesWhereAskedTo) {
  for (const bool keep : {true, false}) {
    Options options;
    options.keep_headers = keep;
    const Conversation talk{client("GET / HTTP/1.1\r\nX-Forwarded-For: 203.0.113.7, 10.0.0.1\r\n\r\n"), server(ok)};
    EXPECT_EQ(replay(talk, Kind::server, options)[0].attributes.size(), 0u);
    options.extras.forwarded_for = true;
    EXPECT_EQ(replay(talk, Kind::server, options)[0].attributes.find("client.address"), "203.0.113.7");
    EXPECT_EQ(replay(talk, Kind::client, options)[0].attributes.size(), 0u);
  }
}

}  // namespace
}  // namespace subfloor::protocols::http1
