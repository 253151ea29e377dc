// SPDX-License-Identifier: Apache-2.0
#include "exporters/api/top_view.h"

#include <algorithm>
#include <optional>

#include "base/clock.h"

namespace subfloor {
namespace {

using Json = nlohmann::json;
constexpr Nanoseconds ms = 1'000'000;

double per_second(std::uint64_t number, Nanoseconds time) {
  return time == 0 ? 0 : static_cast<double>(number) * 1e9 / static_cast<double>(time);
}

Json numbers_json(const TopNumbers& last, const TopNumbers& recent, const TopNumbers& total, Nanoseconds time) {
  Json json = {{"calls", last.calls},
               {"errors", last.errors},
               {"partial", last.partial},
               {"rate", per_second(recent.calls, time)},
               {"request_bytes_rate", per_second(recent.request_bytes, time)},
               {"response_bytes_rate", per_second(recent.response_bytes, time)},
               {"total_calls", total.calls},
               {"total_errors", total.errors}};
  if (recent.calls > 0)  // of no calls, there is no part
    json["error_ratio"] = static_cast<double>(recent.errors) / static_cast<double>(recent.calls);
  return json;
}

Json row_json(const TopRow& row, Nanoseconds time) {
  Json json = numbers_json(row.last, row.recent, row.total, time);
  const auto put = [&](const char* key, const std::string& value) {
    if (!value.empty()) json[key] = value;
  };
  put("service", row.service);
  put("peer", row.peer);
  put("operation", row.operation);
  put("target", row.target);
  json["protocol"] = row.protocol;
  json["kind"] = to_string(row.kind);
  if (row.duration) {
    json["p50_ns"] = row.duration->p50;
    json["p95_ns"] = row.duration->p95;
    json["p99_ns"] = row.duration->p99;
  }
  return json;
}

std::optional<std::uint64_t> count_of(const Json& json, const char* key) {
  const auto found = json.is_object() ? json.find(key) : json.end();
  if (!json.is_object() || found == json.end() || !found->is_number_unsigned()) return std::nullopt;
  return found->get<std::uint64_t>();
}

Result<std::uint64_t> number_within(const Json& json, const char* key, std::uint64_t otherwise, std::uint64_t least,
                                    std::uint64_t most) {
  const auto found = json.find(key);
  if (found == json.end()) return otherwise;
  if (!found->is_number_unsigned() || found->get<std::uint64_t>() < least || found->get<std::uint64_t>() > most)
    return fail(fmt::format("top: {} must be a number from {} to {}", key, least, most));
  return found->get<std::uint64_t>();
}

}  // namespace

Result<TopBy> parse_top_by(std::string_view text) {
  const auto* const found = std::find(top_by_names.begin(), top_by_names.end(), text);
  if (found == top_by_names.end())
    return fail(fmt::format("'{}' is none of: {}", text, fmt::join(top_by_names, ", ")));
  return static_cast<TopBy>(found - top_by_names.begin());
}

Json TopRequest::to_json() const {
  return {{"filter", filter.to_json()}, {"by", to_string(by)}, {"interval_ms", interval / ms}, {"rows", rows}};
}

Result<TopRequest> TopRequest::from_json(const Json& json) {
  TopRequest request;
  TRY_ASSIGN(request.filter, CallFilter::from_json(json.value("filter", Json::object())));
  if (const auto by = json.find("by"); by != json.end()) {
    const auto parsed = parse_top_by(by->is_string() ? by->get<std::string>() : by->dump());
    if (!parsed) return Failure(parsed.error().in("top: by"));
    request.by = *parsed;
  }
  TRY_ASSIGN(const std::uint64_t interval,
             number_within(json, "interval_ms", request.interval / ms, shortest / ms, longest / ms));
  request.interval = interval * ms;
  TRY_ASSIGN(request.rows, number_within(json, "rows", request.rows, 1, most_rows));
  return request;
}

TopView::TopView(const TopRequest& request, Nanoseconds now, const Json& agent)
    : request_(request),
      top_({.by = request.by, .max_rows = TopRequest::most_rows}, now),
      wanted_(count_of(agent, "wanted").value_or(0)),
      lost_(count_of(agent, "lost").value_or(0)) {}

std::string TopView::next_line(Nanoseconds now, const Json& agent) {
  const TopSnapshot snapshot = top_.next(now, request_.rows);
  Json line = numbers_json(snapshot.last, snapshot.recent, snapshot.total, snapshot.recent_time);
  line["time"] = rfc3339(to_unix(now));
  line["by"] = to_string(request_.by);
  line["interval_s"] = static_cast<double>(snapshot.interval) / 1e9;
  line["rate_over_s"] = static_cast<double>(snapshot.recent_time) / 1e9;
  line["rows"] = Json::array();
  for (const TopRow& row : snapshot.rows) line["rows"].push_back(row_json(row, snapshot.recent_time));
  line["other"] =
      numbers_json(snapshot.other_last, snapshot.other_recent, snapshot.other_total, snapshot.recent_time);
  line["other"]["rows"] = snapshot.other_rows;
  if (agent.is_object()) line.update(agent);
  if (const auto wanted = count_of(agent, "wanted"), lost = count_of(agent, "lost"); wanted && lost) {
    const std::uint64_t of = *wanted - std::min(*wanted, wanted_), without = std::min(of, *lost - std::min(*lost, lost_));
    line["wanted"] = of;
    line["lost"] = without;
    line["completeness"] = of == 0 ? 1.0 : static_cast<double>(of - without) / static_cast<double>(of);
  }
  return line.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace subfloor
