// SPDX-License-Identifier: Apache-2.0
#include "rules/transform.h"

#include <array>

namespace subfloor::rules {
namespace {

std::string_view text_of(const Value& value) {
  const auto* text = value.get<std::string_view>();
  return text == nullptr ? std::string_view() : *text;
}

bool decode_base64(std::string_view in, std::string& out) {
  std::uint32_t bits = 0;
  int count = 0;
  while (in.ends_with('=')) in.remove_suffix(1);
  for (const char c : in) {
    int value = 0;
    if (c >= 'A' && c <= 'Z')
      value = c - 'A';
    else if (c >= 'a' && c <= 'z')
      value = c - 'a' + 26;
    else if (c >= '0' && c <= '9')
      value = c - '0' + 52;
    else if (c == '+')
      value = 62;
    else if (c == '/')
      value = 63;
    else
      return false;
    bits = bits << 6 | static_cast<std::uint32_t>(value);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    out += static_cast<char>(bits >> count & 0xff);
  }
  return in.size() % 4 != 1;
}

void change_case(std::string_view in, bool upper, std::string& out) {
  for (const char c : in) {
    const bool change = upper ? c >= 'a' && c <= 'z' : c >= 'A' && c <= 'Z';
    out += change ? static_cast<char>(c ^ 0x20) : c;
  }
}

// Options as getopt(3) would find them: those that take an argument, and those there are.
struct Options {
  std::array<bool, 256> known{}, with_argument{};

  explicit Options(std::string_view text) {
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] == ':') continue;
      const auto option = static_cast<unsigned char>(text[i]);
      known[option] = true;
      with_argument[option] = i + 1 < text.size() && text[i + 1] == ':';
    }
  }
};

// Walks the arguments. What it finds: each option's letter and, where it takes one, its argument; "?" for one that is
// none, "" where an argument is missing.
class Getopt {
 public:
  Getopt(const Values& arguments, std::string_view options, std::string_view wanted, std::vector<std::string>& found)
      : arguments_(arguments), options_(options), wanted_(wanted), found_(found) {}

  void run() {
    for (at_ = 0; at_ < arguments_.size; ++at_) {
      const std::string_view word = text_of(arguments_.data[at_]);
      if (word == "--" || word.size() < 2 || word[0] != '-') return;
      if (!word.starts_with("--")) cluster(word);
    }
  }
  // Of the option that is asked for: its last argument, or its letter.
  [[nodiscard]] const std::string* last() const { return has_last_ ? &last_ : nullptr; }

 private:
  void cluster(std::string_view word) {
    for (std::size_t i = 1; i < word.size(); ++i) {
      const auto option = static_cast<unsigned char>(word[i]);
      if (option == ':' || !options_.known[option]) {
        tell("?", {});
      } else if (!options_.with_argument[option]) {
        tell(word.substr(i, 1), word.substr(i, 1));
      } else {
        with_argument(word, i);
        return;
      }
    }
  }

  void with_argument(std::string_view word, std::size_t i) {
    const std::string_view letter = word.substr(i, 1);
    std::string_view argument = word.substr(i + 1);
    if (argument.empty() && at_ + 1 < arguments_.size) {
      argument = text_of(arguments_.data[++at_]);
    } else if (argument.empty()) {
      return tell("", letter);
    }
    tell(letter, letter, argument);
  }

  void tell(std::string_view shown, std::string_view letter, std::optional<std::string_view> argument = {}) {
    found_.emplace_back(shown);
    if (argument) found_.emplace_back(*argument);
    if (letter.empty() || letter != wanted_) return;
    last_ = argument.value_or(shown);
    has_last_ = true;
  }

  const Values& arguments_;
  Options options_;
  std::string_view wanted_;
  std::vector<std::string>& found_;
  std::size_t at_ = 0;
  std::string last_;
  bool has_last_ = false;
};

Value getopt_of(const Term& term, std::span<const Value> items, std::string& text, std::vector<std::string>& texts,
                std::vector<Value>& values) {
  const auto* arguments = items[0].get<Values>();
  if (arguments == nullptr) return {};
  texts.clear();
  Getopt getopt(*arguments, text_of(items[1]), term.text, texts);
  getopt.run();
  if (!term.text.empty()) {
    if (getopt.last() == nullptr) return {};
    text = *getopt.last();
    return std::string_view(text);
  }
  values.clear();
  for (const std::string& each : texts) values.emplace_back(std::string_view(each));
  return Values{values.data(), values.size()};
}

Value length_of(const Value& value) {
  if (const auto* values = value.get<Values>()) return std::uint64_t{values->size};
  return std::uint64_t{text_of(value).size()};
}

}  // namespace

Value apply(const Term& term, std::span<const Value> items, std::string& text, std::vector<std::string>& texts,
            std::vector<Value>& values) {
  text.clear();
  const std::string_view first = text_of(items[0]);
  switch (term.transformer) {
    case Transformer::tolower:
    case Transformer::toupper: change_case(first, term.transformer == Transformer::toupper, text); break;
    case Transformer::b64:
      if (!decode_base64(first, text)) return {};
      break;
    case Transformer::basename: text = first.substr(first.rfind('/') + 1); break;
    case Transformer::len: return length_of(items[0]);
    case Transformer::join:
      if (const auto* list = items[1].get<Values>())
        for (std::size_t i = 0; i < list->size; ++i)
          text += (i > 0 ? std::string(first) : "") + to_string(list->data[i]);
      break;
    case Transformer::concat:
      for (const Value& item : items) text += text_of(item);
      break;
    case Transformer::getopt: return getopt_of(term, items, text, texts, values);
  }
  return std::string_view(text);
}

}  // namespace subfloor::rules
