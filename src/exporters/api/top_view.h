// SPDX-License-Identifier: Apache-2.0
// What the request "top" asks for, and the lines it is answered with.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "base/result.h"
#include "exporters/api/filter.h"
#include "telemetry/top.h"

namespace subfloor {

struct TopRequest {
  CallFilter filter;
  TopBy by = TopBy::route;
  Nanoseconds interval = 1'000'000'000;  // 100 ms to 1 min
  std::size_t rows = 500;                // 1 to 500

  static constexpr std::size_t most_rows = 500;
  static constexpr Nanoseconds shortest = 100'000'000, longest = 60'000'000'000;

  [[nodiscard]] nlohmann::json to_json() const;
  // {"filter":{…},"by":"route","interval_ms":1000,"rows":500}, all of it optional; other keys are let pass. An error
  // names what is wrong.
  [[nodiscard]] static Result<TopRequest> from_json(const nlohmann::json& json);
};

[[nodiscard]] Result<TopBy> parse_top_by(std::string_view text);

// One watcher's sums: some 1.2 MB at the most.
class TopView {
 public:
  // agent: what is to be known of it, {"wanted":…,"lost":…} counting records since its start, and more if it likes.
  TopView(const TopRequest& request, Nanoseconds now, const nlohmann::json& agent);

  [[nodiscard]] const TopRequest& request() const { return request_; }
  void add(const Observation& observation) {
    if (request_.filter.matches(observation)) top_.add(observation);
  }
  // Ends an interval: one line of JSON, without newline. Of the agent, losses are told since the view began, the rest
  // as it is.
  [[nodiscard]] std::string next_line(Nanoseconds now, const nlohmann::json& agent);

 private:
  TopRequest request_;
  Top top_;
  std::uint64_t wanted_ = 0, lost_ = 0;  // before the view began
};

}  // namespace subfloor
