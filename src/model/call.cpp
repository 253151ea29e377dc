// SPDX-License-Identifier: Apache-2.0
#include "model/call.h"

#include <algorithm>
#include <array>

namespace subfloor {
namespace {

constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

}  // namespace

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return x == y || lower(x) == lower(y); });
}

void HeaderList::add(std::string_view name, std::string_view value) {
  const auto start = static_cast<std::uint32_t>(block_.size());
  const auto name_size = static_cast<std::uint32_t>(name.size());
  entries_.push_back({start, name_size, start + name_size, static_cast<std::uint32_t>(value.size())});
  block_.append(name).append(value);
}

void HeaderList::replace_value(std::size_t i, std::string_view value) {
  Entry& entry = entries_[i];
  std::fill_n(block_.begin() + entry.value, entry.value_size, '\0');  // what was redacted stays nowhere
  entry.value = static_cast<std::uint32_t>(block_.size());
  entry.value_size = static_cast<std::uint32_t>(value.size());
  block_.append(value);
}

HeaderList::Field HeaderList::operator[](std::size_t i) const {
  const Entry& entry = entries_[i];
  const std::string_view block = block_;
  return {block.substr(entry.name, entry.name_size), block.substr(entry.value, entry.value_size)};
}

std::optional<std::string_view> HeaderList::find(std::string_view name) const {
  for (std::size_t i = 0; i < size(); ++i) {
    const Field field = (*this)[i];
    if (equal_ignoring_case(field.name, name)) return field.value;
  }
  return std::nullopt;
}

void Call::clear() {
  kind = Kind::server;
  protocol = &no_protocol;
  start = request_end = first_byte = end = 0;
  pid = tid = 0;
  position.reset();
  for (std::string* text : {&operation, &target, &path, &query, &version, &error}) text->clear();
  status.reset();
  attributes.clear();
  resolutions.clear();
  request_headers.clear();
  response_headers.clear();
  headers_kept = true;
  request_body_bytes = response_body_bytes = 0;
  partial = partial_no;
}

std::vector<std::string_view> partial_reasons(std::uint8_t partial) {
  constexpr std::array<std::pair<std::uint8_t, std::string_view>, 6> names{{
      {partial_joined_late, "joined_late"},
      {partial_lost, "lost"},
      {partial_no_response, "no_response"},
      {partial_cut_short, "cut_short"},
      {partial_headers, "headers"},
      {partial_context, "context"},
  }};
  std::vector<std::string_view> reasons;
  for (const auto& [flag, name] : names)
    if ((partial & flag) != 0) reasons.push_back(name);
  return reasons;
}

}  // namespace subfloor
