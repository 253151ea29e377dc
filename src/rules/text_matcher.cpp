// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>
#include <cstring>
#include <unordered_set>

#include "rules/matcher.h"
#include "rules/tries.h"

namespace subfloor::rules {
namespace {

// A matcher that asks `test` of the text.
template <class Test>
class TextMatcher final : public Matcher {
 public:
  explicit TextMatcher(Test test) : test_(std::move(test)) {}
  bool matches(const Value& value) const override {
    const auto* text = value.get<std::string_view>();
    return text != nullptr && test_(*text);
  }

 private:
  Test test_;
};

template <class Test>
MatcherPtr text_matcher(Test test) {
  return std::make_unique<TextMatcher<Test>>(std::move(test));
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

bool contains(std::string_view text, std::string_view part) {
  return part.empty() || memmem(text.data(), text.size(), part.data(), part.size()) != nullptr;
}

bool contains_ignoring_case(std::string_view text, std::string_view part) {
  const auto same = [](char a, char b) { return lower(a) == lower(b); };
  return std::search(text.begin(), text.end(), part.begin(), part.end(), same) != text.end() || part.empty();
}

// How many bytes the character of UTF-8 at the beginning takes, 0 where it is none.
std::size_t character_size(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return 1;
  const std::size_t size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < size) return 0;
  for (std::size_t i = 1; i < size; ++i)
    if ((byte(i) & 0xc0) != 0x80) return 0;
  const bool overlong = (lead == 0xe0 && byte(1) < 0xa0) || (lead == 0xf0 && byte(1) < 0x90);
  const bool beyond = (lead == 0xed && byte(1) > 0x9f) || (lead == 0xf4 && byte(1) > 0x8f);
  return overlong || beyond ? 0 : size;
}

// Bytes that are no UTF-8 become U+FFFD, which an expression can match.
std::string sanitised(std::string_view text) {
  std::string clean;
  while (!text.empty()) {
    const std::size_t size = character_size(text);
    if (size == 0) clean += "\xef\xbf\xbd";
    clean += text.substr(0, size);
    text.remove_prefix(std::max<std::size_t>(size, 1));
  }
  return clean;
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t size = character_size(text);
    if (size == 0) return false;
    text.remove_prefix(size);
  }
  return true;
}

MatcherPtr regex_matcher(const Literal& literal, Report& report) {
  RE2::Options options(RE2::POSIX);
  options.set_log_errors(false);
  options.set_max_mem(std::int64_t{1} << 20);
  auto regex = std::make_shared<const RE2>(literal.text, options);
  if (!regex->ok()) {
    report.error(literal.place, fmt::format("this is no regular expression: {}", regex->error()));
    return nullptr;
  }
  return text_matcher([regex](std::string_view text) {
    if (is_utf8(text)) return RE2::FullMatch({text.data(), text.size()}, *regex);
    return RE2::FullMatch(sanitised(text), *regex);
  });
}

std::optional<std::string> unhex(std::string_view digits) {
  const auto value = [](char c) {
    if (c >= '0' && c <= '9') return c - '0';
    c = lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
  };
  if (digits.size() % 2 != 0 || digits.empty()) return std::nullopt;
  std::string bytes;
  for (std::size_t i = 0; i < digits.size(); i += 2) {
    const int high = value(digits[i]), low = value(digits[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    bytes += static_cast<char>(high * 16 + low);
  }
  return bytes;
}

MatcherPtr bytes_matcher(Operator op, const Literal& literal, Report& report) {
  auto bytes = unhex(literal.text);
  if (!bytes) {
    report.error(literal.place, fmt::format("'{}' takes bytes in hexadecimal, not '{}'", to_string(op), literal.text));
    return nullptr;
  }
  if (op == Operator::bcontains)
    return text_matcher([part = *bytes](std::string_view text) { return contains(text, part); });
  return text_matcher([part = *bytes](std::string_view text) { return text.starts_with(part); });
}

struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
};

MatcherPtr set_matcher(const std::vector<Literal>& literals) {
  std::unordered_set<std::string, TextHash, std::equal_to<>> set;
  for (const Literal& literal : literals) set.insert(literal.text);
  return text_matcher([set = std::move(set)](std::string_view text) { return set.contains(text); });
}

template <class Trie>
Trie trie_of(const std::vector<Literal>& literals) {
  Trie trie;
  for (const Literal& literal : literals) trie.add(literal.text);
  return trie;
}

MatcherPtr prefix_matcher(const std::vector<Literal>& literals) {
  if (literals.size() == 1)
    return text_matcher([prefix = literals[0].text](std::string_view text) { return text.starts_with(prefix); });
  auto trie = trie_of<PrefixTrie>(literals);
  return text_matcher([trie = std::move(trie)](std::string_view text) { return trie.begins(text); });
}

}  // namespace

bool compare_texts(Operator op, std::string_view left, std::string_view right) {
  switch (op) {
    case Operator::equal: return left == right;
    case Operator::not_equal: return left != right;
    case Operator::less: return left < right;
    case Operator::less_equal: return left <= right;
    case Operator::greater: return left > right;
    case Operator::greater_equal: return left >= right;
    case Operator::contains:
    case Operator::bcontains: return contains(left, right);
    case Operator::icontains: return contains_ignoring_case(left, right);
    case Operator::startswith:
    case Operator::bstartswith: return left.starts_with(right);
    case Operator::endswith: return left.ends_with(right);
    case Operator::glob: return glob_matches(std::string(right), left);
    case Operator::iglob: return glob_matches(std::string(right), left, true);
    default: return false;
  }
}

MatcherPtr make_text_matcher(Operator op, const std::vector<Literal>& literals, Report& report) {
  switch (op) {
    case Operator::in:
    case Operator::intersects: return set_matcher(literals);
    case Operator::pmatch: {
      // Shared, because it is not to be copied.
      auto trie = std::make_shared<PathTrie>();
      for (const Literal& literal : literals) trie->add(literal.text);
      return text_matcher([trie](std::string_view text) { return trie->covers(text); });
    }
    case Operator::startswith: return prefix_matcher(literals);
    case Operator::regex: return regex_matcher(literals.front(), report);
    case Operator::bcontains:
    case Operator::bstartswith: return bytes_matcher(op, literals.front(), report);
    default:
      return text_matcher(
          [op, right = literals.front().text](std::string_view text) { return compare_texts(op, text, right); });
  }
}

}  // namespace subfloor::rules
