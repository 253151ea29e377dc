// SPDX-License-Identifier: Apache-2.0
// Requests to io_uring, which no system call shows: told as the call that does the same, and as not verified.
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <linux/openat2.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "base/fd.h"
#include "sensors/syscalls/table.h"
#include "sensors/syscalls/testing.h"

namespace subfloor::sensors {
namespace {

using namespace testing_syscalls;
using testing::SizeIs;

// One request at a time, without liburing.
class Ring {
 public:
  static constexpr int no_io_uring = -ENOSYS;

  // What the request came to.
  static int run(io_uring_sqe request) {
    io_uring_params params{};
    const Fd ring(static_cast<int>(syscall(SYS_io_uring_setup, 4, &params)));
    if (!ring) return no_io_uring;
    char* head = map(ring, IORING_OFF_SQ_RING, params.sq_off.array + params.sq_entries * sizeof(unsigned));
    char* done = map(ring, IORING_OFF_CQ_RING, params.cq_off.cqes + params.cq_entries * sizeof(io_uring_cqe));
    char* requests = map(ring, IORING_OFF_SQES, params.sq_entries * sizeof request);
    if (head == nullptr || done == nullptr || requests == nullptr) return -ENOMEM;
    std::memcpy(requests, &request, sizeof request);
    *reinterpret_cast<unsigned*>(head + params.sq_off.array) = 0;
    std::atomic_ref(*reinterpret_cast<unsigned*>(head + params.sq_off.tail)).store(1);
    if (syscall(SYS_io_uring_enter, ring.get(), 1, 1, IORING_ENTER_GETEVENTS, nullptr, 0) != 1) return -errno;
    return reinterpret_cast<io_uring_cqe*>(done + params.cq_off.cqes)->res;
  }

 private:
  static char* map(const Fd& ring, std::uint64_t offset, std::size_t size) {
    void* at =
        mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring.get(), static_cast<off_t>(offset));
    return at == MAP_FAILED ? nullptr : static_cast<char*>(at);
  }
};

template <class T>
std::uint64_t pointer(const T* to) {
  return reinterpret_cast<std::uint64_t>(to);
}

io_uring_sqe request(std::uint8_t op, int fd, std::uint64_t address = 0, std::uint32_t length = 0,
                     std::uint64_t offset = 0) {
  io_uring_sqe sqe{};
  sqe.opcode = op;
  sqe.fd = fd;
  sqe.addr = address;
  sqe.len = length;
  sqe.off = offset;
  return sqe;
}

class Requests : public SyscallsSensorOn {
 protected:
  void SetUp() override {
    if (Ring::run(request(IORING_OP_NOP, -1)) != 0) GTEST_SKIP() << "missing: io_uring";
  }

  // The one call that a child's request was told as.
  template <class F>
  HeardCall one(std::vector<WantedSyscall> wanted, int expected, F make) {
    open(std::move(wanted));
    std::vector<HeardCall> calls;
    if (sensor_) calls = calls_in_child([&] { return Ring::run(make()) != expected; });
    EXPECT_THAT(calls, SizeIs(1));
    calls.resize(1);
    EXPECT_TRUE(calls[0].call.io_uring);
    EXPECT_TRUE(calls[0].call.path_unverified);
    EXPECT_FALSE(calls[0].call.result_known);
    return calls[0];
  }

  const Place place_;
  const std::string file_ = [this] {
    std::ofstream(place_ / "file") << "x";
    return place_ / "file";
  }();
};

INSTANTIATE_TEST_SUITE_P(EachRung, Requests, testing::Values("tp_btf", "raw_tp"),
                         [](const auto& rung) { return std::string(rung.param); });

TEST_P(Requests, TellOpenat) {
  ASSERT_NO_FATAL_FAILURE(open({SYS_openat}));
  const auto calls = calls_in_child([&] {
    if (chdir(place_.path().c_str()) != 0) return 1;
    io_uring_sqe sqe = request(IORING_OP_OPENAT, AT_FDCWD, pointer("file"));
    sqe.open_flags = O_RDONLY | O_CLOEXEC;
    return static_cast<int>(Ring::run(sqe) < 0);
  });
  ASSERT_THAT(calls, SizeIs(1));
  EXPECT_EQ(calls[0].call.number, SYS_openat);
  EXPECT_TRUE(calls[0].call.io_uring);
  EXPECT_TRUE(calls[0].call.path_unverified);
  EXPECT_FALSE(calls[0].call.result_known);
  EXPECT_FALSE(calls[0].call.file);
  EXPECT_EQ(calls[0].text[0], "file");
  EXPECT_EQ(calls[0].directory[0], place_.path());
  EXPECT_EQ(static_cast<int>(calls[0].call.args[0]), AT_FDCWD);
  EXPECT_EQ(calls[0].call.args[1], 0U);  // not where the kernel keeps it
  EXPECT_EQ(calls[0].call.args[2] & (O_ACCMODE | O_CLOEXEC), static_cast<unsigned>(O_RDONLY | O_CLOEXEC));
}

TEST_P(Requests, TellOpenat2) {
  const open_how how{.flags = O_PATH, .mode = 0, .resolve = 0};
  ASSERT_NO_FATAL_FAILURE(open({SYS_openat2}));
  const auto calls = calls_in_child([&] {
    return Ring::run(request(IORING_OP_OPENAT2, AT_FDCWD, pointer(file_.c_str()), sizeof how, pointer(&how))) < 0;
  });
  ASSERT_THAT(calls, SizeIs(1));
  EXPECT_EQ(calls[0].call.number, SYS_openat2);
  EXPECT_EQ(calls[0].text[0], file_);
  ASSERT_EQ(calls[0].content.size(), sizeof how);
  open_how told{};
  calls[0].content.copy(reinterpret_cast<char*>(&told), sizeof told);
  EXPECT_EQ(told.flags & O_PATH, static_cast<unsigned>(O_PATH));
}

TEST_P(Requests, TellChangesOfNames) {
  const std::string alias = place_ / "alias", directory = place_ / "dir", moved = place_ / "moved";
  HeardCall heard = one({SYS_linkat}, 0, [&] {
    return request(IORING_OP_LINKAT, AT_FDCWD, pointer(file_.c_str()), static_cast<unsigned>(AT_FDCWD),
                   pointer(alias.c_str()));
  });
  EXPECT_EQ(heard.call.number, SYS_linkat);
  EXPECT_EQ(heard.text[0], file_);
  EXPECT_EQ(heard.text[1], alias);
  heard = one({SYS_renameat2}, 0, [&] {
    return request(IORING_OP_RENAMEAT, AT_FDCWD, pointer(alias.c_str()), static_cast<unsigned>(AT_FDCWD),
                   pointer(moved.c_str()));
  });
  EXPECT_EQ(heard.call.number, SYS_renameat2);
  EXPECT_EQ(heard.text[0], alias);
  EXPECT_EQ(heard.text[1], moved);
  heard = one({SYS_unlinkat}, 0, [&] { return request(IORING_OP_UNLINKAT, AT_FDCWD, pointer(moved.c_str())); });
  EXPECT_EQ(heard.call.number, SYS_unlinkat);
  EXPECT_EQ(heard.text[0], moved);
  heard = one({SYS_mkdirat}, 0, [&] { return request(IORING_OP_MKDIRAT, AT_FDCWD, pointer(directory.c_str()), 0700); });
  EXPECT_EQ(heard.text[0], directory);
  EXPECT_EQ(heard.call.args[2], 0700U);
  heard = one({SYS_symlinkat}, 0, [&] {
    return request(IORING_OP_SYMLINKAT, AT_FDCWD, pointer("/etc/shadow"), 0, pointer(alias.c_str()));
  });
  EXPECT_EQ(heard.text[0], "/etc/shadow");
  EXPECT_EQ(heard.text[1], alias);
}

TEST_P(Requests, TellConnect) {
  const Fd server(socket(AF_INET, SOCK_STREAM, 0)), client(socket(AF_INET, SOCK_STREAM, 0));
  sockaddr_in address{AF_INET, 0, {htonl(INADDR_LOOPBACK)}, {}};
  socklen_t length = sizeof address;
  auto* at = reinterpret_cast<sockaddr*>(&address);
  ASSERT_EQ(bind(server.get(), at, length), 0);
  ASSERT_EQ(listen(server.get(), 4), 0);
  ASSERT_EQ(getsockname(server.get(), at, &length), 0);
  const HeardCall heard = one(
      {SYS_connect}, 0, [&] { return request(IORING_OP_CONNECT, client.get(), pointer(&address), 0, sizeof address); });
  EXPECT_EQ(heard.call.number, SYS_connect);
  ASSERT_TRUE(heard.call.address);
  EXPECT_EQ(heard.call.address->inet.ip_text(), "127.0.0.1");
  EXPECT_EQ(heard.call.address->inet.port, ntohs(address.sin_port));
  ASSERT_TRUE(heard.call.socket);
  EXPECT_EQ(heard.call.socket->type, SOCK_STREAM);
}

TEST_P(Requests, TellBindWithoutTheAddress) {
  const Fd first(socket(AF_INET, SOCK_STREAM, 0)), second(socket(AF_INET, SOCK_STREAM, 0));
  const sockaddr_in address{AF_INET, 0, {htonl(INADDR_LOOPBACK)}, {}};
  const auto binds = [&](const Fd& fd) {
    return request(SYSCALLS_OP_BIND, fd.get(), pointer(&address), 0, sizeof address);
  };
  if (Ring::run(binds(first)) == -EINVAL) GTEST_SKIP() << "missing: bind by io_uring";
  const HeardCall heard = one({SYS_bind}, 0, [&] { return binds(second); });
  EXPECT_EQ(heard.call.number, SYS_bind);
  EXPECT_FALSE(heard.call.address);
  ASSERT_TRUE(heard.call.socket);
  EXPECT_EQ(heard.call.socket->protocol, IPPROTO_TCP);
}

TEST_P(Requests, TellSockets) {
  const io_uring_sqe sqe = request(IORING_OP_SOCKET, AF_INET, 0, 0, SOCK_DGRAM);
  if (Ring::run(sqe) == -EINVAL) GTEST_SKIP() << "missing: socket by io_uring";
  ASSERT_NO_FATAL_FAILURE(open({SYS_socket}));
  const auto calls = calls_in_child([&] { return Ring::run(sqe) < 0; });
  ASSERT_THAT(calls, SizeIs(1));
  EXPECT_EQ(calls[0].call.args[0], static_cast<unsigned>(AF_INET));
  EXPECT_EQ(calls[0].call.args[1], static_cast<unsigned>(SOCK_DGRAM));
}

// Renames that no system call shows change the paths of names that need not come up all the same.
TEST_P(Requests, MakeIgnoredNamesHeardOfAgain) {
  std::filesystem::create_directory(place_ / "dir");
  std::filesystem::rename(file_, place_ / "dir/file");
  const std::string from = place_ / "dir", to = place_ / "etc";
  ASSERT_NO_FATAL_FAILURE(open({SYS_openat}));
  const auto open_in = [](const std::string& directory) {
    return [directory] { return ::open((directory + "/file").c_str(), O_RDONLY) < 0; };
  };
  const auto before = calls_in_child(open_in(from));
  ASSERT_THAT(before, SizeIs(1));
  sensor_->syscall_filter()->ignore(before[0].call.file->name, access_read);
  ASSERT_THAT(calls_in_child(open_in(from)), testing::IsEmpty());
  in_child([&] {
    return Ring::run(request(IORING_OP_RENAMEAT, AT_FDCWD, pointer(from.c_str()), static_cast<unsigned>(AT_FDCWD),
                             pointer(to.c_str())));
  });
  const auto after = calls_in_child(open_in(to));
  ASSERT_THAT(after, SizeIs(1));
  EXPECT_EQ(after[0].path, to + "/file");
}

}  // namespace
}  // namespace subfloor::sensors
