// SPDX-License-Identifier: Apache-2.0
#include "rules/yaml_scalar.h"

#include <algorithm>

namespace subfloor::rules {
namespace {

bool is_white(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

// Walks value and source side by side.
class Walk {
 public:
  Walk(std::string_view value, std::string_view source, Place begin)
      : value_(value), source_(source), file_(begin.file), at_(std::min<std::size_t>(begin.offset, source.size())) {}

  MappedText run() {
    skip_properties();
    const char style = peek();
    if (style == '|' || style == '>') {
      skip_header();
    } else if (style == '"' || style == '\'') {
      ++at_;
      quote_ = style;
    }
    while (next_ < value_.size())
      if (!step()) break;
    while (next_ < value_.size()) take(0);
    return std::move(result_);
  }

 private:
  [[nodiscard]] char peek(std::size_t ahead = 0) const {
    return at_ + ahead < source_.size() ? source_[at_ + ahead] : '\0';
  }

  // One byte of the value, at the present place, which then moves on.
  void take(std::size_t source_bytes) {
    result_.append(value_[next_++], {file_, static_cast<std::uint32_t>(at_)});
    at_ += source_bytes;
  }

  // A tag and an anchor, which no plain scalar begins with.
  void skip_properties() {
    while (peek() == '!' || peek() == '&') {
      while (at_ < source_.size() && !is_white(source_[at_])) ++at_;
      while (at_ < source_.size() && is_white(source_[at_])) ++at_;
    }
  }

  void skip_header() {
    while (at_ < source_.size() && source_[at_] != '\n') ++at_;
    if (at_ < source_.size()) ++at_;
  }

  bool step() {
    if (quote_ == '"' && peek() == '\\') return escape();
    if (is_white(value_[next_])) return white();
    while (at_ < source_.size() && is_white(source_[at_])) ++at_;
    if (quote_ == '"' && peek() == '\\') return escape();
    if (peek() != value_[next_]) return false;
    const bool doubled = quote_ == '\'' && peek() == '\'' && peek(1) == '\'';
    take(doubled ? 2 : 1);
    return true;
  }

  // A run of white space in the value is one in the source, of whatever length: a newline and indentation for a blank.
  bool white() {
    while (next_ < value_.size() && is_white(value_[next_]) && !(quote_ == '"' && peek() == '\\'))
      take(is_white(peek()) ? 1 : 0);
    return true;
  }

  // An escape of double quotes: all bytes of the value that it makes are at its backslash.
  bool escape() {
    const char c = peek(1);
    if (c == '\n' || c == '\r') {
      at_ += 2;
      while (at_ < source_.size() && is_white(source_[at_])) ++at_;
      return true;
    }
    std::size_t bytes = 1;
    const auto lead = static_cast<unsigned char>(value_[next_]);
    if (lead >= 0xc0) bytes = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    for (; bytes > 0 && next_ < value_.size(); --bytes) take(0);
    at_ += c == 'x' ? 4 : c == 'u' ? 6 : c == 'U' ? 10 : 2;
    at_ = std::min(at_, source_.size());
    return true;
  }

  std::string_view value_, source_;
  std::uint32_t file_;
  std::size_t at_;  // in the source
  std::size_t next_ = 0;  // in the value
  char quote_ = '\0';
  MappedText result_;
};

}  // namespace

MappedText map_scalar(std::string_view value, std::string_view source, Place begin) {
  return Walk(value, source, begin).run();
}

}  // namespace subfloor::rules
