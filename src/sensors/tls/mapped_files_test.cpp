// SPDX-License-Identifier: Apache-2.0
#include "sensors/tls/mapped_files.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

namespace subfloor::sensors::tls {
namespace {

using testing::IsEmpty;

TEST(MappedFiles, AreThoseWithCodeEachOnce) {
  const auto files = read_mapped_code(
      "7f7314033000-7f7314052000 r--p 00000000 fe:00 333427                     /usr/lib/libssl.so.3\n"
      "7f7314052000-7f73140af000 r-xp 0001f000 fe:00 333427                     /usr/lib/libssl.so.3\n"
      "7f73140b0000-7f73140c0000 r-xp 0001f000 fe:00 333427                     /usr/lib/libssl.so.3\n"
      "7ffd1d7f3000-7ffd1d7f5000 r-xp 00000000 00:00 0                          [vdso]\n"
      "7f73140d0000-7f73140e0000 r-xp 00000000 00:1f 9                          /a name with spaces (deleted)\n");
  ASSERT_EQ(files.size(), 2U);
  EXPECT_EQ(files[0].path, "/usr/lib/libssl.so.3");
  EXPECT_EQ(files[0].range, "7f7314052000-7f73140af000");
  EXPECT_EQ(files[0].id, (FileId{std::uint64_t{0xfe} << 32, 333427}));
  EXPECT_FALSE(files[0].deleted);
  EXPECT_EQ(files[1].path, "/a name with spaces");
  EXPECT_TRUE(files[1].deleted);
}

TEST(MappedFiles, LinesThatAreUnlikeThemAreLeftOut) {
  EXPECT_THAT(
      read_mapped_code("\n\nrubbish\n1-2 r-xp 0 zz:00 5 /x\n1-2 r-xp 0 00:01 -5 /x\n1-2 r-xp 0 00:01 5 x\n1-2 r-xp"),
      IsEmpty());
}

TEST(MappedFiles, TheOwnExecutableIsAmongThoseOfThisProcess) {
  const auto files = mapped_code_of(static_cast<std::uint32_t>(getpid()));
  char path[4096] = {};
  ASSERT_GT(readlink("/proc/self/exe", path, sizeof path - 1), 0);
  const auto own = std::find_if(files.begin(), files.end(), [&](const MappedFile& file) { return file.path == path; });
  ASSERT_NE(own, files.end());
  const Fd file = open_mapped(static_cast<std::uint32_t>(getpid()), *own);
  ASSERT_TRUE(file);
  struct stat opened{}, wanted{};
  ASSERT_EQ(fstat(file.get(), &opened), 0);
  ASSERT_EQ(stat(path, &wanted), 0);
  EXPECT_EQ(opened.st_ino, wanted.st_ino);
  EXPECT_EQ(id_as_mapped(file.get()), own->id);
}

TEST(MappedFiles, WhatCannotBeMappedHasNoId) {
  const Fd nothing(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  EXPECT_EQ(id_as_mapped(nothing.get()), std::nullopt);
}

TEST(MappedFiles, OfAProcessThatIsNotThereThereAreNone) { EXPECT_THAT(mapped_code_of(0x7fffffff), IsEmpty()); }

}  // namespace
}  // namespace subfloor::sensors::tls
