// SPDX-License-Identifier: Apache-2.0
#include "recording/block.h"

#include <zlib.h>

#include <array>
#include <bit>
#include <cstring>
#include <span>

#include "base/byte_reader.h"

namespace subfloor::recording {
namespace {

static_assert(std::endian::native == std::endian::little, "recordings are little-endian, as their records are");

constexpr std::uint32_t block_magic = 0x4b4c4253;  // "SBLK"
constexpr std::uint8_t is_compressed = 1;
constexpr int fast = 1;

struct BlockHeader {
  std::uint32_t magic = block_magic;
  std::uint8_t kind = 0;
  std::uint8_t flags = 0;
  std::uint16_t zero = 0;
  std::uint32_t content_bytes = 0;
  std::uint32_t stored_bytes = 0;
  std::uint32_t checksum = 0;  // CRC-32 of what stands before it, and of the stored bytes
};
static_assert(sizeof(BlockHeader) == block_header_bytes);

std::uint32_t checksum_of(const BlockHeader& header, std::string_view stored) {
  const auto part = [](uLong crc, const void* bytes, std::size_t size) {
    return crc32(crc, static_cast<const Bytef*>(bytes), static_cast<uInt>(size));
  };
  return static_cast<std::uint32_t>(
      part(part(crc32(0, nullptr, 0), &header, offsetof(BlockHeader, checksum)), stored.data(), stored.size()));
}

// Empty where it would not become shorter.
std::string compress_block(std::string_view content) {
  uLongf size = content.size();
  std::string stored(size, '\0');
  const int result = compress2(reinterpret_cast<Bytef*>(stored.data()), &size,
                               reinterpret_cast<const Bytef*>(content.data()), content.size(), fast);
  stored.resize(result == Z_OK && size < content.size() ? size : 0);
  return stored;
}

template <class T>
std::string_view bytes_of(const T& value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

Failure at(std::uint64_t offset, const InputFile& file, const std::string& what) {
  return fail(fmt::format("{}: offset {}: {}", file.name(), offset, what));
}

// Reads exactly so many bytes; fewer are an error.
Result<> read_exactly(InputFile& file, std::span<std::byte> into, std::uint64_t offset) {
  const auto got = file.read(into);
  if (!got) return at(file.position(), file, got.error().message);
  if (*got < into.size()) return at(offset, file, "the file ends within a block");
  return {};
}

Result<> check(const BlockHeader& header, const InputFile& file, std::uint64_t offset) {
  if (header.magic != block_magic) return at(offset, file, "here no block begins");
  const bool known = header.kind >= static_cast<std::uint8_t>(BlockKind::header) &&
                     header.kind <= static_cast<std::uint8_t>(BlockKind::end);
  const bool compressed = (header.flags & is_compressed) != 0;
  const bool sizes = header.content_bytes <= largest_block && header.stored_bytes <= header.content_bytes &&
                     (compressed || header.stored_bytes == header.content_bytes);
  if (!known || !sizes || header.zero != 0 || (header.flags & ~is_compressed) != 0)
    return at(offset, file, "this block's header is damaged");
  return {};
}

}  // namespace

std::string encode_file_start() {
  std::string start(file_magic);
  start += bytes_of(file_version);
  return start;
}

std::string encode_block(BlockKind kind, std::string_view content) {
  const std::string compressed = compress_block(content);
  const std::string_view stored = compressed.empty() ? content : std::string_view(compressed);
  BlockHeader header;
  header.kind = static_cast<std::uint8_t>(kind);
  header.flags = compressed.empty() ? 0 : is_compressed;
  header.content_bytes = static_cast<std::uint32_t>(content.size());
  header.stored_bytes = static_cast<std::uint32_t>(stored.size());
  header.checksum = checksum_of(header, stored);
  std::string block(bytes_of(header));
  block += stored;
  return block;
}

Result<> read_file_start(InputFile& file) {
  std::array<std::byte, file_magic.size() + sizeof file_version> start{};
  TRY(read_exactly(file, start, 0));
  std::string_view magic;
  std::uint32_t version = 0;
  ByteReader reader(start);
  if (!reader.read_text(file_magic.size(), magic) || magic != file_magic) return at(0, file, "this is no recording");
  if (!reader.read(version) || version != file_version)
    return at(file_magic.size(), file,
              fmt::format("this recording has version {}; this program reads version {}", version, file_version));
  return {};
}

Result<std::optional<Block>> read_block(InputFile& file) {
  const std::uint64_t offset = file.position();
  std::array<std::byte, block_header_bytes> bytes{};
  const auto got = file.read(bytes);
  if (!got) return at(file.position(), file, got.error().message);
  if (*got == 0) return std::nullopt;
  BlockHeader header;
  if (*got < bytes.size() || !ByteReader(bytes).read(header)) return at(offset, file, "the file ends within a block");
  TRY(check(header, file, offset));
  std::string stored(header.stored_bytes, '\0');
  TRY(read_exactly(file, std::as_writable_bytes(std::span(stored)), offset));
  if (checksum_of(header, stored) != header.checksum)
    return at(offset, file, "this block is damaged: its checksum differs");
  Block block{static_cast<BlockKind>(header.kind), {}};
  if ((header.flags & is_compressed) == 0) {
    block.content = std::move(stored);
    return block;
  }
  block.content.resize(header.content_bytes);
  uLongf size = header.content_bytes;
  const int result = uncompress(reinterpret_cast<Bytef*>(block.content.data()), &size,
                                reinterpret_cast<const Bytef*>(stored.data()), stored.size());
  if (result != Z_OK || size != header.content_bytes) return at(offset, file, "this block cannot be uncompressed");
  return block;
}

}  // namespace subfloor::recording
