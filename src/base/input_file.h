// SPDX-License-Identifier: Apache-2.0
// InputFile: a file, or standard input, read from its beginning to its end; gzip is undone on the way.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

struct gzFile_s;

namespace subfloor {

class InputFile {
 public:
  // path "-" is standard input.
  [[nodiscard]] static Result<std::unique_ptr<InputFile>> open(const std::string& path);
  ~InputFile();
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  // As many bytes as fit, fewer only at the end; 0 after it. A file that ends within its compression is an error.
  [[nodiscard]] Result<std::size_t> read(std::span<std::byte> into);
  // Some bytes, as soon as there are any; of a pipe, when it has 4 KiB. 0 at the end.
  [[nodiscard]] Result<std::size_t> read_some(std::span<std::byte> into);
  // The first bytes of all, at most 64, without taking them. Only before the first read.
  [[nodiscard]] Result<std::string_view> peek(std::size_t count);

  // Bytes given out so far.
  [[nodiscard]] std::uint64_t position() const { return position_; }
  // Bytes of the file itself read so far, and in all; 0 where nobody knows (a pipe).
  [[nodiscard]] std::uint64_t raw_position() const;
  [[nodiscard]] std::uint64_t raw_size() const { return raw_size_; }
  [[nodiscard]] const std::string& name() const { return name_; }

 private:
  InputFile(std::string name, gzFile_s* file, std::uint64_t raw_size);
  [[nodiscard]] Result<std::size_t> read_file(std::byte* into, std::size_t size);

  std::string name_;
  gzFile_s* file_;
  std::uint64_t raw_size_;
  std::uint64_t position_ = 0;
  std::string peeked_;  // read and not given out yet
};

}  // namespace subfloor
