// SPDX-License-Identifier: Apache-2.0
#include "sensors/tls/functions.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "elf/instructions.h"

namespace subfloor::sensors::tls {
namespace {

using ::testing::Each;
using ::testing::Field;
using ::testing::SizeIs;

struct Opened {
  Fd file;
  std::optional<elf::ElfFile> elf;
};

Opened open_library(const char* path) {
  Opened opened{Fd(::open(path, O_RDONLY | O_CLOEXEC)), {}};
  if (opened.file) opened.elf = elf::ElfFile::read(opened.file.get());
  return opened;
}

std::map<std::string_view, std::vector<std::uint64_t>> by_program(const Functions& functions) {
  std::map<std::string_view, std::vector<std::uint64_t>> all;
  for (const Placement& each : functions.placements) all[each.program] = each.offsets;
  return all;
}

// Debian's is built so; one that is not is attached to at the functions that it exports.
TEST(TlsFunctions, OfOpenSslAreProbedWhereTheKernelNeedNotStepOverThem) {
  const Opened library = open_library("/usr/lib/x86_64-linux-gnu/libssl.so.3");
  if (!library.elf) GTEST_SKIP() << "no libssl of x86-64 here";
  if (!elf::can_read_instructions(EM_X86_64)) GTEST_SKIP() << "built without libzydis";
  const auto found = find_functions(*library.elf, elf::ElfFile::Symbols::exported);
  ASSERT_TRUE(found && *found);
  EXPECT_EQ((*found)->library, Library::openssl);
  const auto programs = by_program(**found);
  EXPECT_FALSE(programs.contains("read_begins"));
  EXPECT_FALSE(programs.contains("write_begins"));
  for (const char* program : {"read_ex_begins", "write_ex_begins"}) {
    ASSERT_TRUE(programs.contains(program));
    ASSERT_THAT(programs.at(program), SizeIs(1));
    EXPECT_EQ(elf::cheap_entry(EM_X86_64, library.elf->bytes(programs.at(program)[0], 16)), 0U);
  }
  EXPECT_THAT(programs.at("int_returns"), SizeIs(2));
  EXPECT_THAT(programs.at("session_ends"), SizeIs(2));
}

TEST(TlsFunctions, OfGnuTlsAreThoseItExports) {
  const Opened library = open_library("/usr/lib/x86_64-linux-gnu/libgnutls.so.30");
  if (!library.elf) GTEST_SKIP() << "no libgnutls of x86-64 here";
  const auto found = find_functions(*library.elf, elf::ElfFile::Symbols::exported);
  ASSERT_TRUE(found && *found);
  EXPECT_EQ((*found)->library, Library::gnutls);
  EXPECT_THAT((*found)->placements, SizeIs(4));
  EXPECT_THAT((*found)->placements, Each(Field(&Placement::offsets, SizeIs(::testing::Ge(1U)))));
  EXPECT_EQ((*found)->placements[0].program, "long_returns");
  EXPECT_TRUE((*found)->placements[0].at_return);
}

TEST(TlsFunctions, OfOtherFilesAreNone) {
  const Opened library = open_library("/proc/self/exe");
  ASSERT_TRUE(library.elf);
  const auto found = find_functions(*library.elf, elf::ElfFile::Symbols::exported);
  ASSERT_TRUE(found);
  EXPECT_FALSE(*found);
}

}  // namespace
}  // namespace subfloor::sensors::tls
