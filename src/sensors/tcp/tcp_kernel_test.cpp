// SPDX-License-Identifier: Apache-2.0
// The sensor against the running kernel, on each rung: what processes move through TCP is what it tells. Children move
// the bytes, through sockets that the test made.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <linux/io_uring.h>
#include <poll.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include <array>
#include <atomic>

#include "sensors/tcp/testing.h"

namespace subfloor::sensors::testing_tcp {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr bool in = false, out = true;

INSTANTIATE_TEST_SUITE_P(EachRung, TcpSensorOn, ::testing::ValuesIn(rungs), name_of_rung);

std::vector<iovec> cut(std::string& bytes, const std::vector<std::size_t>& sizes) {
  std::vector<iovec> pieces;
  std::size_t at = 0;
  for (const std::size_t size : sizes) {
    pieces.push_back({bytes.data() + at, size});
    at += size;
  }
  return pieces;
}

// --- Which bytes
// ----------------------------------------------------------------------------------------------------------

TEST_P(TcpSensorOn, TellsARequestAndItsResponseAtBothEnds) {
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

TEST_P(TcpSensorOn, TellsWritesOfOneByte) {
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

TEST_P(TcpSensorOn, TellsAVectorOfTwoHundredPieces) {
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

TEST_P(TcpSensorOn, TellsOnlyWhatWasReadIntoALargerVector) {
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

TEST_P(TcpSensorOn, TellsMessages) {
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

TEST_P(TcpSensorOn, TellsManyMessagesOfOneCallEachAtItsPlace) {
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

TEST_P(TcpSensorOn, NeverTellsContentAtTheWrongPlaceHoweverManyMessagesACallHas) {
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

// One ring with room for one operation at a time.
class IoUring {
 public:
  IoUring() {
    io_uring_params p{};
    fd_ = static_cast<int>(syscall(SYS_io_uring_setup, 4, &p));
    if (fd_ < 0) return;
    const auto map = [this](std::size_t size, off_t what) {
      return static_cast<char*>(mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd_, what));
    };
    char* submissions = map(p.sq_off.array + p.sq_entries * sizeof(unsigned), IORING_OFF_SQ_RING);
    char* completions = map(p.cq_off.cqes + p.cq_entries * sizeof(io_uring_cqe), IORING_OFF_CQ_RING);
    entries_ = reinterpret_cast<io_uring_sqe*>(map(p.sq_entries * sizeof(io_uring_sqe), IORING_OFF_SQES));
    tail_ = reinterpret_cast<unsigned*>(submissions + p.sq_off.tail);
    array_ = reinterpret_cast<unsigned*>(submissions + p.sq_off.array);
    done_ = reinterpret_cast<unsigned*>(completions + p.cq_off.head);
    done_mask_ = *reinterpret_cast<unsigned*>(completions + p.cq_off.ring_mask);
    results_ = reinterpret_cast<io_uring_cqe*>(completions + p.cq_off.cqes);
  }
  [[nodiscard]] bool usable() const { return fd_ >= 0; }

  // The result of one send or receive.
  int run(std::uint8_t operation, int fd, const void* bytes, std::size_t size) {
    entries_[0] = {};
    entries_[0].opcode = operation;
    entries_[0].fd = fd;
    entries_[0].addr = reinterpret_cast<std::uint64_t>(bytes);
    entries_[0].len = static_cast<std::uint32_t>(size);
    array_[*tail_ & 3] = 0;
    std::atomic_ref(*tail_).fetch_add(1);
    must(syscall(SYS_io_uring_enter, fd_, 1, 1, IORING_ENTER_GETEVENTS, nullptr, 0) == 1);
    const int result = results_[*done_ & done_mask_].res;
    std::atomic_ref(*done_).fetch_add(1);
    return result;
  }

 private:
  int fd_ = -1;
  io_uring_sqe* entries_ = nullptr;
  io_uring_cqe* results_ = nullptr;
  unsigned *tail_ = nullptr, *array_ = nullptr, *done_ = nullptr, done_mask_ = 0;
};

TEST_P(TcpSensorOn, CountsWhatIoUringMovesAndTellsItWhereTheHooksSeeIt) {
  if (!IoUring().usable()) GTEST_SKIP() << "this kernel lacks io_uring: " << std::strerror(errno);
  if (!open()) return;
  const Pair pair;
  in_child([&] {
    IoUring uring;
    char place[100];
    must(uring.run(IORING_OP_SEND, pair.client, "through a ring", 14) == 14);
    must(uring.run(IORING_OP_RECV, pair.server, place, sizeof place) == 14);
    write_all(pair.client, "after");
    must(read_exactly(pair.server, 5) == "after");
  });
  const std::string expected = (sees_every_call() ? "through a ring" : std::string(14, '?')) + "after";
  EXPECT_EQ(told(pair.client_key).text(out), expected);
  EXPECT_EQ(told(pair.server_key).text(in), expected);
}

TEST_P(TcpSensorOn, CountsWhatSendfileSent) {
  if (!open()) return;
  const Pair pair;
  const std::string truth = pattern(20000);
  in_child([&] {
    const int file = memfd_create("content", 0);
    write_all(file, truth);
    write_all(pair.client, "head");
    off_t at = 0;
    while (at < 20000) must(sendfile(pair.client, file, &at, static_cast<std::size_t>(20000 - at)) > 0);
    write_all(pair.client, "tail");
    must(read_exactly(pair.server, 20008) == "head" + truth + "tail");
  });
  EXPECT_EQ(told(pair.client_key).text(out), "head" + std::string(20000, '?') + "tail");
  EXPECT_GE(known_of(told(pair.server_key).text(in), "head" + truth + "tail"), 4096);
}

TEST_P(TcpSensorOn, CountsWhatWasSpliced) {
  if (!open()) return;
  const Pair pair;
  in_child([&] {
    int ends[2];
    must(pipe(ends) == 0);
    write_all(ends[1], pattern(1000));
    must(splice(ends[0], nullptr, pair.client, nullptr, 1000, 0) == 1000);
    must(splice(pair.server, nullptr, ends[1], nullptr, 1000, 0) == 1000);
    must(read_exactly(ends[0], 1000) == pattern(1000));
    write_all(pair.client, "after");
    must(read_exactly(pair.server, 5) == "after");
  });
  EXPECT_EQ(told(pair.client_key).text(out), std::string(1000, '?') + "after");
  EXPECT_EQ(told(pair.server_key).text(in), std::string(1000, '?') + "after");
}

TEST_P(TcpSensorOn, TellsPeekedBytesOnce) {
  if (!open()) return;
  const Pair pair;
  const std::string truth = pattern(600);
  in_child([&] {
    std::string place(1000, '\0');
    write_all(pair.client, truth.substr(0, 300));
    must(recv(pair.server, place.data(), 100, MSG_PEEK) == 100);
    write_all(pair.client, truth.substr(300));
    must(recv(pair.server, place.data(), 1000, MSG_PEEK) == 600);
    iovec piece{place.data(), 50};
    msghdr message{};
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    must(recvmsg(pair.server, &message, MSG_PEEK) == 50);
    must(read_exactly(pair.server, 600, 150) == truth);
  });
  const Told& told = this->told(pair.server_key);
  EXPECT_EQ(told.text(in), truth);
  // As streams put them in order: a record that repeats bytes begins before the place reached.
  std::uint32_t reached = told.base(in);
  std::uint64_t fresh = 0;
  for (const Data& one : told.of(in)) {
    const std::uint32_t end = one.head.position + static_cast<std::uint32_t>(one.head.length);
    if (static_cast<std::int32_t>(end - reached) > 0) fresh += end - std::exchange(reached, end);
  }
  EXPECT_EQ(fresh, 600U);
}

TEST_P(TcpSensorOn, CountsBytesThatAReaderDiscards) {
  if (!open()) return;
  const Pair pair;
  in_child([&] {
    write_all(pair.client, pattern(500));
    must(recv(pair.server, nullptr, 500, MSG_TRUNC) == 500);
    write_all(pair.client, "kept");
    must(read_exactly(pair.server, 4) == "kept");
  });
  EXPECT_EQ(told(pair.server_key).text(in), std::string(500, '?') + "kept");
}

TEST_P(TcpSensorOn, CountsPartialSendsExactly) {
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

TEST_P(TcpSensorOn, TellsTheFirstBytesAndTheLengthOfALargeWrite) {
  if (!open()) return;
  const Pair pair;
  const std::string truth = pattern(1 << 20);
  const pid_t reader = start([&] { must(read_exactly(pair.server, truth.size()) == truth); });
  const pid_t writer = start([&] { must(write(pair.client, truth.data(), truth.size()) == 1 << 20); });
  end_of(writer);
  end_of(reader);
  const auto sent = told(pair.client_key).of(out);
  ASSERT_THAT(sent, SizeIs(1));
  EXPECT_EQ(sent[0].head.length, truth.size());
  EXPECT_EQ(sent[0].bytes, truth.substr(0, 4096));
  EXPECT_LE(sent[0].head.begin, sent[0].head.end);
  EXPECT_GE(known_of(told(pair.server_key).text(in), truth), 4096);
  for (const Data& one : told(pair.server_key).of(in)) EXPECT_LE(one.bytes.size(), 4096U);
}

TEST_P(TcpSensorOn, TellsTheLastBytesThatComeTogetherWithTheEnd) {
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

TEST_P(TcpSensorOn, TellsWhatIsReadAfterAReset) {
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

TEST_P(TcpSensorOn, SaysNothingOfTransfersThatFail) {
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

// --- Whose, and between whom
// -----------------------------------------------------------------------------------------------

TEST_P(TcpSensorOn, NamesTheProcessThatMovesTheBytesOfASharedSocket) {
  if (!open()) return;
  const Pair pair;
  const auto first = in_child([&] { write_all(pair.client, "first"); });
  const auto second = in_child([&] { write_all(pair.client, "second"); });
  const auto reader = in_child([&] { must(read_exactly(pair.server, 11) == "firstsecond"); });
  const auto sent = told(pair.client_key).of(out);
  ASSERT_THAT(sent, SizeIs(2));
  EXPECT_EQ(sent[0].head.pid, first);
  EXPECT_EQ(sent[1].head.pid, second);
  EXPECT_THAT(told(pair.server_key).pids(in), ElementsAre(reader));
}

TEST_P(TcpSensorOn, LeavesOutTheProcessThatOpenedIt) {
  if (!open()) return;
  const Pair pair;
  write_all(pair.client, "own");
  read_exactly(pair.server, 3);
  EXPECT_THAT(told(pair.client_key).data, IsEmpty());
  EXPECT_THAT(told(pair.server_key).data, IsEmpty());
}

TEST_P(TcpSensorOn, TellsAddressesAndSidesOfNewConnections) {
  if (!open()) return;
  const std::pair<Over, std::string> kinds[] = {
      {Over::ipv4, "127.0.0.1:"}, {Over::ipv6, "[::1]:"}, {Over::v4_mapped, "127.0.0.1:"}};
  struct stat net{};
  ASSERT_EQ(stat("/proc/self/ns/net", &net), 0);
  for (const auto& [over, ip] : kinds) {
    const Pair pair(over);
    in_child([&] {
      write_all(pair.client, "hello");
      must(read_exactly(pair.server, 5) == "hello");
    });
    const Told& client = told(pair.client_key);
    const Told& server = told(pair.server_key);
    ASSERT_THAT(client.opened, SizeIs(1));
    ASSERT_THAT(server.opened, SizeIs(1));
    const std::string client_address = ip + std::to_string(pair.client_port);
    const std::string server_address = ip + std::to_string(pair.server_port);
    EXPECT_EQ(client.opened[0].connection.local.text(), client_address);
    EXPECT_EQ(client.opened[0].connection.remote.text(), server_address);
    EXPECT_EQ(server.opened[0].connection.local.text(), server_address);
    EXPECT_EQ(server.opened[0].connection.remote.text(), client_address);
    for (const Told* told : {&client, &server}) {
      EXPECT_EQ(told->opened[0].connection.transport, Transport::tcp);
      EXPECT_EQ(told->opened[0].connection.net_namespace, net.st_ino);
      EXPECT_FALSE(told->opened[0].connection.joined_late);
      EXPECT_GT(told->opened[0].connection.opened, 0U);
      EXPECT_TRUE(told->opened[0].side_known);
    }
    EXPECT_FALSE(client.opened[0].listening_side);
    EXPECT_TRUE(server.opened[0].listening_side);
    EXPECT_EQ(client.text(out), "hello");
    EXPECT_EQ(server.text(in), "hello");
  }
}

TEST_P(TcpSensorOn, TellsOfTheCloseHowFarBothDirectionsCame) {
  if (!open()) return;
  Pair pair;
  in_child([&] {
    write_all(pair.client, pattern(100));
    read_exactly(pair.server, 100);
    write_all(pair.server, pattern(30));
    read_exactly(pair.client, 30);
    must(shutdown(pair.client, SHUT_WR) == 0);
    char byte;
    must(read(pair.server, &byte, 1) == 0);  // the server reads the end, the client never does
  });
  pair.close();
  ASSERT_TRUE(
      watch_->until([&] { return !told(pair.client_key).closed.empty() && !told(pair.server_key).closed.empty(); }));
  const Told& client = told(pair.client_key);
  const Told& server = told(pair.server_key);
  ASSERT_THAT(client.closed, SizeIs(1));
  ASSERT_THAT(server.closed, SizeIs(1));
  ASSERT_TRUE(client.closed[0].has_positions && server.closed[0].has_positions);
  // The end of a stream takes a number of its own: where it was sent, or read.
  EXPECT_EQ(client.closed[0].outbound_position - client.base(out), 101U);
  EXPECT_EQ(client.closed[0].inbound_position - client.base(in), 30U);
  EXPECT_EQ(server.closed[0].inbound_position - server.base(in), 101U);
  EXPECT_EQ(server.closed[0].outbound_position - server.base(out), 31U);
  EXPECT_GT(client.closed[0].srtt_us, 0U);
  EXPECT_LT(client.closed[0].srtt_us, 10'000'000U);
  EXPECT_GE(client.closed[0].when, client.opened.at(0).connection.opened);
}

TEST_P(TcpSensorOn, TakesStockOfSocketsOlderThanItself) {
  struct Keys {
    SocketKey client, server, unix_client;
  };
  Shared<Keys> keys;
  int ready[2], go[2];
  ASSERT_EQ(pipe(ready), 0);
  ASSERT_EQ(pipe(go), 0);
  const pid_t child = start([&] {
    const Pair pair, local(Over::unix_pair);
    *keys = {pair.client_key, pair.server_key, local.client_key};
    write_all(pair.client, "unseen");
    read_exactly(pair.server, 6);
    write_all(ready[1], "r");
    read_exactly(go[0], 1);
    write_all(pair.client, "seen");
    must(read_exactly(pair.server, 4) == "seen");
  });
  read_exactly(ready[0], 1);
  const bool opened = open();
  if (opened) {
    const auto stock = watch_->sensor().take_stock();
    EXPECT_TRUE(stock) << stock.error().message;
    for (const SocketKey key : {keys->client, keys->server, keys->unix_client}) {
      const Told& told = watch_->heard().sockets[key];
      EXPECT_THAT(told.opened, SizeIs(1));
      if (told.opened.empty()) continue;
      EXPECT_TRUE(told.opened[0].connection.joined_late);
      EXPECT_EQ(told.opened[0].connection.opened, 0U);
      EXPECT_EQ(told.opened[0].pid, static_cast<std::uint32_t>(child));
      EXPECT_FALSE(told.opened[0].side_known);
    }
  }
  write_all(go[1], "g");
  end_of(child);
  for (const int fd : {ready[0], ready[1], go[0], go[1]}) ::close(fd);
  if (!opened) return;
  EXPECT_EQ(told(keys->client).opened.at(0).connection.local.ip_text(), "127.0.0.1");
  EXPECT_EQ(told(keys->unix_client).opened.at(0).connection.transport, Transport::unix_stream);
  EXPECT_EQ(told(keys->client).text(out), "seen");
  EXPECT_EQ(told(keys->server).text(in), "seen");
}

TEST_P(TcpSensorOn, HearsOnlyThePortsItWasGiven) {
  // A port that is free now and taken by the wanted pair next cannot be had: so the sensor is given that of a pair made
  // before.
  Pair wanted, unwanted;
  Settings settings;
  settings.ports = {wanted.server_port};
  if (!open(settings)) return;
  const auto stock = watch_->sensor().take_stock();
  ASSERT_TRUE(stock) << stock.error().message;
  in_child([&] {
    for (const Pair* pair : {&wanted, &unwanted}) {
      write_all(pair->client, "hello");
      must(read_exactly(pair->server, 5) == "hello");
    }
  });
  EXPECT_EQ(told(wanted.client_key).text(out), "hello");
  EXPECT_EQ(told(wanted.server_key).text(in), "hello");
  for (const SocketKey key : {unwanted.client_key, unwanted.server_key}) {
    EXPECT_THAT(told(key).data, IsEmpty());
    EXPECT_THAT(told(key).opened, IsEmpty());
  }
  wanted.close();
  EXPECT_TRUE(watch_->until(
      [&] { return !told(wanted.client_key).closed.empty() && !told(wanted.server_key).closed.empty(); }));
}

// --- Losses, and what is left behind
// ----------------------------------------------------------------------------------------

TEST_P(TcpSensorOn, CountsEachRecordThatFindsTheRingFull) {
  const Pair pair;
  Settings settings;
  settings.ports = {pair.server_port};  // nobody else's traffic is counted
  settings.unix_sockets = false;
  if (!open(settings, 4096)) return;
  ASSERT_TRUE(watch_->sensor().take_stock());
  const std::string truth = pattern(500);
  in_child([&] {
    for (int i = 0; i < 100; ++i) {
      write_all(pair.client, truth);
      must(read_exactly(pair.server, 500) == truth);
    }
  });
  const family_counters sent = watch_->counters("tcp_send"), received = watch_->counters("tcp_receive");
  for (const family_counters& counters : {sent, received}) {
    EXPECT_EQ(counters.seen, 100U);
    EXPECT_EQ(counters.seen, counters.submitted + counters.filtered + counters.ring_full);
    EXPECT_EQ(counters.bytes, counters.submitted * 500);
  }
  EXPECT_GT(sent.ring_full + received.ring_full, 0U);
  told(pair.client_key);
  EXPECT_EQ(watch_->heard().records, sent.submitted + received.submitted);

  // And all is well again once there is room.
  in_child([&] {
    write_all(pair.client, "again");
    must(read_exactly(pair.server, 5) == "again");
  });
  ASSERT_THAT(told(pair.server_key).of(in), ::testing::Not(IsEmpty()));
  EXPECT_EQ(told(pair.server_key).of(in).back().bytes, "again");
  EXPECT_EQ(told(pair.server_key).of(in).back().head.position - told(pair.server_key).base(in), 50000U);
}

TEST_P(TcpSensorOn, TellsBirthDataAndCloseInThisOrderHoweverBusyTheMachineIs) {
  if (!open()) return;
  struct Order final : Events {
    void on_socket_opened(const SocketOpened& opened) override { born.insert(opened.connection.key); }
    void on_stream_data(const StreamData& data) override {
      if (data.pid < first_pid || data.pid > last_pid || !data.has_position) return;
      if (!born.contains(data.key)) ++before_birth;
      if (dead.contains(data.key)) ++after_death;
      ++records;
    }
    void on_socket_closed(const SocketClosed& closed) override { dead.insert(closed.key); }
    std::set<SocketKey> born, dead;
    std::uint32_t first_pid = 0, last_pid = 0;
    int before_birth = 0, after_death = 0, records = 0;
  };
  // Twice as many talkers as there are CPUs: each is now and then put aside in the midst of writing a record.
  std::vector<pid_t> children;
  for (long i = 0; i < 2 * sysconf(_SC_NPROCESSORS_ONLN); ++i) {
    children.push_back(start([] {
      for (int round = 0; round < 300; ++round) {
        const Pair pair;
        write_all(pair.client, pattern(3000));
        read_exactly(pair.server, 3000);
      }
    }));
  }
  Order order;
  order.first_pid = static_cast<std::uint32_t>(*std::min_element(children.begin(), children.end()));
  order.last_pid = static_cast<std::uint32_t>(*std::max_element(children.begin(), children.end()));
  watch_->relay_to(&order);
  for (const pid_t child : children) {
    while (waitpid(child, nullptr, WNOHANG) == 0) watch_->drain();
  }
  told(0);
  EXPECT_GE(order.records, 2 * 300 * static_cast<int>(children.size()));
  EXPECT_EQ(order.before_birth, 0);
  EXPECT_EQ(order.after_death, 0);
}

// How many loaded programs use a map.
int users_of(int map) {
  bpf_map_info map_info{};
  std::uint32_t size = sizeof map_info;
  if (bpf_map_get_info_by_fd(map, &map_info, &size) != 0) return -1;
  int users = 0;
  for (std::uint32_t id = 0; bpf_prog_get_next_id(id, &id) == 0;) {
    const int program = bpf_prog_get_fd_by_id(id);
    if (program < 0) continue;
    std::array<std::uint32_t, 64> maps{};
    bpf_prog_info info{};
    info.nr_map_ids = maps.size();
    info.map_ids = reinterpret_cast<std::uint64_t>(maps.data());
    size = sizeof info;
    if (bpf_prog_get_info_by_fd(program, &info, &size) == 0)
      users += static_cast<int>(
          std::count(maps.begin(), maps.begin() + std::min<std::size_t>(info.nr_map_ids, maps.size()), map_info.id));
    ::close(program);
  }
  return users;
}

TEST_P(TcpSensorOn, LeavesNoProgramBehind) {
  if (!open()) return;
  EXPECT_GT(users_of(watch_->rings().data()), 0);
  watch_->close();
  EXPECT_TRUE(watch_->until([&] { return users_of(watch_->rings().data()) == 0; }));
}

TEST(TcpSensor, RefusesARungThatItDoesNotHave) {
  auto rings = bpf::Rings::make(4096, 4096);
  ASSERT_TRUE(rings) << rings.error().message;
  Heard heard;
  Settings settings;
  settings.rung = "telepathy";
  bpf::LadderReport report;
  const auto sensor = tcp_descriptor.open(Context{*rings, heard, settings, 0}, report);
  ASSERT_FALSE(sensor);
  EXPECT_THAT(sensor.error().message, ::testing::HasSubstr("fentry, kprobe, tracepoint, syscall"));
}

}  // namespace
}  // namespace subfloor::sensors::testing_tcp
