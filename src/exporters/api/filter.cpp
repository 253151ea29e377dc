// SPDX-License-Identifier: Apache-2.0
#include "exporters/api/filter.h"

#include <algorithm>
#include <limits>

#include "telemetry/semantics.h"
#include "telemetry/service_name.h"

namespace subfloor {
namespace {

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

// A number of at most five digits, or a class: "2xx".
bool parse_range(std::string_view item, int& first, int& last) {
  if (item.size() == 3 && item[0] >= '1' && item[0] <= '9' && (item.substr(1) == "xx" || item.substr(1) == "XX")) {
    first = (item[0] - '0') * 100;
    last = first + 99;
    return true;
  }
  if (item.empty() || item.size() > 5 || !std::all_of(item.begin(), item.end(), is_digit)) return false;
  first = 0;
  for (const char c : item) first = first * 10 + (c - '0');
  last = first;
  return true;
}

// "http" stands for "http1" and "http2".
bool protocol_matches(std::string_view wanted, const Protocol& protocol) {
  return wanted == protocol.name || wanted == protocol.family->name;
}

Result<std::string> as_text(const std::string& key, const nlohmann::json& value) {
  if (!value.is_string()) return fail(fmt::format("filter: {} must be a string", key));
  return value.get<std::string>();
}

Result<> read_field(CallFilter& filter, const std::string& key, const nlohmann::json& value) {
  if (key == "pid") {
    if (!value.is_number_unsigned() || value.get<std::uint64_t>() > std::numeric_limits<std::int32_t>::max())
      return fail("filter: pid must be a positive number");
    filter.pid = value.get<std::uint32_t>();
    return {};
  }
  TRY_ASSIGN(const std::string text, as_text(key, value));
  if (key == "status") {
    TRY_ASSIGN(filter.status, StatusFilter::parse(text));
  } else if (key == "trace") {
    TRY_ASSIGN(filter.trace, parse_trace_id(text));
  } else if (key == "protocol") {
    filter.protocol = text;
  } else if (key == "service") {
    filter.service = text;
  } else if (key == "pod") {
    filter.pod = text;
  } else if (key == "namespace") {
    filter.name_space = text;
  } else if (key == "workload") {
    filter.workload = text;
  } else {
    return fail(fmt::format("filter: unknown key '{}'", key));
  }
  return {};
}

}  // namespace

Result<StatusFilter> StatusFilter::parse(std::string_view text) {
  StatusFilter filter;
  filter.text_ = text;
  for (std::string_view rest = text;;) {
    const std::size_t comma = rest.find(',');
    const std::string_view item = rest.substr(0, comma);
    Range range{};
    if (item == "unset") {
      filter.unset_ = true;
    } else if (item == "error") {
      filter.error_ = true;
    } else if (parse_range(item, range.first, range.last)) {
      filter.ranges_.push_back(range);
    } else {
      return fail(fmt::format("status '{}' is none of: a class like 2xx, a code like 404, unset, error", item));
    }
    if (comma == std::string_view::npos) return filter;
    rest.remove_prefix(comma + 1);
  }
}

bool StatusFilter::matches(const Call& call) const {
  if (error_ && semantics::is_error(call)) return true;
  const bool answered = call.status || (!call.protocol->family->http && (call.partial & partial_no_response) == 0);
  if (!answered && unset_) return true;
  return call.status && std::any_of(ranges_.begin(), ranges_.end(), [&](const Range& range) {
           return *call.status >= range.first && *call.status <= range.last;
         });
}

Result<std::string> parse_trace_id(std::string_view text) {
  std::string id(text);
  bool zero = true;
  for (char& c : id) {
    if (c >= 'A' && c <= 'F') c = static_cast<char>(c - 'A' + 'a');
    if (!is_digit(c) && (c < 'a' || c > 'f')) return fail(fmt::format("trace id '{}' is not hexadecimal", text));
    zero = zero && c == '0';
  }
  if (id.size() != 32 || zero)
    return fail(fmt::format("trace id '{}' is not 32 hexadecimal digits, not all zero", text));
  return id;
}

bool CallFilter::matches_pod(const Workload* of) const {
  if (pod.empty() && name_space.empty() && workload.empty()) return true;
  if (of == nullptr) return false;
  if (!pod.empty() && pod != of->pod_name) return false;
  if (!name_space.empty() && name_space != of->pod_namespace) return false;
  if (workload.empty()) return true;
  const std::size_t slash = workload.find('/');
  if (slash != std::string::npos && workload.substr(0, slash) != of->owner.kind) return false;
  return of->owner.name == (slash == std::string::npos ? workload : workload.substr(slash + 1));
}

bool CallFilter::matches(const Observation& observation) const {
  const Call& call = observation.call;
  if (!matches_pod(observation.workload.get())) return false;
  if (pid != 0 && call.pid != pid && observation.process.pid != pid) return false;
  if (!protocol.empty() && !protocol_matches(protocol, *call.protocol)) return false;
  if (status && !status->matches(call)) return false;
  if (!trace.empty() && trace != observation.trace_id) return false;
  return service.empty() || service == observation.service || service == executable_name(observation.process) ||
         service == observation.process.comm;
}

nlohmann::json CallFilter::to_json() const {
  nlohmann::json json = nlohmann::json::object();
  const auto put = [&](const char* key, const std::string& value) {
    if (!value.empty()) json[key] = value;
  };
  put("protocol", protocol);
  if (status) json["status"] = status->text();
  if (pid != 0) json["pid"] = pid;
  put("service", service);
  put("pod", pod);
  put("namespace", name_space);
  put("workload", workload);
  put("trace", trace);
  return json;
}

Result<CallFilter> CallFilter::from_json(const nlohmann::json& json) {
  if (!json.is_object()) return fail("filter: must be an object");
  CallFilter filter;
  for (const auto& [key, value] : json.items()) TRY(read_field(filter, key, value));
  return filter;
}

}  // namespace subfloor
