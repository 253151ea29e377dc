// SPDX-License-Identifier: Apache-2.0
#include "recording/entry.h"

#include <algorithm>

#include "base/byte_reader.h"

namespace subfloor::recording {
namespace {

constexpr std::size_t text_limit = 4096;
constexpr std::size_t argument_limit = 1024;

struct EntryHeader {
  std::uint8_t kind = 0;
  std::uint8_t zero[3] = {};
  std::uint32_t bytes = 0;
};
static_assert(sizeof(EntryHeader) == 8);

template <class T>
void append_raw(std::string& out, const T& value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

void append_text(std::string& out, std::string_view text) {
  const std::string_view kept = text.substr(0, text_limit);
  append_raw(out, static_cast<std::uint32_t>(kept.size()));
  out += kept;
}

bool read_text(ByteReader& reader, std::string& text) {
  std::uint32_t size = 0;
  std::string_view bytes;
  if (!reader.read(size) || size > text_limit || !reader.read_text(size, bytes)) return false;
  text = bytes;
  return true;
}

struct ProcessNumbers {
  std::uint64_t start_time = 0;
  std::uint32_t pid = 0, parent_pid = 0, uid = 0;
  std::uint8_t uid_known = 0, arguments_truncated = 0, language = 0, zero = 0;
  std::uint32_t arguments = 0, zero_too = 0;
};
static_assert(sizeof(ProcessNumbers) == 32);

}  // namespace

void append_entry(std::string& block, EntryKind kind, std::span<const std::byte> content) {
  EntryHeader header;
  header.kind = static_cast<std::uint8_t>(kind);
  header.bytes = static_cast<std::uint32_t>(content.size());
  append_raw(block, header);
  block.append(reinterpret_cast<const char*>(content.data()), content.size());
}

std::optional<Entry> take_entry(std::span<const std::byte>& block) {
  EntryHeader header;
  if (!ByteReader(block).read(header) || header.bytes > largest_entry) return std::nullopt;
  if (header.kind < static_cast<std::uint8_t>(EntryKind::record) ||
      header.kind > static_cast<std::uint8_t>(EntryKind::stop) || block.size() - sizeof header < header.bytes)
    return std::nullopt;
  const Entry entry{static_cast<EntryKind>(header.kind), block.subspan(sizeof header, header.bytes)};
  block = block.subspan(sizeof header + header.bytes);
  return entry;
}

std::string encode(const Process& process) {
  ProcessNumbers numbers;
  numbers.start_time = process.start_time;
  numbers.pid = process.pid;
  numbers.parent_pid = process.parent_pid;
  numbers.uid = process.uid;
  numbers.uid_known = process.uid_known ? 1 : 0;
  numbers.arguments_truncated = process.arguments_truncated ? 1 : 0;
  numbers.language = static_cast<std::uint8_t>(process.language);
  const std::size_t arguments = std::min(process.arguments.size(), argument_limit);
  numbers.arguments = static_cast<std::uint32_t>(arguments);
  std::string out;
  append_raw(out, numbers);
  for (const std::string* text : {&process.comm, &process.executable, &process.cgroup, &process.container_id})
    append_text(out, *text);
  for (std::size_t i = 0; i < arguments; ++i) append_text(out, process.arguments[i]);
  return out;
}

std::optional<Process> decode_process(std::span<const std::byte> content) {
  ByteReader reader(content);
  ProcessNumbers numbers;
  if (!reader.read(numbers) || numbers.arguments > argument_limit) return std::nullopt;
  if (numbers.language > static_cast<std::uint8_t>(Language::dotnet)) return std::nullopt;
  Process process;
  process.start_time = numbers.start_time;
  process.pid = numbers.pid;
  process.parent_pid = numbers.parent_pid;
  process.uid = numbers.uid;
  process.uid_known = numbers.uid_known != 0;
  process.arguments_truncated = numbers.arguments_truncated != 0;
  process.language = static_cast<Language>(numbers.language);
  for (std::string* text : {&process.comm, &process.executable, &process.cgroup, &process.container_id})
    if (!read_text(reader, *text)) return std::nullopt;
  process.arguments.resize(numbers.arguments);
  for (std::string& argument : process.arguments)
    if (!read_text(reader, argument)) return std::nullopt;
  return process;
}

std::string encode(const Moment& moment) {
  std::string out;
  append_raw(out, moment);
  return out;
}

std::optional<Moment> decode_moment(std::span<const std::byte> content) {
  Moment moment;
  if (!ByteReader(content).read(moment)) return std::nullopt;
  return moment;
}

}  // namespace subfloor::recording
