// SPDX-License-Identifier: Apache-2.0
#include "sensors/syscalls/records.h"

#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>

#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace subfloor::sensors {
namespace {

using testing::IsEmpty;

using namespace std::string_view_literals;

// A record whose parts follow each other.
struct Record {
  syscalls_record fixed{};
  std::string tail;

  syscalls_slice add(std::string_view text) {
    const syscalls_slice slice{static_cast<__u16>(tail.size()), static_cast<__u16>(text.size())};
    tail += text;
    return slice;
  }
  [[nodiscard]] std::vector<std::byte> bytes() const {
    const auto head = std::as_bytes(std::span(&fixed, 1));
    const auto rest = std::as_bytes(std::span(tail));
    std::vector<std::byte> all(head.begin(), head.end());
    all.insert(all.end(), rest.begin(), rest.end());
    return all;
  }
};

Record opened() {
  Record record;
  record.fixed.header.time = 77;
  record.fixed.number = 257;
  record.fixed.pid = 42;
  record.fixed.tid = 43;
  record.fixed.result = 3;
  record.fixed.args[1] = 0x7fff;
  record.fixed.flags = SYSCALLS_FILE;
  record.fixed.accesses = SYSCALLS_ACCESS_READ;
  record.fixed.file.device = 8 << 20 | 1;
  record.fixed.file.name = {9, 10, 11, 1234, 5, 0};
  record.fixed.file.epoch = 6;
  record.fixed.path = record.add("shadow\0etc\0"sv);
  record.fixed.text[0] = record.add("shadow"sv);
  record.fixed.directory[0] = record.add("sub\0etc\0\0"sv);
  return record;
}

TEST(SyscallRecords, TurnNamesFromLeafToRootIntoPaths) {
  SyscallReader reader;
  const auto bytes = opened().bytes();
  const auto call = reader.read(bytes);
  ASSERT_TRUE(call && call->file);
  EXPECT_EQ(call->number, 257);
  EXPECT_EQ(call->pid, 42U);
  EXPECT_EQ(call->tid, 43U);
  EXPECT_EQ(call->when, Nanoseconds{77});
  EXPECT_EQ(call->result, 3);
  EXPECT_TRUE(call->result_known);
  EXPECT_EQ(call->args[1], 0x7fffU);
  EXPECT_EQ(call->file->path, "/etc/shadow");
  EXPECT_EQ(call->file->device, makedev(8, 1));
  EXPECT_EQ(call->file->inode, 1234U);
  EXPECT_EQ(call->file->accesses, access_read);
  EXPECT_EQ(call->text[0].text, "shadow");
  EXPECT_EQ(call->directory[0], "/etc/sub");
  EXPECT_THAT(call->directory[1], IsEmpty());
  EXPECT_FALSE(call->socket || call->address);
}

TEST(SyscallRecords, GiveBackTheNameThatTheKernelKnows) {
  SyscallReader reader;
  const Record record = opened();
  const auto bytes = record.bytes();
  const auto call = reader.read(bytes);
  ASSERT_TRUE(call && call->file && call->file->name.known());
  const syscalls_name name = name_of(call->file->name);
  EXPECT_EQ(std::memcmp(&name, &record.fixed.file.name, sizeof name), 0);
  EXPECT_EQ(epoch_of(call->file->name), 6U);
}

TEST(SyscallRecords, KnowNoNameWithoutItsChain) {
  Record record = opened();
  record.fixed.file.name.chain = 0;
  SyscallReader reader;
  const auto bytes = record.bytes();
  const auto call = reader.read(bytes);
  ASSERT_TRUE(call && call->file);
  EXPECT_EQ(call->file->name, FileName{});
}

TEST(SyscallRecords, ShowAPathWithoutItsBeginningAsRelative) {
  Record record = opened();
  record.fixed.flags |= SYSCALLS_PATH_TRUNCATED | SYSCALLS_DIRECTORY_TRUNCATED;
  SyscallReader reader;
  const auto bytes = record.bytes();
  const auto call = reader.read(bytes);
  ASSERT_TRUE(call && call->file);
  EXPECT_EQ(call->file->path, "etc/shadow");
  EXPECT_TRUE(call->file->path_truncated);
  EXPECT_EQ(call->directory[0], "etc/sub");
  EXPECT_TRUE(call->directory_truncated[0]);
}

TEST(SyscallRecords, ShowTheRootAsASlash) {
  Record record = opened();
  record.fixed.path = {0, 0};
  record.fixed.directory[0] = record.add("\0"sv);
  SyscallReader reader;
  const auto bytes = record.bytes();
  const auto call = reader.read(bytes);
  ASSERT_TRUE(call && call->file);
  EXPECT_EQ(call->file->path, "/");
  EXPECT_EQ(call->directory[0], "/");
}

TEST(SyscallRecords, TakeThePseudoNameAsItIs) {
  Record record = opened();
  record.fixed.flags |= SYSCALLS_PATH_PSEUDO;
  record.fixed.path = record.add("memfd:a/b\0"sv);
  SyscallReader reader;
  const auto bytes = record.bytes();
  const auto call = reader.read(bytes);
  ASSERT_TRUE(call && call->file);
  EXPECT_TRUE(call->file->pseudo);
  EXPECT_EQ(call->file->path, "memfd:a/b");
}

TEST(SyscallRecords, ReadAddressesOfEachFamily) {
  SyscallReader reader;
  const auto address_of = [&reader](std::string_view sockaddr) {
    Record record = opened();
    record.fixed.address = record.add(sockaddr);
    const auto bytes = record.bytes();
    const auto call = reader.read(bytes);
    EXPECT_TRUE(call && call->address);
    EXPECT_EQ(call->address->bytes, sockaddr);
    return std::pair(call->address->inet.text(), std::string(call->address->unix_path));
  };
  EXPECT_EQ(address_of("\x02\0\x01\xbb\x7f\0\0\x01"sv).first, "127.0.0.1:443");
  EXPECT_EQ(address_of("\x0a\0\0\x50\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01"sv).first, "[::1]:80");
  EXPECT_EQ(address_of("\x01\0/run/x\0junk"sv).second, "/run/x");
  EXPECT_EQ(address_of("\x01\0\0abstract"sv).second, "@abstract");
  EXPECT_EQ(address_of("\x02\0\x01"sv).first, Address{}.text());
  EXPECT_EQ(address_of("\x02"sv).second, "");
}

TEST(SyscallRecords, SayWhatOfTheTextsIsMissing) {
  Record record = opened();
  record.fixed.flags |= SYSCALLS_TEXT_TRUNCATED << 1 | SYSCALLS_TEXT_UNREADABLE << 2 | SYSCALLS_ADDRESS_UNREADABLE;
  SyscallReader reader;
  const auto bytes = record.bytes();
  const auto call = reader.read(bytes);
  ASSERT_TRUE(call && call->address);
  EXPECT_FALSE(call->text[0].truncated || call->text[0].unreadable);
  EXPECT_TRUE(call->text[1].truncated);
  EXPECT_TRUE(call->text[2].unreadable);
  EXPECT_TRUE(call->address->unreadable);
}

TEST(SyscallRecords, RefuseEveryTruncation) {
  const std::vector<std::byte> whole = opened().bytes();
  SyscallReader reader;
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_FALSE(reader.read(std::span(whole).first(size))) << size << " of " << whole.size();
}

TEST(SyscallRecords, RefuseSlicesThatReachBeyondTheTail) {
  SyscallReader reader;
  const auto with = [&reader](syscalls_slice syscalls_record::* slice, syscalls_slice value) {
    Record record = opened();
    record.fixed.*slice = value;
    const auto bytes = record.bytes();
    return reader.read(bytes).has_value();
  };
  const auto size = static_cast<__u16>(opened().tail.size());
  for (const auto slice : {&syscalls_record::path, &syscalls_record::address, &syscalls_record::content}) {
    EXPECT_TRUE(with(slice, {0, size}));
    EXPECT_FALSE(with(slice, {size, 1}));
    EXPECT_FALSE(with(slice, {0xffff, 0xffff}));
  }
}

}  // namespace
}  // namespace subfloor::sensors
