// SPDX-License-Identifier: Apache-2.0
#include "exporters/otlp/wire/attributes.h"

#include <charconv>

#include "telemetry/utf8.h"

namespace subfloor::otlp {
namespace {

using opentelemetry::proto::common::v1::AnyValue;

AnyValue& value_of(KeyValues& to, std::string_view key) {
  auto* const added = to.Add();
  added->set_key(std::string(key));
  return *added->mutable_value();
}

int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

}  // namespace

void add_text(KeyValues& to, std::string_view key, std::string_view value) {
  value_of(to, key).set_string_value(utf8::printable(value));
}

void add_integer(KeyValues& to, std::string_view key, std::int64_t value) { value_of(to, key).set_int_value(value); }
void add_double(KeyValues& to, std::string_view key, double value) { value_of(to, key).set_double_value(value); }
void add_boolean(KeyValues& to, std::string_view key, bool value) { value_of(to, key).set_bool_value(value); }

void add_integers(KeyValues& to, std::string_view key, std::span<const std::uint64_t> values) {
  auto* const list = value_of(to, key).mutable_array_value();
  for (const std::uint64_t value : values) list->add_values()->set_int_value(static_cast<std::int64_t>(value));
}

void add_texts(KeyValues& to, std::string_view key, std::span<const std::string_view> values) {
  auto* const list = value_of(to, key).mutable_array_value();
  for (const std::string_view value : values) list->add_values()->set_string_value(utf8::printable(value));
}

void add_label(KeyValues& to, const Label& label) {
  if (label.type == LabelType::boolean) return add_boolean(to, label.name, label.value == "true");
  std::int64_t number = 0;
  const char* const end = label.value.data() + label.value.size();
  if (label.type == LabelType::integer && std::from_chars(label.value.data(), end, number).ptr == end)
    return add_integer(to, label.name, number);
  add_text(to, utf8::printable(label.name), label.value);
}

std::string bytes_of_hex(std::string_view hex) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    const int high = digit(hex[i]), low = digit(hex[i + 1]);
    if (high < 0 || low < 0) return {};
    bytes += static_cast<char>(high << 4 | low);
  }
  return bytes;
}

}  // namespace subfloor::otlp
