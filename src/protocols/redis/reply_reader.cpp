// SPDX-License-Identifier: Apache-2.0
#include "protocols/redis/reply_reader.h"

namespace subfloor::protocols::redis {
namespace {

constexpr std::uint64_t line_limit = 1024 * 1024;
constexpr std::int64_t string_limit = std::int64_t{1} << 40;     // bytes
constexpr std::int64_t aggregate_limit = std::int64_t{1} << 32;  // elements
constexpr std::uint64_t wanted_limit = std::uint64_t{1} << 48;   // of aggregates inside each other

std::string_view first_word(std::string_view text) { return text.substr(0, text.find(' ')); }

bool is_integer(std::string_view text) {
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  return !text.empty() && text.find_first_not_of("0123456789") == text.npos;
}

}  // namespace

void ReplyReader::forget() {
  if (!reply_.word.empty()) explicit_bzero(word_.data(), word_.size());
  reply_.word = {};
}

void ReplyReader::reset() { *this = ReplyReader(); }

ReplyReader::Step ReplyReader::take(std::string_view& bytes) {
  if (done_) {
    done_ = false;
    wanted_ = 1;
    reply_ = {};
  }
  while (!bytes.empty()) {
    Step step = Step::more;
    switch (state_) {
      case State::line:
        if (!line_.take(bytes)) return line_.size() > line_limit ? Step::malformed : Step::more;
        reply_.size += line_.length();
        step = on_line();
        line_.wipe();
        break;
      case State::data: {
        const std::size_t size = left_ < bytes.size() ? static_cast<std::size_t>(left_) : bytes.size();
        if (wants_word_) on_word(bytes.substr(0, size));
        left_ -= size;
        reply_.size += size;
        bytes.remove_prefix(size);
        if (left_ != 0) return Step::more;
        wants_word_ = false;
        left_ = 2;
        state_ = State::data_end;
        break;
      }
      case State::data_end:
        if (bytes.front() != (left_ == 2 ? '\r' : '\n')) return Step::malformed;
        bytes.remove_prefix(1);
        ++reply_.size;
        if (--left_ != 0) break;
        state_ = State::line;
        step = chunks_ ? Step::more : end_element();
        break;
    }
    if (step != Step::more) return step;
  }
  return Step::more;
}

ReplyReader::Step ReplyReader::pass(std::uint64_t& count) {
  while (count > 0 && state_ != State::line) {
    const std::uint64_t size = left_ < count ? left_ : count;
    left_ -= size;
    count -= size;
    reply_.size += size;
    if (left_ != 0) break;
    wants_word_ = false;
    if (state_ == State::data) {
      left_ = 2;
      state_ = State::data_end;
    } else {
      state_ = State::line;
      if (!chunks_ && end_element() == Step::reply) return Step::reply;
    }
  }
  return Step::more;
}

// Of an error the first word counts, of an array or push the first element where that is a string.
void ReplyReader::on_word(std::string_view text) {
  const std::size_t had = reply_.word.size();
  const std::size_t size = text.size() < word_.size() - had ? text.size() : word_.size() - had;
  std::memcpy(word_.data() + had, text.data(), size);
  reply_.word = {word_.data(), had + size};
}

ReplyReader::Step ReplyReader::on_line() {
  const std::string_view line = line_.text();
  const bool first = reply_.type == 0 && wanted_ == 1 && depth_ == 0;  // not of an attribute
  if (line.empty()) return Step::malformed;
  if (!line_.ends_with_crlf()) return Step::malformed;
  const char type = line.front();
  const std::string_view rest = line.substr(1);
  if (chunks_ && type != ';') return Step::malformed;
  if (depth_ > 0 && wanted_ == 0) {  // an aggregate of unknown length goes on, or ends
    if (type == '.') {
      if (!rest.empty()) return Step::malformed;
      wanted_ = streams_[--depth_];
      return end_element();
    }
    wanted_ = 1;
  }
  if (first && type != '|') reply_.type = type;
  switch (type) {
    case '-':
    case '+':
      if (first || wants_word_) on_word(first_word(rest));
      wants_word_ = false;
      return end_element();
    case ':':
    case '(': wants_word_ = false; return is_integer(rest) ? end_element() : Step::malformed;
    case ',': wants_word_ = false; return rest.empty() ? Step::malformed : end_element();
    case '#': wants_word_ = false; return rest == "t" || rest == "f" ? end_element() : Step::malformed;
    case '_':
      wants_word_ = false;
      if (!rest.empty()) return Step::malformed;
      reply_.null |= first;
      return end_element();
    case '$':
    case '=':
    case '!':
      wants_word_ = wants_word_ || (first && type == '!');
      if (rest == "-1") {
        reply_.null |= first;
        wants_word_ = false;
        return end_element();
      }
      return on_string(rest) ? Step::more : Step::malformed;
    case ';': {
      if (!chunks_) return Step::malformed;
      if (rest != "0") return on_string(rest) ? Step::more : Step::malformed;
      chunks_ = false;
      wants_word_ = false;
      return end_element();
    }
    case '*':
    case '~':
    case '%':
    case '>':
    case '|':
      wants_word_ = first && (type == '*' || type == '>');
      if (rest == "-1" && type == '*') {
        reply_.null |= first;
        wants_word_ = false;
        return end_element();
      }
      return on_aggregate(type, rest) ? finish() : Step::malformed;
    default: return Step::malformed;
  }
}

bool ReplyReader::on_string(std::string_view length) {
  if (length == "?") {
    chunks_ = true;
    return true;
  }
  const auto bytes = parse_number(length, false);
  if (!bytes || *bytes > string_limit) return false;
  left_ = static_cast<std::uint64_t>(*bytes);
  state_ = State::data;
  if (left_ == 0) {
    left_ = 2;
    state_ = State::data_end;
    wants_word_ = false;
  }
  return true;
}

// Its elements are wanted in place of itself; of an attribute, besides.
bool ReplyReader::on_aggregate(char type, std::string_view length) {
  if (length == "?") {
    if (depth_ == streams_.size()) return false;
    streams_[depth_++] = wanted_ + (type == '|' ? 1 : 0);
    wanted_ = 0;
    return true;
  }
  const auto elements = parse_number(length, false);
  if (!elements || *elements > aggregate_limit) return false;
  if (*elements == 0) wants_word_ = false;
  const bool pairs = type == '%' || type == '|';
  wanted_ += static_cast<std::uint64_t>(*elements) * (pairs ? 2 : 1);
  if (type != '|') --wanted_;
  return wanted_ <= wanted_limit;
}

ReplyReader::Step ReplyReader::end_element() {
  --wanted_;
  return finish();
}

ReplyReader::Step ReplyReader::finish() {
  if (wanted_ != 0 || depth_ != 0) return Step::more;
  done_ = true;
  return Step::reply;
}

}  // namespace subfloor::protocols::redis
