// SPDX-License-Identifier: Apache-2.0
#include "telemetry/route_segment.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace subfloor {
namespace {

enum class Letter : std::uint8_t { refused, lower, upper, digit, separator, sign };

constexpr Letter letter_of(char c) {
  if (c >= 'a' && c <= 'z') return Letter::lower;
  if (c >= 'A' && c <= 'Z') return Letter::upper;
  if (c >= '0' && c <= '9') return Letter::digit;
  if (c == '-' || c == '_' || c == '.' || c == '~') return Letter::separator;
  return c == ':' || c == '@' || c == '!' || c == '$' ? Letter::sign : Letter::refused;
}

constexpr std::array<Letter, 256> letters = [] {
  std::array<Letter, 256> table{};
  for (unsigned c = 0; c < 256; ++c) table[c] = letter_of(static_cast<char>(c));
  return table;
}();

constexpr Letter kind_of(char c) { return letters[static_cast<std::uint8_t>(c)]; }
constexpr bool is_digit(char c) { return kind_of(c) == Letter::digit; }
constexpr bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

constexpr std::size_t longest_run = 20;      // of letters and digits: longer ones are no words
constexpr std::size_t most_digits = 3;       // of a word: "sha256"
constexpr std::size_t most_separators = 4;   // of a word: more make a sentence
constexpr std::size_t shortest_hex = 6, shortest_hex_of_letters = 12, shortest_token = 10, shortest_key = 16;

// With a file of these kinds its name tells nothing of the route …
constexpr std::array<std::string_view, 33> assets{
    ".js",   ".mjs",  ".css",   ".map", ".png", ".jpg", ".jpeg", ".gif", ".svg", ".ico", ".webp",
    ".avif", ".woff", ".woff2", ".ttf", ".otf", ".eot", ".mp3",  ".mp4", ".ogg", ".wav", ".webm",
    ".m3u8", ".ts",   ".wasm",  ".zip", ".gz",  ".tgz", ".bz2",  ".xz",  ".deb", ".rpm", ".pdf"};
// … and with these it may.
constexpr std::array<std::string_view, 14> pages{".html", ".htm",  ".php", ".jsp", ".asp", ".aspx", ".cgi",
                                                 ".do",   ".json", ".xml", ".txt", ".csv", ".yaml", ".rss"};

template <std::size_t N>
std::string_view find_extension(std::string_view extension, const std::array<std::string_view, N>& known) {
  const auto* const found = std::find(known.begin(), known.end(), extension);
  return found == known.end() ? std::string_view{} : *found;
}

bool is_date(std::string_view text) {
  constexpr std::string_view form = "dddd-dd-dd";
  if (text.size() < form.size()) return false;
  for (std::size_t i = 0; i < form.size(); ++i)
    if (form[i] == 'd' ? !is_digit(text[i]) : text[i] != '-') return false;
  return text.size() == form.size() || text[form.size()] == 'T';
}

bool is_email(std::string_view text) {
  const std::size_t at = text.find('@');
  return at != std::string_view::npos && at > 0 && text.find('.', at + 2) != std::string_view::npos;
}

// What is counted of a segment in one pass.
struct Looks {
  bool refused = false;  // has a character that words do not have
  bool all_hex = true;
  std::size_t digits = 0, letters = 0, separators = 0;
  std::size_t longest = 0;  // of the runs of letters and digits
  bool random = false;      // a run that changes between cases and digits too often for words
};

// One run of letters and digits.
class Run {
 public:
  void add(Letter letter) {
    ++size_;
    // "userId" has one change for several letters; what is random changes at every second or third.
    if (size_ > 1 &&
        ((last_ == Letter::lower && letter == Letter::upper) || (last_ == Letter::digit) != (letter == Letter::digit)))
      ++changes_;
    last_ = letter;
    has_digit_ |= letter == Letter::digit;
  }
  void end(Looks& looks) {
    looks.longest = std::max(looks.longest, size_);
    looks.random |= size_ >= shortest_token && changes_ * 10 >= size_ * 3;
    looks.random |= size_ >= shortest_key && has_digit_;
    *this = {};
  }

 private:
  std::size_t size_ = 0, changes_ = 0;
  Letter last_ = Letter::refused;
  bool has_digit_ = false;
};

Looks look_at(std::string_view text) {
  Looks looks;
  Run run;
  for (const char c : text) {
    const Letter letter = kind_of(c);
    looks.all_hex = looks.all_hex && is_hex(c);
    if (letter == Letter::refused) {
      looks.refused = true;
      return looks;
    }
    if (letter == Letter::separator || letter == Letter::sign) {
      ++looks.separators;
      run.end(looks);
      continue;
    }
    ++(letter == Letter::digit ? looks.digits : looks.letters);
    run.add(letter);
  }
  run.end(looks);
  return looks;
}

bool is_id(const Looks& looks, std::size_t size) {
  if (looks.digits > most_digits || looks.longest > longest_run || looks.random) return true;
  if (looks.digits > 0 && looks.letters == 0) return true;  // a number, with whatever is between its digits
  if (!looks.all_hex) return false;
  return size >= (looks.digits > 0 ? shortest_hex : shortest_hex_of_letters);
}

RouteSegment of_looks(std::string_view text) {
  constexpr std::string_view id = "{id}", param = "{param}";
  if (text.size() > longest_word) return {id};
  if (is_date(text)) return {"{date}"};
  const Looks looks = look_at(text);
  if (looks.refused) return {param};
  if (is_email(text)) return {"{email}"};
  if (is_id(looks, text.size())) return {id};
  if (looks.separators > most_separators || looks.letters == 0) return {param};
  return {.text = text, .word = true};
}

}  // namespace

RouteSegment classify_segment(std::string_view segment) {
  segment = segment.substr(0, segment.find(';'));  // ";jsessionid=…"
  const std::size_t dot = segment.rfind('.');
  if (dot == std::string_view::npos || dot == 0) return of_looks(segment);
  const std::string_view name = segment.substr(0, dot);
  if (const std::string_view asset = find_extension(segment.substr(dot), assets); !asset.empty())
    return {.text = "{file}", .extension = asset};
  const std::string_view page = find_extension(segment.substr(dot), pages);
  if (page.empty()) return of_looks(segment);
  RouteSegment result = of_looks(name);
  result.word ? result.text = segment : result.extension = page;
  return result;
}

}  // namespace subfloor
