// SPDX-License-Identifier: Apache-2.0
#include "exporters/json/json_writer.h"

#include <array>
#include <charconv>
#include <chrono>
#include <cmath>

#include "telemetry/utf8.h"

namespace subfloor::json {
namespace {

// Bytes that stand for themselves inside quotes: ASCII but controls, quote and backslash.
constexpr std::array<bool, 256> plain = [] {
  std::array<bool, 256> table{};
  for (std::size_t c = 0x20; c < 0x7f; ++c) table[c] = c != '"' && c != '\\';
  return table;
}();

void append_escape(std::string& out, char c) {
  constexpr std::string_view digits = "0123456789abcdef";
  switch (c) {
    case '"': out += "\\\""; return;
    case '\\': out += "\\\\"; return;
    case '\n': out += "\\n"; return;
    case '\r': out += "\\r"; return;
    case '\t': out += "\\t"; return;
    default: break;
  }
  // DEL and the C0 controls; a terminal must not obey what a stranger sent.
  const auto byte = static_cast<unsigned char>(c);
  out += "\\u00";
  out += digits[byte >> 4];
  out += digits[byte & 15];
}

void append_content(std::string& out, std::string_view text) {
  while (!text.empty()) {
    std::size_t run = 0;
    while (run < text.size() && plain[static_cast<unsigned char>(text[run])]) ++run;
    out.append(text, 0, run);
    text.remove_prefix(run);
    if (text.empty()) return;
    const utf8::Step step = utf8::step(text);
    if (!step.valid) {
      out.append(utf8::replacement);
    } else if (step.size == 1) {
      append_escape(out, text.front());
    } else {
      out.append(text, 0, step.size);
    }
    text.remove_prefix(step.size);
  }
}

template <class Number>
void append_number(std::string& out, Number value) {
  std::array<char, 32> digits;
  const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), value);
  out.append(digits.data(), end);
}

// value with leading zeros, in exactly `width` digits.
void append_padded(std::string& out, std::uint64_t value, std::size_t width) {
  std::array<char, 20> digits;
  for (std::size_t i = width; i-- > 0; value /= 10) digits[i] = static_cast<char>('0' + value % 10);
  out.append(digits.data(), width);
}

}  // namespace

void append_string(std::string& out, std::string_view text) {
  out += '"';
  append_content(out, text);
  out += '"';
}

void ObjectWriter::key(std::string_view name) {
  comma();
  out_ += '"';
  out_.append(name);
  out_ += "\":";
}

void ObjectWriter::prefixed_text(std::string_view prefix, std::string_view name, std::string_view value) {
  comma();
  out_ += '"';
  out_.append(prefix);
  append_content(out_, name);
  out_ += "\":";
  append_string(out_, value);
}

void ObjectWriter::untrusted_key(std::string_view prefix, std::string_view name) {
  comma();
  out_ += '"';
  out_.append(prefix);
  const std::size_t start = out_.size();
  append_content(out_, name);
  for (std::size_t i = start; i < out_.size(); ++i) {
    if (out_[i] >= 'A' && out_[i] <= 'Z') out_[i] = static_cast<char>(out_[i] - 'A' + 'a');
  }
  out_ += "\":";
}

void ObjectWriter::number(std::string_view name, double value) {
  key(name);
  if (std::isfinite(value)) {
    append_number(out_, value);
  } else {
    out_ += "null";
  }
}

void ObjectWriter::append_integer(std::int64_t value) { append_number(out_, value); }
void ObjectWriter::append_integer(std::uint64_t value) { append_number(out_, value); }

void ObjectWriter::time(std::string_view name, Nanoseconds unix_time) {
  constexpr std::uint64_t second = 1'000'000'000, day = 86'400;
  key(name);
  const std::uint64_t seconds = unix_time / second;
  const std::chrono::year_month_day date{std::chrono::sys_days{std::chrono::days{static_cast<int>(seconds / day)}}};
  const std::uint64_t of_day = seconds % day;
  out_ += '"';
  append_padded(out_, static_cast<std::uint64_t>(static_cast<int>(date.year())), 4);
  out_ += '-';
  append_padded(out_, static_cast<unsigned>(date.month()), 2);
  out_ += '-';
  append_padded(out_, static_cast<unsigned>(date.day()), 2);
  out_ += 'T';
  append_padded(out_, of_day / 3600, 2);
  out_ += ':';
  append_padded(out_, of_day / 60 % 60, 2);
  out_ += ':';
  append_padded(out_, of_day % 60, 2);
  out_ += '.';
  append_padded(out_, unix_time % second, 9);
  out_ += "Z\"";
}

}  // namespace subfloor::json
