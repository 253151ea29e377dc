// SPDX-License-Identifier: Apache-2.0
#include "protocols/http2/table_memory.h"

#include <string.h>  // explicit_bzero
#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <new>

namespace subfloor::protocols::http2 {
namespace {

constexpr std::size_t smallest = 32;
constexpr std::size_t usual_chunk = 16 * 1024;

}  // namespace

struct alignas(16) TableMemory::Block {
  std::size_t kind;  // class
  Block* next;       // free one
};

TableMemory::TableMemory()
    : allocator_{this, [](std::size_t bytes, void* self) { return static_cast<TableMemory*>(self)->allocate(bytes); },
                 [](void* memory, void* self) { static_cast<TableMemory*>(self)->free(memory); },
                 [](std::size_t count, std::size_t bytes, void* self) -> void* {
                   if (bytes != 0 && count > SIZE_MAX / bytes) return nullptr;
                   void* const memory = static_cast<TableMemory*>(self)->allocate(count * bytes);
                   return memory == nullptr ? nullptr : memset(memory, 0, count * bytes);
                 },
                 [](void* memory, std::size_t bytes, void* self) {
                   return static_cast<TableMemory*>(self)->reallocate(memory, bytes);
                 }} {}

TableMemory::~TableMemory() {
  for (const Chunk& chunk : chunks_) munmap(chunk.memory, chunk.size);
}

std::size_t TableMemory::class_of(std::size_t bytes) {
  return static_cast<std::size_t>(std::countr_zero(std::bit_ceil(std::max(bytes, smallest)))) -
         static_cast<std::size_t>(std::countr_zero(smallest));
}

std::byte* TableMemory::carve(std::size_t bytes) {
  if (left_ < bytes) {
    const std::size_t size = std::max(usual_chunk, bytes);
    void* const memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return nullptr;
    madvise(memory, size, MADV_DONTDUMP);
    chunks_.push_back({memory, size});
    size_ += size;
    left_ = size;
  }
  const Chunk& last = chunks_.back();
  std::byte* const at = static_cast<std::byte*>(last.memory) + (last.size - left_);
  left_ -= bytes;
  return at;
}

void* TableMemory::allocate(std::size_t bytes) {
  if (bytes > (smallest << (classes - 1)) - sizeof(Block)) return nullptr;
  const std::size_t kind = class_of(bytes + sizeof(Block));
  Block* block = free_[kind];
  if (block != nullptr) {
    free_[kind] = block->next;
  } else {
    std::byte* const memory = carve(smallest << kind);
    if (memory == nullptr) return nullptr;
    block = new (memory) Block{};
  }
  block->kind = kind;
  return block + 1;
}

void TableMemory::free(void* memory) {
  if (memory == nullptr) return;
  Block* const block = static_cast<Block*>(memory) - 1;
  explicit_bzero(memory, (smallest << block->kind) - sizeof(Block));
  block->next = free_[block->kind];
  free_[block->kind] = block;
}

void* TableMemory::reallocate(void* memory, std::size_t bytes) {
  if (memory == nullptr) return allocate(bytes);
  const std::size_t had = (smallest << (static_cast<Block*>(memory) - 1)->kind) - sizeof(Block);
  if (bytes <= had) return memory;
  void* const larger = allocate(bytes);
  if (larger == nullptr) return nullptr;
  memcpy(larger, memory, had);
  free(memory);
  return larger;
}

}  // namespace subfloor::protocols::http2
