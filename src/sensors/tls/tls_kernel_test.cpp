// SPDX-License-Identifier: Apache-2.0
// Every way of attaching tells the same of what a process wrote to and read from its TLS library: here, functions of
// this program that are called like a library's.
#include <elf.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/fd.h"
#include "elf/elf_file.h"
#include "elf/instructions.h"
#include "sensors/sensor.h"
#include "sensors/tls/functions.h"
#include "sensors/tls/testing.h"

namespace {

// As a cipher would: what nobody has read may not be in memory yet.
void read_through(const void* buffer, size_t n) {
  for (size_t i = 0; i < n; ++i) (void)static_cast<const volatile char*>(buffer)[i];
}

}  // namespace

// As OpenSSL's, without any TLS. The number is what they return; what is read is "answer" over and over.
extern "C" {
[[gnu::noipa, gnu::used]] int SSL_write(void* /*ssl*/, const void* buffer, int n) {
  if (n > 0) read_through(buffer, static_cast<size_t>(n));
  return n;
}
[[gnu::noipa, gnu::used]] int read_body(void* ssl, void* buffer, size_t n, size_t* moved) {
  for (size_t i = 0; i < n; ++i) static_cast<char*>(buffer)[i] = "answer"[i % 6];
  *moved = ssl != nullptr ? n : 0;
  asm volatile("" : : "r"(buffer) : "memory");
  return ssl != nullptr ? 1 : 0;
}
// Both ways to read do so in a function of their own, as OpenSSL has it; both ways to write by themselves.
#ifdef __x86_64__
[[gnu::naked, gnu::noipa]] int read_internal(void*, void*, size_t, size_t*) {
  asm("push %rbx; call read_body; pop %rbx; ret");
}
#else
#define read_internal read_body
#endif
[[gnu::noipa, gnu::used]] int SSL_read(void* ssl, void* buffer, int n) {
  if (n < 0) return -1;
  size_t moved = 0;
  const int result = read_internal(ssl, buffer, static_cast<size_t>(n), &moved);
  return result > 0 ? static_cast<int>(moved) : result;
}
[[gnu::noipa, gnu::used]] int SSL_write_ex(void* /*ssl*/, const void* buffer, size_t n, size_t* moved) {
  *moved = n;
  read_through(buffer, n);
  return 1;
}
[[gnu::noipa, gnu::used]] int SSL_read_ex(void* ssl, void* buffer, size_t n, size_t* moved) {
  const int result = read_internal(ssl, buffer, n, moved);
  return result < 0 ? 0 : result;
}
[[gnu::noipa, gnu::used]] void SSL_free(void* ssl) { asm volatile("" : : "r"(ssl) : "memory"); }
}

namespace subfloor::sensors {
namespace {

struct Got {
  TlsData data;
  std::string bytes;
};

class Heard final : public Events {
 public:
  void on_tls_data(const TlsData& data) override {
    if (data.pid == child) got.push_back({data, std::string(data.bytes)});
  }
  void on_tls_over(std::uint64_t session, Nanoseconds) override { over.push_back(session); }

  std::uint32_t child = 0;
  std::vector<Got> got;
  std::vector<std::uint64_t> over;
};

class TlsSensor : public TlsSensorTest {
 protected:
  Events& events() override { return heard_; }

  // A child does it, once this program is attached to; what was told of that is in heard_.
  void run(const std::function<void()>& what) {
    int go[2];
    ASSERT_EQ(::pipe(go), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      char byte = 0;
      ::close(go[1]);
      (void)!::read(go[0], &byte, 1);
      what();
      ::_exit(0);
    }
    ::close(go[0]);
    heard_.child = static_cast<std::uint32_t>(child);
    sensor_->watcher()->on_tls(heard_.child);
    // What takes longer than it may at a time goes on later.
    for (int i = 0; i < 100; ++i) sensor_->watcher()->work(monotonic_now());
    ::close(go[1]);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_EQ(status, 0);
    reader_->drain();
    sensor_->watcher()->on_exit(heard_.child);
  }

  Heard heard_;
};

TEST_P(TlsSensor, TellsWhatEachCallMoved) {
  run([] {
    int ssl = 0;
    std::array<char, 16> buffer{};
    std::size_t moved = 0;
    SSL_write(&ssl, "question", 8);
    SSL_read(&ssl, buffer.data(), 6);
    SSL_write_ex(&ssl, "more", 4, &moved);
    SSL_read_ex(&ssl, buffer.data(), 12, &moved);
  });
  ASSERT_EQ(heard_.got.size(), 4U);
  const std::array<std::string, 4> bytes{"question", "answer", "more", "answeranswer"};
  const std::array<std::uint32_t, 4> positions{0, 0, 8, 6}, others{0, 8, 6, 12};
  for (std::size_t i = 0; i < 4; ++i) {
    const Got& got = heard_.got[i];
    EXPECT_EQ(got.bytes, bytes[i]);
    EXPECT_EQ(got.data.length, bytes[i].size());
    EXPECT_EQ(got.data.outbound, i % 2 == 0);
    EXPECT_EQ(got.data.position, positions[i]);
    EXPECT_EQ(got.data.other_position, others[i]);
    EXPECT_EQ(got.data.session, heard_.got[0].data.session);
    EXPECT_EQ(got.data.tid, heard_.child);
    EXPECT_LT(got.data.entered, got.data.end);
    EXPECT_GT(got.data.since, 0U);
    EXPECT_LT(got.data.since, got.data.entered);
  }
}

TEST_P(TlsSensor, TellsNothingOfCallsThatFailed) {
  run([] {
    int ssl = 0;
    std::array<char, 16> buffer{};
    std::size_t moved = 0;
    SSL_write(&ssl, "x", -1);
    SSL_read(&ssl, buffer.data(), 0);
    SSL_read_ex(nullptr, buffer.data(), 5, &moved);
  });
  EXPECT_TRUE(heard_.got.empty());
}

TEST_P(TlsSensor, TellsOfALargeCallInPieces) {
  const std::string large(20000, 'x');
  run([&large] {
    int ssl = 0;
    SSL_write(&ssl, large.data(), static_cast<int>(large.size()));
    SSL_write(&ssl, "end", 3);
  });
  std::string all;
  std::uint64_t length = 0;
  for (const Got& got : heard_.got) {
    EXPECT_EQ(got.data.position, length);
    all += got.bytes;
    length += got.data.length;
  }
  EXPECT_EQ(length, 20003U);
  const bool has_loop = heard_.got.size() > 2;  // before 5.17 a call is one record
  EXPECT_EQ(all, has_loop ? large + "end" : large.substr(0, 4096) + "end");
}

TEST_P(TlsSensor, ASessionIsOverWithItsObject) {
  run([] {
    int ssl = 0;
    SSL_write(&ssl, "a", 1);
    SSL_free(&ssl);
    SSL_write(&ssl, "b", 1);
  });
  ASSERT_EQ(heard_.got.size(), 2U);
  EXPECT_NE(heard_.got[0].data.session, heard_.got[1].data.session);
  EXPECT_EQ(heard_.got[1].data.position, 0U);
  EXPECT_THAT(heard_.over, testing::ElementsAre(heard_.got[0].data.session));
}

TEST_P(TlsSensor, SaysWhichFilesItIsAttachedTo) {
  run([] {});
  const auto files = sensor_->watcher()->files();
  char path[4096] = {};
  ASSERT_GT(::readlink("/proc/self/exe", path, sizeof path - 1), 0);
  const auto own = std::find_if(files.begin(), files.end(), [&](const WatchedFile& file) { return file.path == path; });
  ASSERT_NE(own, files.end());
  EXPECT_EQ(own->library, "OpenSSL");
  EXPECT_EQ(own->refused, "");
}

// What the tests above read through, where the machine's instructions are understood.
TEST(TlsFunctions, OfThisProgramReadInOnePlaceAndWriteInTwo) {
  if (!elf::can_read_instructions(EM_X86_64)) GTEST_SKIP() << "built without libzydis";
  const Fd file(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  const auto elf = elf::ElfFile::read(file.get());
  ASSERT_TRUE(elf);
  if (elf->machine() != EM_X86_64) GTEST_SKIP() << "not on x86-64";
  const auto found = tls::find_functions(*elf, elf::ElfFile::Symbols::all);
  ASSERT_TRUE(found && *found);
  std::map<std::string_view, std::size_t> places;
  for (const tls::Placement& each : (*found)->placements) places[each.program] = each.offsets.size();
  EXPECT_THAT(places,
              testing::UnorderedElementsAre(testing::Pair("read_ex_begins", 1), testing::Pair("write_begins", 1),
                                            testing::Pair("write_ex_begins", 1), testing::Pair("int_returns", 3),
                                            testing::Pair("session_ends", 1)));
}

INSTANTIATE_TEST_SUITE_P(Rungs, TlsSensor, ::testing::Values("uprobe.multi", "uprobe"), name_of_rung);

}  // namespace
}  // namespace subfloor::sensors
