// SPDX-License-Identifier: Apache-2.0
// Reader: a recording, entry by entry. Nothing in it is trusted.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string_view>

#include "base/input_file.h"
#include "base/result.h"
#include "recording/block.h"
#include "recording/entry.h"

namespace subfloor::recording {

class Reader {
 public:
  // Does a file that begins so look like a recording?
  [[nodiscard]] static bool recognise(std::string_view first_bytes) { return first_bytes.starts_with(file_magic); }

  [[nodiscard]] static Result<std::unique_ptr<Reader>> open(std::unique_ptr<InputFile> file);

  // The next entry, valid until the next call; nothing at the recording's end. An error names the offset where it was
  // met; a file that has no end, having been cut off, is one.
  [[nodiscard]] Result<std::optional<Entry>> next();

  // An object.
  [[nodiscard]] const nlohmann::json& header() const { return header_; }
  // An object; empty until the end has been read.
  [[nodiscard]] const nlohmann::json& end() const { return end_; }
  [[nodiscard]] const InputFile& file() const { return *file_; }

 private:
  explicit Reader(std::unique_ptr<InputFile> file) : file_(std::move(file)) {}
  [[nodiscard]] Failure damage(std::uint64_t offset, std::string_view what) const;
  [[nodiscard]] Result<nlohmann::json> parse(const Block& block, std::uint64_t offset) const;

  std::unique_ptr<InputFile> file_;
  nlohmann::json header_ = nlohmann::json::object(), end_ = nlohmann::json::object();
  Block block_;
  std::span<const std::byte> rest_;  // of block_
  std::uint64_t block_at_ = 0;
  bool ended_ = false;
};

}  // namespace subfloor::recording
