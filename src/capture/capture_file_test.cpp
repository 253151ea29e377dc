// SPDX-License-Identifier: Apache-2.0
#include "capture/capture_file.h"

#include <gmock/gmock.h>
#include <pcap/dlt.h>
#include <zlib.h>

#include "capture/testing.h"
#include "support/memory_file.h"

namespace subfloor::capture::testing {
namespace {

using subfloor::testing::MemoryFile;
using ::testing::HasSubstr;

// Numbers in the byte order of a file.
struct Writer {
  bool big_endian;
  [[nodiscard]] std::string u16(std::uint16_t v) const {
    std::string text = be16(v);
    return big_endian ? text : std::string(text.rbegin(), text.rend());
  }
  [[nodiscard]] std::string u32(std::uint32_t v) const {
    std::string text = be32(v);
    return big_endian ? text : std::string(text.rbegin(), text.rend());
  }

  [[nodiscard]] std::string pcap(bool nanoseconds, std::uint32_t link) const {
    return u32(nanoseconds ? 0xa1b23c4d : 0xa1b2c3d4) + u16(2) + u16(4) + u32(0) + u32(0) + u32(65535) + u32(link);
  }
  [[nodiscard]] std::string packet(std::uint32_t s, std::uint32_t fraction, std::string_view bytes,
                                   std::uint32_t length) const {
    return u32(s) + u32(fraction) + u32(static_cast<std::uint32_t>(bytes.size())) + u32(length) + std::string(bytes);
  }
  [[nodiscard]] std::string block(std::uint32_t type, std::string body) const {
    body.resize((body.size() + 3) / 4 * 4);
    const std::string length = u32(static_cast<std::uint32_t>(body.size() + 12));
    return u32(type) + length + body + length;
  }
  [[nodiscard]] std::string section() const {
    return block(0x0a0d0d0a, u32(0x1a2b3c4d) + u16(1) + u16(0) + u32(0xffffffff) + u32(0xffffffff));
  }
  [[nodiscard]] std::string interface(std::uint16_t link, bool nanoseconds = false) const {
    const std::string resolution = u16(9) + u16(1) + std::string("\x09\0\0\0", 4) + u32(0);
    return block(1, u16(link) + u16(0) + u32(0) + (nanoseconds ? resolution : ""));
  }
  [[nodiscard]] std::string enhanced(std::uint32_t interface_id, std::uint64_t stamp, std::string_view bytes) const {
    const auto size = static_cast<std::uint32_t>(bytes.size());
    return block(6, u32(interface_id) + u32(static_cast<std::uint32_t>(stamp >> 32U)) +
                        u32(static_cast<std::uint32_t>(stamp)) + u32(size) + u32(size) + std::string(bytes));
  }
};

Result<std::unique_ptr<CaptureFile>> open(const MemoryFile& memory) {
  TRY_ASSIGN(auto input, InputFile::open(memory.path()));
  return CaptureFile::open(std::move(input));
}

// "time bytes/length" of each packet, or why not.
std::vector<std::string> read(const std::string& content) {
  const MemoryFile memory(content);
  auto file = open(memory);
  if (!file) return {file.error().message};
  std::vector<std::string> lines;
  for (;;) {
    const auto packet = (*file)->next();
    if (!packet) lines.push_back(packet.error().message.substr(memory.path().size()));
    if (!packet || !*packet) return lines;
    lines.push_back(fmt::format("{} {}/{}", (*packet)->time, (*packet)->content.bytes, (*packet)->content.length));
  }
}

using Lines = std::vector<std::string>;

TEST(CaptureFileTest, ReadsPcapInBothByteOrdersAndResolutions) {
  for (const bool big_endian : {false, true}) {
    const Writer w{big_endian};
    EXPECT_EQ(read(w.pcap(false, 1) + w.packet(7, 5, "abc", 10) + w.packet(8, 0, "d", 1)),
              (Lines{"7000005000 abc/10", "8000000000 d/1"}));
    EXPECT_EQ(read(w.pcap(true, 101) + w.packet(7, 5, "abc", 3)), (Lines{"7000000005 abc/3"}));
    EXPECT_TRUE(CaptureFile::recognise(w.pcap(false, 1)));
    EXPECT_TRUE(CaptureFile::recognise(w.pcap(true, 1)));
    EXPECT_TRUE(CaptureFile::recognise(w.section()));
  }
  EXPECT_FALSE(CaptureFile::recognise("GET / HTTP/1.1"));
}

TEST(CaptureFileTest, ReadsPcapngWithSeveralInterfacesAndSections) {
  for (const bool big_endian : {false, true}) {
    const Writer w{big_endian};
    const std::string one = w.section() + w.interface(1) + w.interface(1, true) + w.enhanced(0, 7'000'005, "micro") +
                            w.enhanced(1, 7'000'000'005, "nano");
    const std::string two = w.section() + w.interface(1, true) + w.enhanced(0, 9, "again");
    EXPECT_EQ(read(one + two), (Lines{"7000005000 micro/5", "7000000005 nano/4", "9 again/5"}));
  }
}

TEST(CaptureFileTest, SaysThatInterfacesOfDifferentLinkTypesAreTooMuch) {
  const Writer w{false};
  const Lines lines = read(w.section() + w.interface(1) + w.enhanced(0, 7'000'000, "first") + w.interface(101) +
                           w.enhanced(1, 8'000'000, "second"));
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0], "7000000000 first/5");
  EXPECT_THAT(lines[1], HasSubstr("different from the type of the first interface"));
  EXPECT_THAT(lines[1], HasSubstr("offset "));
}

TEST(CaptureFileTest, SaysWhichLinkTypeItDoesNotKnow) {
  EXPECT_THAT(read(Writer{false}.pcap(false, 105)).at(0), HasSubstr("link type IEEE802_11"));
}

TEST(CaptureFileTest, GivesWhatStandsBeforeADamage) {
  const Writer w{false};
  const std::string whole = w.pcap(false, 1) + w.packet(7, 0, "abc", 3) + w.packet(8, 0, "defgh", 5);
  const Lines cut = read(whole.substr(0, whole.size() - 2));
  ASSERT_EQ(cut.size(), 2U);
  EXPECT_EQ(cut[0], "7000000000 abc/3");
  EXPECT_THAT(cut[1], HasSubstr(": offset 62: truncated dump file"));
  std::string huge = whole;
  huge.replace(24 + 16 + 3 + 8, 4, "\xff\xff\xff\x7f");
  EXPECT_THAT(read(huge).at(1), HasSubstr(": offset 59: "));
}

TEST(CaptureFileTest, ReadsWhatGzipCompressedAndSaysWhereThatBreaksOff) {
  const Writer w{false};
  std::string whole = w.pcap(false, 1);
  for (std::uint32_t i = 0; i < 2000; ++i) whole += w.packet(i, i * 3, std::to_string(i * 2654435761U), 20);
  std::string compressed(whole.size() + 100, '\0');
  z_stream stream{};
  ASSERT_EQ(deflateInit2(&stream, 9, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
  stream.next_in = reinterpret_cast<Bytef*>(whole.data());
  stream.avail_in = static_cast<uInt>(whole.size());
  stream.next_out = reinterpret_cast<Bytef*>(compressed.data());
  stream.avail_out = static_cast<uInt>(compressed.size());
  ASSERT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  compressed.resize(stream.total_out);
  deflateEnd(&stream);
  EXPECT_EQ(read(compressed).size(), 2000U);
  const Lines cut = read(compressed.substr(0, compressed.size() / 2));
  EXPECT_GT(cut.size(), 100U);
  EXPECT_LT(cut.size(), 2000U);
  EXPECT_THAT(cut.back(), HasSubstr("gzip: "));
}

TEST(CaptureFileTest, SaysWhatCannotBeOpened) {
  EXPECT_THAT(InputFile::open("/nonexistent/file").error().message, HasSubstr("/nonexistent/file: No such file"));
  EXPECT_THAT(InputFile::open("/tmp").error().message, HasSubstr("directory"));
  EXPECT_THAT(read("").at(0), HasSubstr("truncated"));
}

TEST(InputFileTest, GivesPeekedBytesAgain) {
  const MemoryFile memory("hello world");
  auto file = InputFile::open(memory.path());
  ASSERT_TRUE(file);
  EXPECT_EQ((*file)->peek(5).value(), "hello");
  std::string text(20, '\0');
  EXPECT_EQ((*file)->read(std::as_writable_bytes(std::span(text.data(), 3))).value(), 3U);
  EXPECT_EQ((*file)->read(std::as_writable_bytes(std::span(text.data() + 3, 17))).value(), 8U);
  EXPECT_EQ(text.substr(0, 11), "hello world");
  EXPECT_EQ((*file)->position(), 11U);
  EXPECT_EQ((*file)->raw_size(), 11U);
}

}  // namespace
}  // namespace subfloor::capture::testing
