// SPDX-License-Identifier: Apache-2.0
// CallFilter: which calls a viewer wants to see.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/call.h"

namespace subfloor {

// A class ("2xx"), a number ("404"; other protocols' codes too), "unset": nothing was answered, "error": what counts as
// an error to its kind, with or without a number; or several of them with commas: a call matches where any of them
// does.
class StatusFilter {
 public:
  [[nodiscard]] static Result<StatusFilter> parse(std::string_view text);
  [[nodiscard]] bool matches(const Call& call) const;
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  struct Range {
    int first, last;
  };
  std::string text_;
  std::vector<Range> ranges_;
  bool unset_ = false, error_ = false;
};

// All that are given must match.
struct CallFilter {
  std::string protocol;  // the protocol's name, or a family: "http" is every "http1", "http2" …
  std::optional<StatusFilter> status;
  std::uint32_t pid = 0;  // of the process whose side of the call it is; 0: any
  std::string service;  // of that process, as in service.name; the executable's name and the comm do too
  std::string pod, name_space;  // that its container is in; what is in none does not match
  std::string workload;  // what made that pod: "web", or "deployment/web"
  std::string trace;  // 32 hex digits, lower case

  [[nodiscard]] bool matches(const Observation& observation) const;

  [[nodiscard]] nlohmann::json to_json() const;
  // An unknown key or a value of the wrong type or form is an error that names it.
  [[nodiscard]] static Result<CallFilter> from_json(const nlohmann::json& json);

 private:
  [[nodiscard]] bool matches_pod(const Workload* of) const;
};

// The trace id in the form CallFilter::trace holds it.
[[nodiscard]] Result<std::string> parse_trace_id(std::string_view text);

}  // namespace subfloor
