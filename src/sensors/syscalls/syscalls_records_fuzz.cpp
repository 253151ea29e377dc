// SPDX-License-Identifier: Apache-2.0
// Any bytes as a record. Checked: what it tells is no longer than the record, and stays where it is.
#include <algorithm>
#include <string>

#include "base/fuzzing.h"
#include "sensors/syscalls/records.h"

namespace {

using namespace subfloor;
using fuzzing::require;

// Touches every byte, for AddressSanitizer.
volatile unsigned touched = 0;

void check_text(std::string_view text, std::size_t limit) {
  require(text.size() <= limit);
  unsigned sum = 0;
  for (const char c : text) sum += static_cast<unsigned char>(c);
  touched = touched + sum;
}

void check_path(std::string_view path, bool from_root, std::size_t limit) {
  check_text(path, limit);
  require(!from_root || path.starts_with('/'));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static sensors::SyscallReader reader;  // of one record after another
  const std::string input(fuzzing::text_of(data, size));
  const auto call = reader.read(fuzzing::bytes_of(input));
  if (!call) return 0;
  const std::size_t limit = size + 1;
  require(size >= sizeof(syscalls_record));
  if (call->file) {
    check_path(call->file->path, !call->file->path_truncated && !call->file->pseudo, limit);
    require(call->file->name.known() == (sensors::name_of(call->file->name).chain != 0));
  }
  if (call->socket) check_text(call->socket->unix_path, limit);
  if (call->address) {
    check_text(call->address->bytes, limit);
    check_text(call->address->unix_path, limit);
  }
  for (const SyscallText& text : call->text) check_text(text.text, limit);
  for (std::size_t i = 0; i < call->directory.size(); ++i)
    check_path(call->directory[i], !call->directory[i].empty() && !call->directory_truncated[i], limit);
  check_text(call->content, limit);
  return 0;
}
