// SPDX-License-Identifier: Apache-2.0
// Bytes that go through TCP by rarer ways, on each rung: io_uring, sendfile, splice, peeks, what is discarded.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <linux/io_uring.h>
#include <poll.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include <atomic>

#include "sensors/tcp/testing.h"

namespace subfloor::sensors::testing_tcp {
namespace {

constexpr bool in = false, out = true;

using TcpPathsOn = TcpSensorOn;

INSTANTIATE_TEST_SUITE_P(EachRung, TcpPathsOn, ::testing::ValuesIn(rungs), name_of_rung);

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

TEST_P(TcpPathsOn, CountsWhatIoUringMovesAndTellsItWhereTheHooksSeeIt) {
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

// Of all records, so that a step in their positions, of bytes that no record tells, would be missing.
std::uint64_t bytes_of(const std::vector<Data>& records) {
  std::uint64_t sum = 0;
  for (const Data& one : records) sum += one.head.length;
  return sum;
}

TEST_P(TcpPathsOn, CountsWhatSendfileSent) {
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
  EXPECT_EQ(bytes_of(told(pair.client_key).of(out)), 20008U);
  EXPECT_GE(known_of(told(pair.server_key).text(in), "head" + truth + "tail"), 4096);
}

TEST_P(TcpPathsOn, CountsWhatWasSpliced) {
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
  EXPECT_EQ(bytes_of(told(pair.client_key).of(out)), 1005U);
  const bool sees_splices = std::string_view(GetParam()) != "tracepoint";
  EXPECT_EQ(bytes_of(told(pair.server_key).of(in)), sees_splices ? 1005U : 5U);
}

TEST_P(TcpPathsOn, TellsPeekedBytesOnce) {
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

TEST_P(TcpPathsOn, LeavesOutUrgentBytesThatAreReadBesideTheStream) {
  if (!open()) return;
  const Pair pair;
  in_child([&] {
    char place[100];
    write_all(pair.client, "before");
    must(read_exactly(pair.server, 6) == "before");
    must(send(pair.client, "!", 1, MSG_OOB) == 1);
    pollfd wait{pair.server, POLLPRI, 0};
    must(poll(&wait, 1, 5000) == 1);
    must(recv(pair.server, place, 1, MSG_OOB) == 1 && place[0] == '!');
    write_all(pair.client, "after");
    must(read_exactly(pair.server, 5) == "after");
  });
  EXPECT_EQ(told(pair.client_key).text(out), "before!after");
  EXPECT_EQ(told(pair.server_key).text(in), "before?after");
}

TEST_P(TcpPathsOn, CountsBytesThatAReaderDiscards) {
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

}  // namespace
}  // namespace subfloor::sensors::testing_tcp
