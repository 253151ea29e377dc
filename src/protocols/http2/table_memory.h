// SPDX-License-Identifier: Apache-2.0
// Memory for tables of header fields, which have to be kept while a connection lives, secrets among them: it is in no
// core file, is overwritten when given back, and serves a steady stream of blocks without asking the system for more.
#pragma once

#include <nghttp2/nghttp2.h>

#include <array>
#include <cstddef>
#include <vector>

namespace subfloor::protocols::http2 {

class TableMemory {
 public:
  TableMemory();
  ~TableMemory();
  TableMemory(const TableMemory&) = delete;
  TableMemory& operator=(const TableMemory&) = delete;

  // For nghttp2's functions that take an allocator; good as long as this is.
  [[nodiscard]] nghttp2_mem* allocator() { return &allocator_; }
  // Null where the system has none left.
  [[nodiscard]] void* allocate(std::size_t bytes);
  void free(void* memory);
  [[nodiscard]] void* reallocate(void* memory, std::size_t bytes);
  // Bytes taken from the system.
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  struct Block;  // before what allocate() gives
  struct Chunk {
    void* memory;
    std::size_t size;
  };
  static constexpr std::size_t classes = 14;  // of blocks: 32 bytes and each twice as large, up to 256 KiB

  [[nodiscard]] static std::size_t class_of(std::size_t bytes);
  [[nodiscard]] std::byte* carve(std::size_t bytes);

  nghttp2_mem allocator_;
  std::array<Block*, classes> free_{};
  std::vector<Chunk> chunks_;
  std::size_t left_ = 0;  // bytes of the last chunk that were never given
  std::size_t size_ = 0;
};

}  // namespace subfloor::protocols::http2
