// SPDX-License-Identifier: Apache-2.0
#include "recording/reader.h"

namespace subfloor::recording {

Failure Reader::damage(std::uint64_t offset, std::string_view what) const {
  return fail(fmt::format("{}: offset {}: {}", file_->name(), offset, what));
}

Result<nlohmann::json> Reader::parse(const Block& block, std::uint64_t offset) const {
  // Not deeper than what Subfloor writes: the library would recurse as deep as the text.
  const auto shallow = [](int depth, nlohmann::json::parse_event_t, nlohmann::json&) { return depth < 16; };
  auto object = nlohmann::json::parse(block.content, shallow, false);
  if (!object.is_object()) return damage(offset, "this is no JSON object");
  return object;
}

Result<std::unique_ptr<Reader>> Reader::open(std::unique_ptr<InputFile> file) {
  std::unique_ptr<Reader> reader(new Reader(std::move(file)));
  TRY(read_file_start(*reader->file_));
  const std::uint64_t offset = reader->file_->position();
  TRY_ASSIGN(const auto block, read_block(*reader->file_));
  if (!block || block->kind != BlockKind::header) return reader->damage(offset, "the recording has no header");
  TRY_ASSIGN(reader->header_, reader->parse(*block, offset));
  return reader;
}

Result<std::optional<Entry>> Reader::next() {
  while (rest_.empty()) {
    if (ended_) return std::nullopt;
    block_at_ = file_->position();
    TRY_ASSIGN(auto block, read_block(*file_));
    if (!block) return damage(block_at_, "the recording was cut off: it has no end");
    if (block->kind == BlockKind::header) return damage(block_at_, "a header where none may be");
    if (block->kind == BlockKind::end) {
      TRY_ASSIGN(end_, parse(*block, block_at_));
      ended_ = true;
      return std::nullopt;
    }
    block_ = std::move(*block);
    rest_ = std::as_bytes(std::span(block_.content));
  }
  const auto entry = take_entry(rest_);
  if (!entry) {
    rest_ = {};
    ended_ = true;
    return damage(block_at_, "this block holds an entry that is none");
  }
  return entry;
}

}  // namespace subfloor::recording
