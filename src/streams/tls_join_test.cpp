// SPDX-License-Identifier: Apache-2.0
#include "streams/tls_join.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace subfloor::streams {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::uint32_t thread = 7;
constexpr SocketKey first = 100, second = 200, not_captured = 300;
constexpr std::uint64_t one = 1, two = 2;
constexpr Nanoseconds ms = 1'000'000;

// A TLS record of application data, its content of no interest.
std::string record_of(std::size_t length) {
  std::string record{'\x17', '\x03', '\x03', static_cast<char>(length >> 8), static_cast<char>(length & 0xff)};
  return record + std::string(length, 'x');
}

// Plaintext of n bytes as TLS 1.3 seals it.
std::string sealed(std::size_t plaintext) { return record_of(plaintext + 17); }

class Joining : public ::testing::Test, private TlsJoin::Receiver {
 protected:
  // Ciphertext moves on a socket.
  void moves(SocketKey key, bool outbound, const std::string& bytes, std::uint32_t tid = thread) {
    now += ms;
    join.on_data({.key = key,
                  .outbound = outbound,
                  .length = bytes.size(),
                  .bytes = bytes,
                  .begin = now,
                  .end = now,
                  .pid = 5,
                  .tid = tid});
  }
  // A call of the library, which began at `entered` or just now.
  void call(std::uint64_t session, bool outbound, const std::string& bytes, Nanoseconds entered = 0,
            std::uint32_t tid = thread) {
    if (entered == 0) entered = ++now;
    now += ms;
    join.on_tls_data({.session = session,
                      .outbound = outbound,
                      .length = bytes.size(),
                      .bytes = bytes,
                      .entered = entered,
                      .end = now,
                      .pid = 5,
                      .tid = tid});
  }
  void read(std::uint64_t session, const std::string& bytes) { call(session, false, bytes); }
  void write(std::uint64_t session, const std::string& bytes) { call(session, true, bytes); }
  // A call inside of which the ciphertext moved.
  void write_to(SocketKey key, std::uint64_t session, const std::string& bytes) {
    const Nanoseconds entered = ++now;
    moves(key, true, sealed(bytes.size()));
    call(session, true, bytes, entered);
  }
  void read_from(SocketKey key, std::uint64_t session, const std::string& bytes) {
    const Nanoseconds entered = ++now;
    moves(key, false, sealed(bytes.size()));
    call(session, false, bytes, entered);
  }

  TlsJoin join{*this};
  std::vector<std::string> told;
  std::vector<std::uint32_t> sought;
  Nanoseconds now = 1000 * ms;

 private:
  [[nodiscard]] bool has_socket(SocketKey key) const override { return key != not_captured; }
  void on_tls_joined(SocketKey key) override { told.push_back(fmt::format("joined {}", key)); }
  void on_plaintext(const sensors::StreamData& data, Nanoseconds) override {
    told.push_back(fmt::format("{} {} {}", data.key, data.outbound ? "out" : "in", data.bytes));
  }
  void on_tls_sought(std::uint32_t pid) override { sought.push_back(pid); }
};

TEST_F(Joining, TakesTheSocketThatMovedDuringTheCall) {
  write_to(first, one, "request");
  read_from(first, one, "response");
  EXPECT_THAT(told, ElementsAre("joined 100", "100 out request", "100 in response"));
}

// As the kernel does for Go, whose goroutines change threads: what this thread moved says nothing.
TEST_F(Joining, TakesTheSocketThatComesWithTheCall) {
  const auto call_of = [&](std::uint64_t session, SocketKey socket, const std::string& bytes) {
    join.on_tls_data({.session = session,
                      .socket = socket,
                      .length = bytes.size(),
                      .bytes = bytes,
                      .entered = now,
                      .end = ++now,
                      .pid = 5,
                      .tid = thread});
  };
  moves(second, false, sealed(4));
  call_of(one, first, "here");
  EXPECT_THAT(told, ElementsAre("joined 100", "100 in here"));
  call_of(two, not_captured, "away");
  EXPECT_THAT(told, testing::SizeIs(2));
  EXPECT_EQ(join.counters().unjoined, 1U);
  EXPECT_EQ(join.counters().unjoined_bytes, 4U);
}

TEST_F(Joining, KeepsWhatCameBeforeTheSocketWasKnown) {
  read(one, "read ahead by the library");
  EXPECT_THAT(told, IsEmpty());
  write_to(first, one, "response");
  EXPECT_THAT(told, ElementsAre("joined 100", "100 in read ahead by the library", "100 out response"));
}

TEST_F(Joining, TellsTwoSessionsOfOneThreadApart) {
  write_to(first, one, "a");
  write_to(second, two, "b");
  read(one, "c");
  EXPECT_THAT(told, ElementsAre("joined 100", "100 out a", "joined 200", "200 out b", "100 in c"));
}

TEST_F(Joining, TakesWhatTheThreadReceivedBeforeWhereTheLengthFits) {
  moves(first, false, sealed(5));
  read(one, "hello");
  EXPECT_THAT(told, ElementsAre("joined 100", "100 in hello"));
  EXPECT_EQ(join.counters().by_length, 1U);
}

TEST_F(Joining, FindsTheRecordBehindThoseOfTheHandshake) {
  moves(first, false, std::string("\x14\x03\x03\x00\x01\x01", 6) + record_of(69) + sealed(5));
  read(one, "hello");
  EXPECT_THAT(told, ElementsAre("joined 100", "100 in hello"));
}

TEST_F(Joining, DoesNotTakeASocketWhoseRecordsAreOfAnotherLength) {
  moves(first, false, sealed(400));
  read(one, "hello");
  EXPECT_THAT(told, IsEmpty());
}

TEST_F(Joining, DoesNotTakeWhatAnotherThreadReceived) {
  moves(first, false, sealed(5), thread + 1);
  read(one, "hello");
  EXPECT_THAT(told, IsEmpty());
}

TEST_F(Joining, TakesWhatTheThreadSendsAfterAWrite) {
  write(one, "hello");
  moves(first, true, sealed(5));
  join.tick(now + 1000 * ms);
  EXPECT_THAT(told, ElementsAre("joined 100", "100 out hello"));
}

TEST_F(Joining, DoesNotGuessBetweenTwoSessionsThatWroteTheSameLength) {
  write(one, "hello");
  write(two, "world");
  moves(first, true, sealed(5));
  join.tick(now + 1000 * ms);
  EXPECT_THAT(told, IsEmpty());
}

TEST_F(Joining, ASendInsideAnotherCallIsThatCalls) {
  write(one, "hello");
  write_to(second, two, "world");
  join.tick(now + 1000 * ms);
  EXPECT_THAT(told, ElementsAre("joined 200", "200 out world"));
}

TEST_F(Joining, OfTlsWithinTlsTheOuterSessionHasTheSocket) {
  const Nanoseconds inner = ++now;
  write_to(first, one, "ciphertext of the inner");
  call(two, true, "hello", inner);
  EXPECT_THAT(told, ElementsAre("joined 100", "100 out ciphertext of the inner"));
}

TEST_F(Joining, ASessionThatFollowsOneWithoutAWordTakesItsSocket) {
  write_to(first, one, "a");
  now += 1000 * ms;
  join.on_closed(first);
  write_to(first, two, "b");
  EXPECT_THAT(told, ElementsAre("joined 100", "100 out a", "joined 100", "100 out b"));
}

TEST_F(Joining, CountsWhatFindsNoSocket) {
  read(one, "hello");
  join.on_tls_over(one);
  EXPECT_EQ(join.counters().unjoined, 1U);
  EXPECT_EQ(join.counters().unjoined_bytes, 5U);
  EXPECT_THAT(told, IsEmpty());
  EXPECT_THAT(sought, ElementsAre(5U));
}

TEST_F(Joining, GivesUpWhatHasWaitedTooLong) {
  read(one, "hello");
  join.tick(now + 60'000 * ms);
  EXPECT_EQ(join.counters().unjoined, 1U);
}

TEST_F(Joining, HoldsNoMoreThanItsLimit) {
  for (int i = 0; i < 100; ++i) read(one, std::string(4096, 'x'));
  EXPECT_GT(join.counters().unjoined, 80U);
  write_to(first, one, "a");
  EXPECT_LT(told.size(), 20U);
  EXPECT_EQ(told.back(), "100 out a");
}

TEST(BeginsLikeTls, KnowsRecordsOfAllVersions) {
  using std::string_literals::operator""s;
  EXPECT_TRUE(begins_like_tls("\x16\x03\x01\x02\x00\x01"s));
  EXPECT_TRUE(begins_like_tls("\x17\x03\x03\x00\x13"s));
  EXPECT_FALSE(begins_like_tls("\x17\x03\x03\x00"s));
  EXPECT_FALSE(begins_like_tls("\x17\x03\x03\x00\x00"s));
  EXPECT_FALSE(begins_like_tls("\x17\x03\x03\xff\xff"s));
  EXPECT_FALSE(begins_like_tls("GET / HTTP/1.1\r\n"));
}

}  // namespace
}  // namespace subfloor::streams
