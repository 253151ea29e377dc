// SPDX-License-Identifier: Apache-2.0
#include "protocols/redis/command_reader.h"

#include <algorithm>

namespace subfloor::protocols::redis {
namespace {

constexpr std::int64_t arguments_limit = std::int64_t{1} << 31;
constexpr std::int64_t argument_limit = std::int64_t{1} << 40;  // bytes
constexpr std::string_view blanks = " \t\v\f\r";

// The next word of a line, and the line without it; empty where there is none.
std::string_view take_word(std::string_view& line) {
  line.remove_prefix(std::min(line.find_first_not_of(blanks), line.size()));
  const std::string_view word = line.substr(0, line.find_first_of(blanks));
  line.remove_prefix(word.size());
  return word;
}

bool is_word(std::string_view word, std::string_view upper) {
  return std::equal(word.begin(), word.end(), upper.begin(), upper.end(),
                    [](char a, char b) { return a == b || (b >= 'A' && b <= 'Z' && a == b - 'A' + 'a'); });
}

std::optional<ReplyMode> mode_of(std::string_view word) {
  if (is_word(word, "ON")) return ReplyMode::on;
  if (is_word(word, "OFF")) return ReplyMode::off;
  if (is_word(word, "SKIP")) return ReplyMode::skip;
  return std::nullopt;
}

}  // namespace

CommandReader::Step CommandReader::take(std::string_view& bytes) {
  if (done_) {
    done_ = false;
    request_ = {};
    wanted_ = 1;
    first_key_ = 0;
    at_ = 0;
  }
  while (!bytes.empty()) {
    Step step = Step::more;
    switch (state_) {
      case State::line:
        if (take_whole_argument(bytes)) {
          if (at_ == request_.arguments) step = finish();
          break;
        }
        if (!line_.take(bytes)) return line_.size() > longest_inline ? Step::malformed : Step::more;
        request_.size += line_.length();
        step = on_line();
        line_.wipe();
        break;
      case State::data: {
        const std::size_t size = left_ < bytes.size() ? static_cast<std::size_t>(left_) : bytes.size();
        left_ -= size;
        if (wanted()) {
          if (left_ == 0 && held_ == 0) {
            on_argument(bytes.substr(0, size));
          } else {
            const std::size_t stored = std::min(size, buffer_.size() - held_);
            std::memcpy(buffer_.data() + held_, bytes.data(), stored);
            held_ += stored;
            if (left_ == 0) {
              on_argument({buffer_.data(), held_});
              explicit_bzero(buffer_.data(), held_);  // may be a password in the wrong place
            }
          }
        }
        request_.size += size;
        bytes.remove_prefix(size);
        if (left_ != 0) return Step::more;
        left_ = 2;
        state_ = State::data_end;
        break;
      }
      case State::data_end:
        if (bytes.front() != (left_ == 2 ? '\r' : '\n')) return Step::malformed;
        bytes.remove_prefix(1);
        ++request_.size;
        if (--left_ != 0) break;
        state_ = State::line;
        held_ = 0;
        if (++at_ == request_.arguments) step = finish();
        break;
    }
    if (step != Step::more) return step;
  }
  return Step::more;
}

// The usual case in one go: "$3\r\nfoo\r\n" lies before us, whole. Otherwise nothing is taken.
bool CommandReader::take_whole_argument(std::string_view& bytes) {
  constexpr std::size_t digits = 3;
  if (request_.arguments == 0 || line_.begun() || bytes.size() < digits + 3 || bytes[0] != '$') return false;
  std::size_t at = 1, size = 0;
  for (; at <= digits && bytes[at] >= '0' && bytes[at] <= '9'; ++at)
    size = size * 10 + static_cast<std::size_t>(bytes[at] - '0');
  const std::size_t whole = at + 2 + size + 2;
  if (at == 1 || bytes.size() < whole || bytes[at] != '\r' || bytes[at + 1] != '\n' || bytes[whole - 2] != '\r' ||
      bytes[whole - 1] != '\n')
    return false;
  if (wanted()) on_argument(bytes.substr(at + 2, size));
  request_.size += whole;
  bytes.remove_prefix(whole);
  ++at_;
  return true;
}

CommandReader::Step CommandReader::pass(std::uint64_t& count) {
  while (count > 0 && state_ != State::line && !(state_ == State::data && at_ == 0)) {
    const std::uint64_t size = std::min(left_, count);
    left_ -= size;
    count -= size;
    request_.size += size;
    if (left_ != 0) break;
    if (state_ == State::data) {
      left_ = 2;
      state_ = State::data_end;
      continue;
    }
    state_ = State::line;
    held_ = 0;
    if (++at_ == request_.arguments) return finish();
  }
  return Step::more;
}

CommandReader::Step CommandReader::on_line() {
  const std::string_view line = line_.text();
  if (request_.arguments == 0) {
    if (!line.starts_with('*')) return on_inline(line);
    const auto arguments = parse_number(line.substr(1), true);
    if (!arguments || *arguments > arguments_limit || !line_.ends_with_crlf()) return Step::malformed;
    if (*arguments <= 0) {
      done_ = true;
      return Step::nothing;
    }
    request_.arguments = static_cast<std::uint64_t>(*arguments);
    return Step::more;
  }
  if (!line.starts_with('$') || !line_.ends_with_crlf()) return Step::malformed;
  const auto size = parse_number(line.substr(1), false);
  if (!size || *size > argument_limit) return Step::malformed;
  left_ = static_cast<std::uint64_t>(*size);
  state_ = State::data;
  if (left_ != 0) return Step::more;
  if (wanted()) on_argument({});
  left_ = 2;
  state_ = State::data_end;
  return Step::more;
}

CommandReader::Step CommandReader::on_inline(std::string_view line) {
  if (!line.empty() && (line.front() < ' ' || line.front() > '~')) return Step::malformed;
  Step step = Step::nothing;
  std::string_view rest = line;
  for (std::string_view word = take_word(rest); !word.empty(); word = take_word(rest)) {
    if (wanted()) on_argument(word);
    request_.arguments = ++at_;
    step = Step::command;
  }
  if (step == Step::command) step = finish();
  done_ = true;
  return step;
}

void CommandReader::on_argument(std::string_view head) {
  if (at_ == 0) return on_first(head);
  const Command& command = *request_.command;
  if (at_ == 1 && command.effect == Effect::container) {
    know(find_subcommand(command, head));
  } else if (at_ == 1 && command.effect == Effect::select) {
    request_.database = parse_number(head, false);
  } else if (at_ == 2 && command.effect == Effect::client_reply) {
    request_.mode = mode_of(head);
  } else if (static_cast<std::int64_t>(at_) == command.keys.number) {
    const auto number = parse_number(head, false);
    if (!number || *number >= arguments_limit) return;
    request_.keys = static_cast<std::uint32_t>(*number);
    if (*number > 0 && wants_keys_) want(first_key_ = command.keys.number + 1);
  }
  if (first_key_ != 0 && static_cast<std::int64_t>(at_) == first_key_) {
    const std::size_t size = std::min(head.size(), key_.size());
    head.copy(key_.data(), size);
    request_.key = {key_.data(), size};
  }
}

// Clients repeat themselves.
void CommandReader::on_first(std::string_view name) {
  if (name != last_name_ || last_command_ == nullptr) {
    const Command* const found = find_command(name);
    if (found == nullptr) return know(&other_command());
    last_command_ = found;
    std::copy(name.begin(), name.end(), last_text_.begin());
    last_name_ = {last_text_.data(), name.size()};
  }
  know(last_command_);
}

void CommandReader::know(const Command* command) {
  request_.command = command;
  if (command->effect == Effect::container || command->effect == Effect::select) want(1);
  if (command->effect == Effect::client_reply) want(2);
  want(command->keys.number);
  if (wants_keys_) want(first_key_ = command->keys.first);
}

CommandReader::Step CommandReader::finish() {
  done_ = true;
  if (!request_.keys) request_.keys = key_count(request_.command->keys, request_.arguments);
  return Step::command;
}

}  // namespace subfloor::protocols::redis
