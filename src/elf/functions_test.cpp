// SPDX-License-Identifier: Apache-2.0
#include <dlfcn.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cstring>

#include "base/fd.h"
#include "elf/elf_file.h"

extern "C" [[gnu::noinline, gnu::used]] int subfloor_elf_test_function() { return 42; }

namespace subfloor::elf {
namespace {

constexpr std::array<std::string_view, 3> names{"subfloor_elf_test_function", "elf_test_function", "no_such_function"};

TEST(ElfFunctions, AreFoundWhereTheyAreInTheFile) {
  const Fd self(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  const auto file = ElfFile::read(self.get());
  ASSERT_TRUE(file);
  const auto offsets = file->functions(names, ElfFile::Symbols::all);
  ASSERT_EQ(offsets.size(), 3U);
  ASSERT_NE(offsets[0], 0U);
  EXPECT_EQ(offsets[1], 0U) << "the end of a name is not the name";
  EXPECT_EQ(offsets[2], 0U);
  std::array<char, 8> code{};
  ASSERT_EQ(::pread(self.get(), code.data(), code.size(), static_cast<off_t>(offsets[0])), 8);
  EXPECT_EQ(std::memcmp(code.data(), reinterpret_cast<const void*>(&subfloor_elf_test_function), code.size()), 0);
}

TEST(ElfFunctions, ThatALibraryExportsAreFoundWithoutItsOtherSymbols) {
  Dl_info about{};
  ASSERT_NE(dladdr(reinterpret_cast<const void*>(&::getpid), &about), 0);
  const Fd library(::open(about.dli_fname, O_RDONLY | O_CLOEXEC));
  const auto file = ElfFile::read(library.get());
  ASSERT_TRUE(file);
  constexpr std::array<std::string_view, 2> wanted{"getpid", "subfloor_elf_test_function"};
  const auto offsets = file->functions(wanted, ElfFile::Symbols::exported);
  EXPECT_NE(offsets[0], 0U);
  EXPECT_EQ(offsets[1], 0U);
}

}  // namespace
}  // namespace subfloor::elf
