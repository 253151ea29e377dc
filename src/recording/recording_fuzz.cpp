// SPDX-License-Identifier: Apache-2.0
// The input is taken twice: as a recording, and, since checksums would stop nearly all of these, as the content of a
// block of one.
#include <cstdint>
#include <cstdlib>

#include "recording/reader.h"
#include "support/memory_file.h"

namespace {

using namespace subfloor;
using namespace subfloor::recording;

// Entries that were read are of a kind, within bounds, and those that can be encoded anew stay what they are.
void check(const Entry& entry) {
  if (entry.content.size() > largest_entry) std::abort();
  if (entry.kind == EntryKind::process) {
    const auto process = decode_process(entry.content);
    if (!process) return;
    const std::string again = encode(*process);
    if (decode_process(std::as_bytes(std::span(again))) != process) std::abort();
  } else if (entry.kind != EntryKind::record) {
    (void)decode_moment(entry.content);
  }
}

bool read(std::string_view content) {
  const subfloor::testing::MemoryFile memory(content);
  auto input = InputFile::open(memory.path());
  if (!input) return false;
  auto reader = Reader::open(*std::move(input));
  if (!reader) return false;
  for (;;) {
    const auto entry = (*reader)->next();
    if (!entry) return false;
    if (!*entry) return true;
    check(**entry);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  (void)read(input);
  if (size > largest_block) return 0;
  const std::string wrapped = encode_file_start() + encode_block(BlockKind::header, "{}") +
                              encode_block(BlockKind::entries, input) + encode_block(BlockKind::end, "{}");
  (void)read(wrapped);
  return 0;
}
