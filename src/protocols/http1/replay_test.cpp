// SPDX-License-Identifier: Apache-2.0
// The same conversations, cut in every way: the calls must not depend on it.
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <tuple>

#include "protocols/http1/conversation.h"

namespace subfloor::protocols::http1 {
namespace {

using namespace testing;

std::map<std::string, Conversation> conversations() {
  const std::string chunked_head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  const std::string chunks = chunk(std::string(2000, 'x')) + chunk("hello") + "0\r\nTrailer: t\r\n\r\n";
  const std::string no_length = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nuntil the end";
  const std::string post = "POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 2000\r\n\r\n" + std::string(2000, 'p');
  const std::string big = "HTTP/1.1 200 OK\r\nContent-Length: 3000\r\n\r\n" + std::string(3000, 'b');
  const std::string head = "HEAD /h HTTP/1.1\r\nHost: h\r\n\r\n";
  const std::string folded = "GET http://h/abs?q HTTP/1.1\nA: b\n c\nHost: h\n\n";
  return {
      {"keep-alive", {client(get), server(ok), client(get), server(ok)}},
      {"large bodies", {client(post), server(big), client(get), server(ok)}},
      {"chunked", {client(get), server(chunked_head + chunks), client(get), server(ok)}},
      {"chunked in turns", {client(get), server(chunked_head), server(chunks), client(get), server(ok)}},
      {"chunked request",
       {client("POST /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks), server(ok), client(get),
        server(ok)}},
      {"pipelined", {client(get + post + get), server(ok + "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n" + ok)}},
      {"continue",
       {client("PUT /u HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"),
        server("HTTP/1.1 100 Continue\r\n\r\n"), client("abc"),
        server("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n")}},
      {"early hints",
       {client(get), server("HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n" + ok), client(get), server(ok)}},
      {"bodiless",
       {client(head), server("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n"), client(get),
        server("HTTP/1.1 204 No Content\r\n\r\n"), client(get),
        server("HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n"), client(get), server(ok)}},
      {"until close", {client(get), server(no_length)}},
      {"http/1.0", {client("GET / HTTP/1.0\r\n\r\n"), server("HTTP/1.0 200 OK\r\n\r\nold")}},
      {"lenient",
       {client("\r\n\r\n" + folded), server("HTTP/1.1 500\nContent-Length: 0\n\n"), client("\r\n" + get), server(ok)}},
      {"upgrade",
       {client("GET /ws HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"),
        server("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\x81\x05hello")}},
      {"connect",
       {client("CONNECT h:443 HTTP/1.1\r\n\r\n"), server("HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n"),
        client("CONNECT h:443 HTTP/1.1\r\nProxy-Authorization: x\r\n\r\n"), server("HTTP/1.1 200 OK\r\n\r\n\x16\x03")}},
      {"no answer", {client(get), server(ok), client(post)}},
      {"cut answer", {client(get), server(ok.substr(0, ok.size() - 2))}},
      {"early answer", {client(post.substr(0, 500)), server("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")}},
      {"no http", {client("GET \x01\x02\x03\x04"), server("\xff\xfe\xfd")}},
  };
}

class Http1Replay : public ::testing::TestWithParam<Kind> {};
INSTANTIATE_TEST_SUITE_P(BothEnds, Http1Replay, ::testing::Values(Kind::server, Kind::client),
                         [](const auto& role) { return std::string(to_string(role.param)); });

// Gives a turn in two parts, or whole where the cut is elsewhere.
void say_cut(Feeder& feeder, const Turn& turn, std::size_t cut) {
  feeder.tick();
  if (cut > 0 && cut < turn.bytes.size()) {
    feeder.give(turn.from, std::string_view(turn.bytes).substr(0, cut));
    feeder.give(turn.from, std::string_view(turn.bytes).substr(cut));
  } else {
    feeder.give(turn.from, turn.bytes);
  }
}

TEST_P(Http1Replay, GivesTheSameCallsSplitAtAnyByte) {
  for (const auto& [name, conversation] : conversations()) {
    const auto expected = to_text(replay(conversation, GetParam()));
    for (std::size_t which = 0; which < conversation.size(); ++which) {
      for (std::size_t cut = 1; cut < conversation[which].bytes.size(); ++cut) {
        Feeder feeder(GetParam());
        for (std::size_t i = 0; i < conversation.size(); ++i) say_cut(feeder, conversation[i], i == which ? cut : 0);
        feeder.close();
        ASSERT_EQ(to_text(feeder.calls()), expected) << name << ", turn " << which << " cut at " << cut;
      }
    }
  }
}

TEST_P(Http1Replay, GivesTheSameCallsInPiecesOfAnySize) {
  for (const auto& [name, conversation] : conversations()) {
    const auto expected = to_text(replay(conversation, GetParam()));
    for (std::size_t piece = 1; piece < 40; ++piece) {
      Feeder feeder(GetParam());
      for (const Turn& turn : conversation) {
        feeder.tick();
        for (std::size_t at = 0; at < turn.bytes.size(); at += piece) {
          feeder.give(turn.from, std::string_view(turn.bytes).substr(at, piece));
        }
      }
      feeder.close();
      ASSERT_EQ(to_text(feeder.calls()), expected) << name << " in pieces of " << piece;
    }
  }
}

// The content of bytes the session said it does not need is withheld, as the kernel does.
TEST_P(Http1Replay, GivesTheSameCallsWhenSkipsAreHonoured) {
  std::uint64_t withheld = 0;
  for (const auto& [name, conversation] : conversations()) {
    for (const std::size_t piece : {40, 100, 700}) {
      Feeder feeder(GetParam());
      std::uint64_t skip[2] = {0, 0};
      for (const Turn& turn : conversation) {
        feeder.tick();
        for (std::size_t at = 0; at < turn.bytes.size();) {
          std::uint64_t& left = skip[static_cast<std::size_t>(turn.from)];
          const std::size_t n =
              std::min({piece, turn.bytes.size() - at, left > 0 ? static_cast<std::size_t>(left) : piece});
          const bool hidden = left > 0;
          const Next next =
              feeder.give(turn.from, hidden ? "" : std::string_view(turn.bytes).substr(at, n), hidden ? n : 0);
          left -= hidden ? n : 0;
          if (next.action == Next::Action::skip) left = next.bytes;
          withheld += hidden ? n : 0;
          at += n;
        }
      }
      feeder.close();
      ASSERT_EQ(to_text(feeder.calls()), to_text(replay(conversation, GetParam())))
          << name << " in pieces of " << piece;
    }
  }
  EXPECT_GT(withheld, 10000u);
}

// Only the first bytes of each segment are copied: as long as that covers heads and chunk framing, nothing changes.
TEST_P(Http1Replay, GivesTheSameCallsWhenOnlyTheBeginningOfBodiesIsCopied) {
  for (const char* name : {"keep-alive", "large bodies", "bodiless", "until close", "no answer", "early answer"}) {
    const Conversation conversation = conversations()[name];
    for (const std::size_t copied : {80, 120, 500}) {
      Feeder feeder(GetParam());
      for (const Turn& turn : conversation) {
        const std::string_view content = std::string_view(turn.bytes).substr(0, copied);
        feeder.say(turn.from, content, turn.bytes.size() - content.size());
      }
      feeder.close();
      ASSERT_EQ(to_text(feeder.calls()), to_text(replay(conversation, GetParam()))) << name << ", " << copied;
    }
  }
}

using Facts = std::tuple<std::string, std::string, std::string>;
std::set<Facts> facts(const std::vector<Call>& calls) {
  std::set<Facts> set;
  for (const Call& call : calls) {
    const std::string status = call.status ? std::to_string(*call.status) : "";
    set.insert({call.operation, call.path, status});
    set.insert({call.operation, call.path, ""});
    set.insert({call.operation, "", ""});
    set.insert({call.operation, "", status});  // the rest of the request line was lost
    set.insert({"", "", status});
  }
  return set;
}

TEST_P(Http1Replay, NeverTellsAWrongMethodPathOrStatusWhenJoinedAtAnyByte) {
  Options late;
  late.joined_late = true;
  std::size_t whole = 0;
  for (const auto& [name, conversation] : conversations()) {
    if (name == "pipelined") continue;  // joined between pipelined requests, the first answer has two possible owners
    const std::set<Facts> known = facts(replay(conversation, GetParam()));
    for (std::size_t which = 0; which < conversation.size(); ++which) {
      for (std::size_t from = 0; from < conversation[which].bytes.size(); ++from) {
        Feeder feeder(GetParam(), late);
        feeder.say(conversation[which].from, std::string_view(conversation[which].bytes).substr(from));
        for (std::size_t i = which + 1; i < conversation.size(); ++i)
          feeder.say(conversation[i].from, conversation[i].bytes);
        feeder.close();
        for (const Call& call : feeder.calls()) {
          const Facts said{call.operation, call.path, call.status ? std::to_string(*call.status) : ""};
          ASSERT_TRUE(known.contains(said)) << name << ", turn " << which << " from " << from << ": " << to_text(call);
          whole += call.partial == partial_no ? 1 : 0;
          ASSERT_TRUE(call.partial != partial_no || call.status);
        }
      }
    }
  }
  EXPECT_GT(whole, 1000u);
}

// Bytes of known or unknown number go missing at every place.
TEST_P(Http1Replay, NeverTellsAWrongMethodPathOrStatusWithGapsAnywhere) {
  for (const auto& [name, conversation] : conversations()) {
    const std::set<Facts> known = facts(replay(conversation, GetParam()));
    for (std::size_t which = 0; which < conversation.size(); ++which) {
      const std::string_view bytes = conversation[which].bytes;
      const std::size_t step = bytes.size() > 1000 ? 7 : 1;
      for (std::size_t at = 0; at < bytes.size(); at += step) {
        for (const std::size_t length : {std::size_t{1}, std::size_t{20}, bytes.size()}) {
          for (const bool counted : {true, false}) {
            Feeder feeder(GetParam());
            for (std::size_t i = 0; i < conversation.size(); ++i) {
              feeder.tick();
              if (i != which) {
                feeder.give(conversation[i].from, conversation[i].bytes);
                continue;
              }
              const std::size_t lost = std::min(length, bytes.size() - at);
              feeder.give(conversation[i].from, bytes.substr(0, at), counted ? lost : 0);
              if (!counted) feeder.lose(conversation[i].from);
              if (at + lost < bytes.size()) feeder.give(conversation[i].from, bytes.substr(at + lost));
            }
            feeder.close();
            for (const Call& call : feeder.calls()) {
              const Facts said{call.operation, call.path, call.status ? std::to_string(*call.status) : ""};
              ASSERT_TRUE(known.contains(said)) << name << ", turn " << which << " without " << length << " at " << at
                                                << (counted ? " (counted): " : ": ") << to_text(call);
            }
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace subfloor::protocols::http1
