// SPDX-License-Identifier: Apache-2.0
#include "protocols/mysql/unpacker.h"

#include <zlib.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace subfloor::protocols::mysql {

// Nothing of what was unpacked stays in its memory: the output, and the window that zlib keeps of it.
struct Unpacker::Inflater {
  z_stream stream{};
  bool usable = false;
  std::array<char, 4096> out{};
  struct Block {
    void* memory = nullptr;
    std::size_t size = 0;
  };
  std::array<Block, 4> blocks{};

  Inflater() {
    stream.zalloc = [](void* self, uInt items, uInt size) {
      return static_cast<Inflater*>(self)->allocate(items * std::size_t{size});
    };
    stream.zfree = [](void* self, void* memory) { static_cast<Inflater*>(self)->release(memory); };
    stream.opaque = this;
    usable = inflateInit(&stream) == Z_OK;
  }
  ~Inflater() {
    wipe_output();
    if (usable) inflateEnd(&stream);
  }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  void* allocate(std::size_t size) {
    const auto free = std::find_if(blocks.begin(), blocks.end(), [](const Block& block) { return !block.memory; });
    if (free == blocks.end()) return nullptr;
    *free = {std::calloc(1, size), size};
    return free->memory;
  }
  void release(void* memory) {
    for (Block& block : blocks) {
      if (block.memory != memory) continue;
      explicit_bzero(memory, block.size);
      std::free(memory);
      block = {};
    }
  }
  // zlib allocates its state first, then the window.
  bool restart() {
    for (std::size_t i = 1; i < blocks.size(); ++i) {
      if (blocks[i].memory) explicit_bzero(blocks[i].memory, blocks[i].size);
    }
    return usable && inflateReset(&stream) == Z_OK;
  }
  void wipe_output() { explicit_bzero(out.data(), out.size()); }
};

void Unpacker::Delete::operator()(Inflater* inflater) const { delete inflater; }

void Unpacker::wipe() {
  if (!inflater_ || !dirty_) return;
  inflater_->wipe_output();
  if (remaining_ == 0 || ignoring_) (void)inflater_->restart();
  dirty_ = false;
}

void Unpacker::reset() {
  header_size_ = 0;
  remaining_ = held_ = 0;
  ignoring_ = starting_ = false;
}

void Unpacker::begin_packet() {
  const auto three = [&](std::size_t at) {
    return header_[at] | std::uint32_t{header_[at + 1]} << 8 | std::uint32_t{header_[at + 2]} << 16;
  };
  remaining_ = three(0);
  packed_ = three(4) != 0;
  held_ = packed_ ? three(4) : remaining_;
  header_size_ = 0;
  ignoring_ = false;
  starting_ = true;
}

// What the packet still holds will not be known.
Unpacker::Piece Unpacker::give_up() {
  ignoring_ = true;
  const std::uint64_t gap = held_;
  held_ = 0;
  return {.gap = gap};
}

Unpacker::Piece Unpacker::take(std::string_view& bytes, std::uint64_t unwanted) {
  while (true) {
    if (remaining_ == 0 && held_ == 0) {
      while (header_size_ < header_bytes && !bytes.empty()) {
        header_[header_size_++] = static_cast<std::uint8_t>(bytes.front());
        bytes.remove_prefix(1);
      }
      if (header_size_ < header_bytes) return {};
      begin_packet();
      continue;
    }
    if (starting_) {
      starting_ = false;
      if (held_ > 0 && unwanted >= held_) return give_up();
      if (packed_ && !inflater_) inflater_.reset(new Inflater);
      if (packed_ && !inflater_->restart()) return give_up();
    }
    if (ignoring_) {
      const std::size_t n = std::min<std::size_t>(remaining_, bytes.size());
      bytes.remove_prefix(n);
      remaining_ -= static_cast<std::uint32_t>(n);
      if (remaining_ > 0) return {};
      continue;
    }
    if (packed_) {
      const Piece piece = inflate_some(bytes);
      if (!piece.bytes.empty() || piece.gap > 0) return piece;
      if (bytes.empty() && remaining_ > 0) return {};
      continue;
    }
    const std::string_view piece = bytes.substr(0, remaining_);
    if (piece.empty()) return {};
    bytes.remove_prefix(piece.size());
    remaining_ -= static_cast<std::uint32_t>(piece.size());
    held_ = remaining_;
    return {.bytes = piece};
  }
}

// At most one buffer full. Where the data is broken, or says to hold more or less than it does, the rest is unknown.
Unpacker::Piece Unpacker::inflate_some(std::string_view& bytes) {
  z_stream& stream = inflater_->stream;
  dirty_ = true;
  const std::string_view input = bytes.substr(0, remaining_);
  // zlib does not write to its input. NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast)
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(input.data()));
  stream.avail_in = static_cast<uInt>(input.size());
  stream.next_out = reinterpret_cast<Bytef*>(inflater_->out.data());
  const std::size_t room = std::min<std::size_t>(inflater_->out.size(), held_);
  stream.avail_out = static_cast<uInt>(room);
  const int result = room > 0 ? inflate(&stream, Z_NO_FLUSH) : Z_STREAM_END;
  const std::size_t used = input.size() - stream.avail_in, made = room - stream.avail_out;
  bytes.remove_prefix(used);
  remaining_ -= static_cast<std::uint32_t>(used);
  held_ -= static_cast<std::uint32_t>(made);
  const bool over = result != Z_OK && result != Z_BUF_ERROR;
  if (over || held_ == 0 || (remaining_ == 0 && made == 0)) {
    Piece rest = give_up();
    rest.bytes = std::string_view(inflater_->out.data(), made);
    return rest;
  }
  return {.bytes = std::string_view(inflater_->out.data(), made)};
}

Unpacker::Piece Unpacker::pass(std::uint64_t& count) {
  if (count == 0) return {};
  if (remaining_ == 0) {
    reset();
    count = 0;
    return {.lost = true};
  }
  starting_ = false;
  const std::uint64_t n = std::min<std::uint64_t>(remaining_, count);
  count -= n;
  remaining_ -= static_cast<std::uint32_t>(n);
  if (packed_ || ignoring_) return give_up();
  held_ = remaining_;
  return {.gap = n};
}

}  // namespace subfloor::protocols::mysql
