// SPDX-License-Identifier: Apache-2.0
// Blocks: what a recording is made of. Each stands for itself: compressed and with a checksum of its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/input_file.h"
#include "base/result.h"

namespace subfloor::recording {

inline constexpr std::string_view file_magic{"\x89SFREC\r\n", 8};
inline constexpr std::uint32_t file_version = 1;

enum class BlockKind : std::uint8_t {
  header = 1,   // JSON: who recorded what; the first block, and only that
  entries = 2,
  end = 3,      // JSON: how it ended, and what was lost; the last block, missing where the recording was cut off
};

inline constexpr std::size_t block_header_bytes = 20;
inline constexpr std::size_t largest_block = std::size_t{1} << 20;  // of content

// The first bytes of the file: magic and version.
[[nodiscard]] std::string encode_file_start();
// content is at most largest_block bytes.
[[nodiscard]] std::string encode_block(BlockKind kind, std::string_view content);

struct Block {
  BlockKind kind = BlockKind::entries;
  std::string content;
};

// Reads magic and version. Errors say at which offset what is wrong.
[[nodiscard]] Result<> read_file_start(InputFile& file);
// The next block; nothing at the end of the file.
[[nodiscard]] Result<std::optional<Block>> read_block(InputFile& file);

}  // namespace subfloor::recording
