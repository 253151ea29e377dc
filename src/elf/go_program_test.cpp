// SPDX-License-Identifier: Apache-2.0
// With what the Go releases installed here built of tests/go, and binutils as the judge.
#include "elf/go_program.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <string>
#include <vector>

#include "base/fd.h"
#include "elf/instructions.h"
#include "support/memory_file.h"

namespace subfloor::elf {
namespace {

constexpr std::string_view tls_read = "crypto/tls.(*Conn).Read";
constexpr std::string_view tls_write = "crypto/tls.(*Conn).Write";

std::string output_of(const std::string& command) {
  std::string text;
  FILE* pipe = ::popen(command.c_str(), "r");
  std::array<char, 4096> part;
  while (const std::size_t n = ::fread(part.data(), 1, part.size(), pipe)) text.append(part.data(), n);
  ::pclose(pipe);
  return text;
}

std::uint64_t hexadecimal(std::string_view text) {
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value, 16);
  return value;
}

std::string program(const std::string& variant) { return std::string(GO_PROGRAMS) + "/talk-" + variant; }

std::vector<std::string> versions() {
  std::vector<std::string> found;
  for (const auto& entry : std::filesystem::directory_iterator("/usr/lib")) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("go-1.")) found.push_back(name.substr(3));
  }
  return found;
}

struct Opened {
  explicit Opened(const std::string& path)
      : fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC)), file(ElfFile::read(fd.get())) {}
  Fd fd;
  std::optional<ElfFile> file;
};

// What objdump and nm say of a function in a file with symbols: addresses.
struct Truth {
  std::uint64_t address = 0;
  std::vector<std::uint64_t> returns;
};

Truth truth(const std::string& path, std::string_view name) {
  Truth truth;
  const std::string symbols = output_of("nm " + path);
  const std::size_t at = symbols.find(" " + std::string(name) + "\n");  // "0000000000401000 T name"
  if (at == std::string::npos) return truth;
  truth.address = hexadecimal(symbols.substr(at - 18, 16));
  const std::string listing =
      output_of("objdump -d --no-show-raw-insn '--disassemble=" + std::string(name) + "' " + path);
  for (std::size_t from = 0; (from = listing.find("\tret", from)) != std::string::npos; ++from) {
    const std::size_t line = listing.rfind('\n', from) + 1;
    truth.returns.push_back(hexadecimal(listing.substr(listing.find_first_not_of(' ', line))));
  }
  return truth;
}

std::vector<std::uint64_t> addresses(const ElfFile& file, const std::vector<std::uint64_t>& offsets) {
  std::vector<std::uint64_t> all;
  for (const std::uint64_t offset : offsets) all.push_back(file.address_of(offset).value_or(0));
  return all;
}

void check_against_symbols(const std::string& path, std::string_view name) {
  const Opened opened(path);
  ASSERT_TRUE(opened.file) << path;
  const auto go = GoProgram::read(*opened.file);
  ASSERT_TRUE(go) << path;
  const auto points = go->probe_points(name);
  ASSERT_TRUE(points) << path << ": " << points.error().message;
  ASSERT_TRUE(*points) << path;
  const Truth expected = truth(path, name);
  ASSERT_FALSE(expected.returns.empty()) << path;
  EXPECT_EQ(addresses(*opened.file, (*points)->returns), expected.returns) << path;
  const auto entry = opened.file->address_of((*points)->entry);
  ASSERT_TRUE(entry);
  EXPECT_GT(*entry, expected.address) << path;
  EXPECT_LE(*entry, expected.address + 16) << path;
}

TEST(GoProgram, KnowsTheVersionOfEveryInstalledGo) {
  ASSERT_FALSE(versions().empty()) << "golang-1.19-go is not installed";
  for (const std::string& version : versions()) {
    for (const std::string form : {"exe", "exe-stripped", "pie", "pie-stripped", "cgo", "cgopie-stripped"}) {
      const Opened opened(program(version + "-" + form));
      ASSERT_TRUE(opened.file) << form;
      const auto go = GoProgram::read(*opened.file);
      ASSERT_TRUE(go) << version << form;
      EXPECT_TRUE(go->version().text.starts_with("go" + version)) << go->version().text;
      EXPECT_EQ("1." + std::to_string(go->version().minor), version);
    }
  }
}

TEST(GoProgram, FindsEntryAndEachReturnThatTheSymbolsAndADisassemblerKnow) {
  for (const std::string& version : versions()) {
    for (const std::string form : {"exe", "pie", "cgo"}) {
      check_against_symbols(program(version + "-" + form), tls_read);
      check_against_symbols(program(version + "-" + form), tls_write);
    }
  }
}

std::string code_at(const ElfFile& file, const GoProbePoints& points) {
  return file.bytes(points.entry, points.returns.back() - points.entry + 1);
}

// Stripped and not, a function is the same code, but for the distances to other functions.
TEST(GoProgram, FindsTheSameInStrippedPrograms) {
  for (const std::string& version : versions()) {
    const std::pair<std::string, std::string> pairs[] = {
        {"exe", "exe-stripped"}, {"pie", "pie-stripped"}, {"pie", "cgopie-stripped"}};
    for (const auto& [whole, stripped] : pairs) {
      const Opened a(program(version + "-" + whole)), b(program(version + "-" + stripped));
      ASSERT_TRUE(a.file && b.file);
      for (const std::string_view name : {tls_read, tls_write}) {
        const auto one = GoProgram::read(*a.file)->probe_points(name),
                   other = GoProgram::read(*b.file)->probe_points(name);
        ASSERT_TRUE(one && *one);
        ASSERT_TRUE(other && *other) << stripped << (other ? "" : other.error().message);
        ASSERT_EQ((*one)->returns.size(), (*other)->returns.size());
        for (std::size_t i = 0; i < (*one)->returns.size(); ++i)
          EXPECT_EQ((*one)->returns[i] - (*one)->entry, (*other)->returns[i] - (*other)->entry);
        EXPECT_EQ(code_at(*a.file, **one).size(), code_at(*b.file, **other).size());
      }
    }
  }
}

std::string without_section_headers(const std::string& path) {
  const Opened opened(path);
  std::string content = opened.file->bytes(0, std::filesystem::file_size(path));
  Elf64_Ehdr header = item<Elf64_Ehdr>(content, 0);
  std::memset(content.data() + header.e_shoff, 0, header.e_shnum * sizeof(Elf64_Shdr));
  header.e_shoff = header.e_shnum = header.e_shstrndx = 0;
  std::memcpy(content.data(), &header, sizeof header);
  return content;
}

TEST(GoProgram, FindsTheSameWhereTheSectionHeadersAreGone) {
  for (const std::string& version : versions()) {
    for (const std::string form : {"exe-stripped", "pie-stripped", "cgopie-stripped"}) {
      const std::string path = program(version + "-" + form);
      const testing::MemoryFile bare(without_section_headers(path));
      const Opened whole(path), stripped(bare.path());
      ASSERT_TRUE(whole.file && stripped.file);
      EXPECT_TRUE(stripped.file->sections().empty());
      const auto go = GoProgram::read(*stripped.file);
      ASSERT_TRUE(go) << path;
      EXPECT_EQ(go->version(), GoProgram::read(*whole.file)->version());
      for (const std::string_view name : {tls_read, tls_write}) {
        const auto expected = GoProgram::read(*whole.file)->probe_points(name);
        const auto found = go->probe_points(name);
        ASSERT_TRUE(found && *found) << path << (found ? "" : found.error().message);
        EXPECT_EQ((*found)->entry, (**expected).entry);
        EXPECT_EQ((*found)->returns, (**expected).returns);
      }
    }
  }
}

TEST(GoProgram, SaysSoWhereThereIsNoSuchFunction) {
  const Opened opened(program(versions().front() + "-exe"));
  const auto points = GoProgram::read(*opened.file)->probe_points("crypto/tls.(*Conn).Reader");
  ASSERT_TRUE(points);
  EXPECT_FALSE(*points);
}

// Written in assembly: there is no check of the stack, and it is called otherwise.
TEST(GoProgram, RefusesAFunctionThatDoesNotBeginAsGosDo) {
  const Opened opened(program(versions().front() + "-exe"));
  const auto points = GoProgram::read(*opened.file)->probe_points("runtime.memmove");
  ASSERT_FALSE(points);
  EXPECT_EQ(points.error().message, "the function does not begin as Go's do");
}

TEST(GoProgram, IsNotReadFromOtherPrograms) {
  for (const char* path : {"/proc/self/exe", "/bin/bash"}) {
    const Opened opened(path);
    ASSERT_TRUE(opened.file);
    EXPECT_FALSE(GoProgram::read(*opened.file)) << path;
  }
}

// The table says where the code is; what is there decides whether it is probed.
TEST(GoProgram, RefusesCodeThatIsNotWhatTheTableSays) {
  const std::string path = program(versions().front() + "-exe");
  const Opened opened(path);
  const auto points = GoProgram::read(*opened.file)->probe_points(tls_read);
  ASSERT_TRUE(points && *points);
  std::string content = opened.file->bytes(0, std::filesystem::file_size(path));
  content[(*points)->entry + 40] = '\x06';  // no instruction of 64-bit programs begins so
  std::ranges::fill(content.begin() + static_cast<std::ptrdiff_t>((*points)->entry + 2),
                    content.begin() + static_cast<std::ptrdiff_t>((*points)->entry + 60), '\x06');
  const testing::MemoryFile damaged(content);
  const Opened other(damaged.path());
  const auto refused = GoProgram::read(*other.file)->probe_points(tls_read);
  ASSERT_FALSE(refused);
  EXPECT_TRUE(refused.error().message.starts_with("no instruction at byte")) << refused.error().message;
}

TEST(GoVersion, IsReadFromTheTextOfEveryKindOfRelease) {
  EXPECT_EQ(parse_go_version("go1.19.8").minor, 19);
  EXPECT_EQ(parse_go_version("go1.23").minor, 23);
  EXPECT_EQ(parse_go_version("go1.24rc1").minor, 24);
  EXPECT_EQ(parse_go_version("go1.22.12 X:boringcrypto").minor, 22);
  EXPECT_EQ(parse_go_version("devel go1.25-a1b2c3 Mon").minor, 25);
  EXPECT_EQ(parse_go_version("ago1.25").major, 0);
  EXPECT_EQ(parse_go_version("").major, 0);
  EXPECT_EQ(parse_go_version("go1.99999999999999999999").major, 0);
}

TEST(GoVersion, KeepsOnlyAShortPrintableText) {
  EXPECT_EQ(parse_go_version("go1.20\x1b[2J\n").text, "go1.20?[2J?");
  EXPECT_EQ(parse_go_version(std::string(1000, 'x')).text.size(), 64U);
}

}  // namespace
}  // namespace subfloor::elf
