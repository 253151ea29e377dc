// SPDX-License-Identifier: Apache-2.0
#include "rules/diagnostic.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

namespace subfloor::rules {
namespace {

constexpr std::size_t context = 160;  // characters of a line that are shown at most

std::string shown(std::string_view text) {
  std::string safe;
  for (const char c : text) safe += c == '\t' ? ' ' : static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  return safe;
}

bool continues_character(char c) { return (c & 0xc0) == 0x80; }

// The part of a long line that the column lies in, and the column within it.
std::pair<std::string, std::size_t> excerpt(std::string_view line, std::size_t column) {
  std::vector<std::size_t> starts;
  for (std::size_t i = 0; i < line.size(); ++i)
    if (!continues_character(line[i])) starts.push_back(i);
  if (starts.size() <= context) return {shown(line), column};
  const std::size_t wanted = column > context / 2 ? column - context / 2 : 0;
  const std::size_t first = std::min(wanted, starts.size() - context);
  const std::size_t end = first + context < starts.size() ? starts[first + context] : line.size();
  return {shown(line.substr(starts[first], end - starts[first])), column - first};
}

auto order(const Diagnostic& d) { return std::tie(d.place.file, d.place.offset, d.severity, d.message); }

}  // namespace

std::string_view to_string(Severity severity) { return severity == Severity::error ? "error" : "warning"; }

std::string render(const Diagnostic& diagnostic, const Sources& sources) {
  const std::string whose = diagnostic.subject.empty() ? "" : fmt::format(" ({})", diagnostic.subject);
  const std::string said = shown(fmt::format("{}: {}{}", to_string(diagnostic.severity), diagnostic.message, whose));
  if (diagnostic.place.file >= sources.size()) return said + "\n";
  const Source& source = sources[diagnostic.place.file];
  const Position at = source.position(diagnostic.place.offset);
  const auto [line, column] = excerpt(source.line(at.line), at.column);
  return fmt::format("{}:{}:{}: {}\n{:>5} | {}\n      | {:>{}}\n", shown(source.name()), at.line, at.column, said,
                     at.line, line, "^", column);
}

void Report::add(Severity severity, Place place, std::string message) {
  if (severity == Severity::error) ++errors_;
  all_.push_back({severity, place, std::move(message), subject_});
}

void Report::demote_since(std::size_t count) {
  for (std::size_t i = count; i < all_.size(); ++i) {
    if (all_[i].severity == Severity::error) --errors_;
    all_[i].severity = Severity::warning;
  }
}

void Report::sort() {
  std::stable_sort(all_.begin(), all_.end(), [](const auto& a, const auto& b) { return order(a) < order(b); });
  const auto same = [](const auto& a, const auto& b) { return order(a) == order(b); };
  all_.erase(std::unique(all_.begin(), all_.end(), same), all_.end());
  errors_ = static_cast<std::size_t>(
      std::count_if(all_.begin(), all_.end(), [](const auto& d) { return d.severity == Severity::error; }));
}

}  // namespace subfloor::rules
