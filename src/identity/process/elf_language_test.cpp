// SPDX-License-Identifier: Apache-2.0
#include "identity/process/elf_language.h"

#include <elf.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "base/fd.h"
#include "elf/elf_file.h"

namespace subfloor::identity {
namespace {

using elf::ElfFile;

struct Part {
  std::string name, content;
};

template <class T>
std::string raw(const T& value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

// An ELF file with these sections and the table of their names.
std::string elf(std::vector<Part> parts) {
  parts.insert(parts.begin(), Part{});
  std::string names;
  for (const Part& part : parts) names += part.name + '\0';
  names += std::string(".shstrtab") + '\0';
  parts.push_back({".shstrtab", names});

  std::string body, table;
  std::uint32_t name = 0;
  for (const Part& part : parts) {
    Elf64_Shdr section{};
    section.sh_name = name;
    section.sh_type = part.name.empty() ? SHT_NULL : SHT_PROGBITS;
    section.sh_offset = sizeof(Elf64_Ehdr) + body.size();
    section.sh_size = part.content.size();
    name += static_cast<std::uint32_t>(part.name.size() + 1);
    body += part.content;
    table += raw(section);
  }
  Elf64_Ehdr header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_shentsize = sizeof(Elf64_Shdr);
  header.e_shnum = static_cast<Elf64_Half>(parts.size());
  header.e_shstrndx = static_cast<Elf64_Half>(parts.size() - 1);
  header.e_shoff = sizeof header + body.size();
  return raw(header) + body + table;
}

Fd file_of(const std::string& content) {
  Fd file(::memfd_create("elf", MFD_CLOEXEC));
  EXPECT_EQ(::write(file.get(), content.data(), content.size()), static_cast<ssize_t>(content.size()));
  return file;
}

Language language_of(const std::string& content) { return language_of_elf(file_of(content).get()); }

Part dynamic(std::uint64_t library_at) {
  return {".dynamic", raw(Elf64_Dyn{DT_NEEDED, {library_at}}) + raw(Elf64_Dyn{DT_NULL, {0}})};
}

TEST(ElfLanguage, KnowsTheTracesOfCompilers) {
  using namespace std::string_literals;
  EXPECT_EQ(language_of(elf({{".text", "x"}, {".go.buildinfo", "x"}})), Language::go);
  EXPECT_EQ(language_of(elf({{".note.go.buildid", "x"}})), Language::go);
  EXPECT_EQ(language_of(elf({{".comment", "GCC: (Debian) 12\0rustc version 1.80.0\0"s}})), Language::rust);
  EXPECT_EQ(language_of(elf({{".strtab", "\0main\0rust_eh_personality\0"s}})), Language::rust);
  std::string source = "/rustc/90b35a@library@core@src@iter/mod.rs";  // else this program passes for Rust
  std::ranges::replace(source, '@', '/');
  EXPECT_EQ(language_of(elf({{".comment", "GCC: (x)"}, {".rodata", source}})), Language::rust);
  source.resize(source.find("iter"));
  EXPECT_EQ(language_of(elf({{".comment", "GCC: (x)"}, {".rodata", source}})), Language::cpp);
  EXPECT_EQ(language_of(elf({{".comment", "GCC: (Debian 12.2.0) 12.2.0"}})), Language::cpp);
  EXPECT_EQ(language_of(elf({dynamic(1), {".dynstr", "\0libstdc++.so.6\0"s}})), Language::cpp);
  EXPECT_EQ(language_of(elf({dynamic(1), {".dynstr", "\0libc.so.6\0"s}})), Language::cpp);
  EXPECT_EQ(language_of(elf({{".svm_heap", "x"}})), Language::java);
  EXPECT_EQ(language_of(elf({{"__managedcode", "x"}})), Language::dotnet);
  EXPECT_EQ(language_of(elf({{".dynstr", "\0node_module_register\0"s}})), Language::nodejs);
}

TEST(ElfLanguage, DoesNotGuess) {
  using namespace std::string_literals;
  EXPECT_EQ(language_of(elf({{".text", "x"}})), Language::unknown);
  EXPECT_EQ(language_of(elf({{".debug-ghc-link-info", "x"}, dynamic(1), {".dynstr", "\0libc.so.6\0"s}})),
            Language::unknown);
  EXPECT_EQ(language_of(""), Language::unknown);
  EXPECT_EQ(language_of("#!/bin/sh\n"), Language::unknown);
}

TEST(ElfLanguage, KnowsThisVeryProgram) {
  const Fd self(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  EXPECT_EQ(language_of_elf(self.get()), Language::cpp);
  const auto file = elf::ElfFile::read(self.get());
  ASSERT_TRUE(file);
  const auto needed = file->needed();
  EXPECT_NE(std::find(needed.begin(), needed.end(), "libc.so.6"), needed.end());
}

TEST(ElfLanguage, KnowsInstalledPrograms) {
  struct Known {
    const char* path;
    Language language;
  };
  const Known programs[] = {
      {"/usr/bin/prometheus", Language::go},  {"/usr/bin/promtool", Language::go},  {"/usr/bin/curl", Language::cpp},
      {"/usr/sbin/nginx", Language::cpp},     {"/usr/sbin/haproxy", Language::cpp}, {"/usr/bin/node", Language::nodejs},
      {"/usr/bin/python3", Language::python}, {"/bin/bash", Language::cpp},
  };
  int found = 0;
  for (const Known& program : programs) {
    const Fd file(::open(program.path, O_RDONLY | O_CLOEXEC));
    if (!file) continue;
    ++found;
    EXPECT_EQ(language_of_elf(file.get()), program.language) << program.path;
  }
  EXPECT_GT(found, 0);
}

TEST(ElfLanguage, SurvivesEveryTruncation) {
  using namespace std::string_literals;
  const std::string whole = elf({{".comment", "GCC: (x)"}, dynamic(1), {".dynstr", "\0libc.so.6\0"s}});
  EXPECT_EQ(language_of(whole), Language::cpp);
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_EQ(language_of(whole.substr(0, size)), Language::unknown) << size;
}

TEST(ElfLanguage, SurvivesAnyBytesInTheHeaders) {
  using namespace std::string_literals;
  const std::string whole = elf({{".comment", "GCC: (x)"}, dynamic(1), {".dynstr", "\0libc.so.6\0"s}});
  std::mt19937 random(1);  // the same bytes each time
  for (int round = 0; round < 20000; ++round) {
    std::string damaged = whole;
    for (int i = 0; i < 4; ++i) damaged[random() % damaged.size()] = static_cast<char>(random() % 2 ? 0xff : random());
    std::memcpy(damaged.data(), whole.data(), 6);  // still taken for ELF
    (void)language_of(damaged);
  }
}

TEST(ElfLanguage, RefusesMoreNamesOrSectionsThanItsBounds) {
  std::vector<Part> many(4000, Part{".x", ""});
  EXPECT_TRUE(elf::ElfFile::read(file_of(elf(many)).get()));
  many.resize(5000, Part{".x", ""});
  EXPECT_FALSE(elf::ElfFile::read(file_of(elf(many)).get()));
  EXPECT_FALSE(elf::ElfFile::read(file_of(elf({{std::string(300 << 10, 'n'), ""}})).get()));
}

// A section said to be as large as the address space costs no more than its bound.
TEST(ElfLanguage, ReadsNoMoreThanItsBoundsOfHugeSections) {
  std::string content = elf({{".rodata", "x"}, {".strtab", "y"}});
  Elf64_Ehdr header;
  std::memcpy(&header, content.data(), sizeof header);
  for (const std::size_t i : {1, 2}) {
    const std::uint64_t huge = ~std::uint64_t{0} >> 1;
    std::memcpy(content.data() + header.e_shoff + i * sizeof(Elf64_Shdr) + offsetof(Elf64_Shdr, sh_size), &huge, 8);
  }
  const Fd file = file_of(content);
  ASSERT_EQ(::ftruncate(file.get(), off_t{1} << 40), 0);  // sparse
  EXPECT_EQ(language_of_elf(file.get()), Language::unknown);
}

}  // namespace
}  // namespace subfloor::identity
