// SPDX-License-Identifier: Apache-2.0
// The agent may be of another version than this program, so nothing in a line is taken for granted.
#include "cli/top/board.h"

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>
#include <tuple>

namespace subfloor::cli {
namespace {

using Json = nlohmann::json;

std::string text_of(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::optional<double> number_of(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_number() ? std::optional(found->get<double>()) : std::nullopt;
}

std::optional<std::uint64_t> count_of(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_number_unsigned() ? std::optional(found->get<std::uint64_t>()) : std::nullopt;
}

BoardRow row_of(const Json& json) {
  BoardRow row;
  row.service = text_of(json, "service");
  row.kind = text_of(json, "kind");
  row.peer = text_of(json, "peer");
  row.protocol = text_of(json, "protocol");
  row.operation = text_of(json, "operation");
  row.target = text_of(json, "target");
  row.rate = number_of(json, "rate").value_or(0);
  row.request_bytes_rate = number_of(json, "request_bytes_rate").value_or(0);
  row.response_bytes_rate = number_of(json, "response_bytes_rate").value_or(0);
  row.error_ratio = number_of(json, "error_ratio");
  row.p50 = count_of(json, "p50_ns");
  row.p95 = count_of(json, "p95_ns");
  row.p99 = count_of(json, "p99_ns");
  row.total_calls = count_of(json, "total_calls").value_or(0);
  return row;
}

std::string key_of(const BoardRow& row) {
  std::string key;
  for (const std::string* part : {&row.service, &row.kind, &row.peer, &row.protocol, &row.operation, &row.target})
    key.append(*part).append(1, '\0');
  return key;
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

bool contains(const BoardRow& row, const std::string& wanted) {
  return lower(row.service + " " + row.kind + " " + row.peer + " " + row.protocol + " " + row.operation + " " +
               row.target)
             .find(wanted) != std::string::npos;
}

// What comes first where the greatest does. Rows without the number come last.
double rank(const BoardRow& row, TopSort sort) {
  const auto of = [](const std::optional<std::uint64_t>& number) {
    return number ? static_cast<double>(*number) : -1.0;
  };
  switch (sort) {
    case TopSort::errors: return row.error_ratio.value_or(-1) * (row.rate > 0 ? row.rate : 1);
    case TopSort::p50: return of(row.p50);
    case TopSort::p95: return of(row.p95);
    case TopSort::p99: return of(row.p99);
    case TopSort::bytes: return row.request_bytes_rate + row.response_bytes_rate;
    case TopSort::rate: return row.rate;
    case TopSort::name: return 0;
  }
  return 0;
}

auto name_of(const BoardRow& row) {
  return std::tie(row.service, row.kind, row.protocol, row.peer, row.operation, row.target);
}

}  // namespace

bool Board::take(std::string_view line) {
  const Json json = Json::parse(line, nullptr, false);
  if (!json.is_object() || !json.contains("rows") || !json["rows"].is_array()) return false;
  const std::string by = text_of(json, "by");
  if (by != header_.by) past_.clear();
  header_ = {};
  header_.time = text_of(json, "time");
  header_.by = by;
  header_.rung = text_of(json, "rung");
  header_.rate = number_of(json, "rate").value_or(0);
  header_.rate_over = number_of(json, "rate_over_s").value_or(0);
  header_.error_ratio = number_of(json, "error_ratio");
  header_.total_calls = count_of(json, "total_calls").value_or(0);
  header_.completeness = number_of(json, "completeness");
  header_.lost = count_of(json, "lost").value_or(0);
  if (const auto other = json.find("other"); other != json.end() && other->is_object()) {
    header_.other = row_of(*other);
    header_.other_rows = count_of(*other, "rows").value_or(0);
  }
  rows_.clear();
  calls_.clear();
  for (const Json& row : json["rows"]) {
    if (!row.is_object()) continue;
    rows_.push_back(row_of(row));
    calls_.push_back(count_of(row, "calls").value_or(0));
  }
  remember(number_of(json, "interval_s").value_or(1));
  return true;
}

void Board::remember(double interval) {
  for (auto& [key, past] : past_) {
    past.push_back(0);
    if (past.size() > longest_past) past.pop_front();
  }
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    auto& past = past_[key_of(rows_[i])];
    if (past.empty()) past.push_back(0);
    past.back() = interval > 0 ? static_cast<double>(calls_[i]) / interval : 0;
    rows_[i].past = &past;
  }
  std::erase_if(past_, [](const auto& one) {
    return std::all_of(one.second.begin(), one.second.end(), [](double rate) { return rate == 0; }) &&
           one.second.size() >= longest_past;
  });
  for (BoardRow& row : rows_) {  // some may have been idle for so long
    const auto found = past_.find(key_of(row));
    row.past = found == past_.end() ? nullptr : &found->second;
  }
}

std::vector<const BoardRow*> Board::rows(TopSort sort, bool inverted, std::string_view text) const {
  const std::string wanted = lower(text);
  std::vector<const BoardRow*> chosen;
  for (const BoardRow& row : rows_)
    if (wanted.empty() || contains(row, wanted)) chosen.push_back(&row);
  std::sort(chosen.begin(), chosen.end(), [&](const BoardRow* a, const BoardRow* b) {
    const double x = rank(*a, sort), y = rank(*b, sort);
    if (x != y) return inverted ? x < y : x > y;
    if (sort != TopSort::name && a->total_calls != b->total_calls) return a->total_calls > b->total_calls;
    return inverted && sort == TopSort::name ? name_of(*b) < name_of(*a) : name_of(*a) < name_of(*b);
  });
  return chosen;
}

}  // namespace subfloor::cli
