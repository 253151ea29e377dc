// SPDX-License-Identifier: Apache-2.0
// What plain calls move through TCP, on each rung: reads, writes, vectors, messages.
#include <gmock/gmock.h>
#include <poll.h>
#include <sys/uio.h>

#include <array>

#include "sensors/tcp/testing.h"

namespace subfloor::sensors::testing_tcp {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr bool in = false, out = true;

using TcpTransfersOn = TcpSensorOn;

INSTANTIATE_TEST_SUITE_P(EachRung, TcpTransfersOn, ::testing::ValuesIn(rungs), name_of_rung);

std::vector<iovec> cut(std::string& bytes, const std::vector<std::size_t>& sizes) {
  std::vector<iovec> pieces;
  std::size_t at = 0;
  for (const std::size_t size : sizes) {
    pieces.push_back({bytes.data() + at, size});
    at += size;
  }
  return pieces;
}

TEST_P(TcpTransfersOn, TellsARequestAndItsResponseAtBothEnds) {
  if (!open()) return;
  const Pair pair;
  const auto pid = in_child([&] {
    write_all(pair.client, "request");
    must(read_exactly(pair.server, 7) == "request");
    write_all(pair.server, "the response");
    must(read_exactly(pair.client, 12) == "the response");
  });
  for (const auto& [key, first, second] :
       {std::tuple(pair.client_key, out, in), std::tuple(pair.server_key, in, out)}) {
    const Told& told = this->told(key);
    EXPECT_EQ(told.text(first), "request");
    EXPECT_EQ(told.text(second), "the response");
    EXPECT_THAT(told.pids(first), ElementsAre(pid));
    EXPECT_THAT(told.pids(second), ElementsAre(pid));
    for (const Data& one : told.data) {
      EXPECT_LE(one.head.begin, one.head.end);
      EXPECT_TRUE(one.head.has_position);
    }
    // How far the other direction had come.
    ASSERT_THAT(told.of(second), SizeIs(1));
    EXPECT_EQ(told.of(second)[0].head.other_position - told.base(first), 7U);
  }
  EXPECT_EQ(watch_->report().rung, GetParam());
}

TEST_P(TcpTransfersOn, TellsWritesOfOneByte) {
  if (!open()) return;
  const Pair pair;
  const std::string truth = pattern(300);
  in_child([&] {
    for (const char c : truth) {
      write_all(pair.client, {&c, 1});
      must(read_exactly(pair.server, 1)[0] == c);
    }
  });
  EXPECT_EQ(told(pair.client_key).text(out), truth);
  EXPECT_EQ(told(pair.server_key).text(in), truth);
  EXPECT_THAT(told(pair.client_key).of(out), SizeIs(300));
}

TEST_P(TcpTransfersOn, TellsAVectorOfTwoHundredPieces) {
  if (!open()) return;
  const Pair pair;
  const std::string truth = pattern(2100);
  in_child([&] {
    std::string sent = truth, received(truth.size(), '\0');
    std::vector<std::size_t> sizes(200);
    for (std::size_t i = 0; i < sizes.size(); ++i) sizes[i] = 1 + i % 20;  // 10 x 210 = 2100, and none is empty
    const auto pieces = cut(sent, sizes);
    must(writev(pair.client, pieces.data(), 200) == 2100);
    std::reverse(sizes.begin(), sizes.end());
    const auto places = cut(received, sizes);
    must(readv(pair.server, places.data(), 200) == 2100);
    must(received == truth);
  });
  EXPECT_EQ(told(pair.client_key).text(out), truth);
  EXPECT_EQ(told(pair.server_key).text(in), truth);
}

TEST_P(TcpTransfersOn, TellsOnlyWhatWasReadIntoALargerVector) {
  if (!open()) return;
  const Pair pair;
  in_child([&] {
    std::string place(64, '#');
    write_all(pair.client, "seven b");
    const auto places = cut(place, {3, 0, 2, 59});
    must(readv(pair.server, places.data(), 4) == 7);
  });
  EXPECT_EQ(told(pair.server_key).text(in), "seven b");
}

TEST_P(TcpTransfersOn, TellsMessages) {
  if (!open()) return;
  const Pair pair;
  const std::string truth = pattern(900);
  in_child([&] {
    std::string sent = truth, received(truth.size(), '\0');
    auto pieces = cut(sent, {1, 499, 0, 400});
    msghdr message{};
    message.msg_iov = pieces.data();
    message.msg_iovlen = pieces.size();
    must(sendmsg(pair.client, &message, 0) == 900);
    auto places = cut(received, {700, 200});
    message.msg_iov = places.data();
    message.msg_iovlen = places.size();
    must(recvmsg(pair.server, &message, 0) == 900);
    must(send(pair.client, "sent", 4, 0) == 4);
    must(recv(pair.server, received.data(), 100, 0) == 4);
    must(sendto(pair.client, "to", 2, MSG_NOSIGNAL, nullptr, 0) == 2);
    must(recvfrom(pair.server, received.data(), 100, MSG_DONTWAIT, nullptr, nullptr) == 2);
  });
  EXPECT_EQ(told(pair.client_key).text(out), truth + "sentto");
  EXPECT_EQ(told(pair.server_key).text(in), truth + "sentto");
}

TEST_P(TcpTransfersOn, TellsManyMessagesOfOneCallEachAtItsPlace) {
  if (!open()) return;
  const Pair pair;
  const std::string truth = pattern(20 * 30);
  in_child([&] {
    std::string sent = truth, received(truth.size(), '\0');
    std::array<iovec, 20> pieces, places;
    std::array<mmsghdr, 20> outgoing{}, incoming{};
    for (std::size_t i = 0; i < 20; ++i) {
      pieces[i] = {sent.data() + 30 * i, 30};
      places[i] = {received.data() + 30 * i, 30};
      outgoing[i].msg_hdr.msg_iov = &pieces[i];
      incoming[i].msg_hdr.msg_iov = &places[i];
      outgoing[i].msg_hdr.msg_iovlen = incoming[i].msg_hdr.msg_iovlen = 1;
    }
    must(sendmmsg(pair.client, outgoing.data(), 20, 0) == 20);
    must(recvmmsg(pair.server, incoming.data(), 20, 0, nullptr) == 20);
    must(received == truth);
  });
  EXPECT_EQ(told(pair.client_key).text(out), truth);
  EXPECT_EQ(told(pair.server_key).text(in), truth);
}

TEST_P(TcpTransfersOn, NeverTellsContentAtTheWrongPlaceHoweverManyMessagesACallHas) {
  if (!open()) return;
  const Pair pair;
  const std::string truth = pattern(200 * 10);
  in_child([&] {
    std::string sent = truth;
    std::array<iovec, 200> pieces;
    std::array<mmsghdr, 200> outgoing{};
    for (std::size_t i = 0; i < 200; ++i) {
      pieces[i] = {sent.data() + 10 * i, 10};
      outgoing[i].msg_hdr.msg_iov = &pieces[i];
      outgoing[i].msg_hdr.msg_iovlen = 1;
    }
    must(sendmmsg(pair.client, outgoing.data(), 200, 0) == 200);
    write_all(pair.client, "after");
    must(read_exactly(pair.server, 2005) == truth + "after");
  });
  const std::string text = told(pair.client_key).text(out);
  EXPECT_GE(known_of(text, truth + "after"), sees_every_call() ? 2005 : 5);
}

TEST_P(TcpTransfersOn, CountsPartialSendsExactly) {
  if (!open()) return;
  const Pair pair;
  constexpr std::size_t offered = 100000;
  const std::string truth = pattern(64 * offered);
  Shared<std::size_t> sent;
  const int small = 8192;
  setsockopt(pair.client, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
  in_child([&] {
    for (int round = 0; round < 3; ++round) {
      const std::size_t before = *sent;
      for (;;) {
        const ssize_t n = send(pair.client, truth.data() + *sent, offered, MSG_DONTWAIT);
        if (n < 0 && errno == EAGAIN) break;
        must(n > 0);
        *sent += static_cast<std::size_t>(n);
      }
      must(read_exactly(pair.server, *sent - before) == truth.substr(before, *sent - before));
    }
  });
  EXPECT_GT(*sent, 0U);
  EXPECT_NE(*sent % offered, 0U) << "no send was partial";
  EXPECT_GE(known_of(told(pair.client_key).text(out), truth.substr(0, *sent)), 3 * 4096);
  EXPECT_GE(known_of(told(pair.server_key).text(in), truth.substr(0, *sent)), 3 * 4096);
}

TEST_P(TcpTransfersOn, TellsTheFirstBytesAndTheLengthOfALargeWrite) {
  if (!open()) return;
  const Pair pair;
  const std::string truth = pattern(1 << 20);
  const pid_t reader = start([&] { must(read_exactly(pair.server, truth.size()) == truth); });
  const pid_t writer = start([&] { must(write(pair.client, truth.data(), truth.size()) == 1 << 20); });
  end_of(writer);
  end_of(reader);
  const auto sent = told(pair.client_key).of(out);
  ASSERT_THAT(sent, Not(IsEmpty()));
  EXPECT_LE(sent.size(), std::size_t{TCP_PIECES_UNKNOWN});
  EXPECT_EQ(sent[0].bytes, truth.substr(0, 4096));
  for (const Data& one : sent) EXPECT_LE(one.head.begin, one.head.end);
  const std::string text = told(pair.client_key).text(out);
  EXPECT_EQ(text.size(), truth.size());
  EXPECT_GE(known_of(text, truth), 4096);
  EXPECT_GE(known_of(told(pair.server_key).text(in), truth), 4096);
  for (const Data& one : told(pair.server_key).of(in)) EXPECT_LE(one.bytes.size(), 4096U);
}

TEST_P(TcpTransfersOn, TellsTheLastBytesThatComeTogetherWithTheEnd) {
  if (!open()) return;
  const Pair pair;
  in_child([&] {
    write_all(pair.client, "first ");
    must(read_exactly(pair.server, 6) == "first ");
    // Held back until the end goes out with it, in one segment: one read takes both.
    must(send(pair.client, "last words", 10, MSG_MORE) == 10);
    must(shutdown(pair.client, SHUT_WR) == 0);
    pollfd wait{pair.server, POLLRDHUP, 0};
    must(poll(&wait, 1, 5000) == 1 && (wait.revents & POLLRDHUP) != 0);
    char place[100];
    must(read(pair.server, place, sizeof place) == 10);
    must(read(pair.server, place, sizeof place) == 0);
    write_all(pair.server, "answer");
    must(read_exactly(pair.client, 6) == "answer");
  });
  EXPECT_EQ(told(pair.server_key).text(in), "first last words");
  EXPECT_EQ(told(pair.client_key).text(in), "answer");
}

TEST_P(TcpTransfersOn, TellsWhatIsReadAfterAReset) {
  if (!open()) return;
  const Pair pair;
  in_child([&] {
    write_all(pair.client, "said before");
    const linger at_once{1, 0};
    must(setsockopt(pair.client, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) == 0);
    must(read_exactly(pair.server, 4) == "said");
    must(read_exactly(pair.server, 7) == " before");
  });
  EXPECT_EQ(told(pair.server_key).text(in), "said before");
}

TEST_P(TcpTransfersOn, SaysNothingOfTransfersThatFail) {
  if (!open()) return;
  const Pair pair;
  in_child([&] {
    char place[10];
    must(recv(pair.server, place, sizeof place, MSG_DONTWAIT) < 0 && errno == EAGAIN);
    must(shutdown(pair.client, SHUT_WR) == 0);
    must(send(pair.client, "x", 1, MSG_NOSIGNAL) < 0 && errno == EPIPE);
    const void* unreadable = mmap(nullptr, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    must(write(pair.server, unreadable, 10) < 0 && errno == EFAULT);
    write_all(pair.server, "fine");
    must(read_exactly(pair.client, 4) == "fine");
  });
  EXPECT_THAT(told(pair.client_key).of(out), IsEmpty());
  EXPECT_THAT(told(pair.server_key).of(in), IsEmpty());
  EXPECT_EQ(told(pair.server_key).text(out), "fine");
}

}  // namespace
}  // namespace subfloor::sensors::testing_tcp
