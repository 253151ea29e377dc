// SPDX-License-Identifier: Apache-2.0
// A line of JSON → a Row.
#include <nlohmann/json.hpp>

#include "cli/table.h"

namespace subfloor::cli {
namespace {

using Json = nlohmann::json;

std::string text_of(const Json& call, const char* key) {
  const auto found = call.find(key);
  return found != call.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::optional<std::uint64_t> number_of(const Json& call, const char* key) {
  const auto found = call.find(key);
  if (found == call.end() || !found->is_number_unsigned()) return std::nullopt;
  return found->get<std::uint64_t>();
}

std::string either(const std::string& first, const std::string& second) { return first.empty() ? second : first; }

using Number = std::optional<std::uint64_t>;
Number either(const Number& first, const Number& second) { return first ? first : second; }

// "10.0.0.1:80"; just the address where there is no port.
std::string address_of(const Json& call, const char* address_key, const char* port_key) {
  const std::string address = text_of(call, address_key);
  const auto port = number_of(call, port_key);
  if (!port) return address;
  const bool brackets = address.find(':') != std::string::npos;
  return (brackets ? "[" + address + "]" : address) + ":" + std::to_string(*port);
}

Row::End own_end(const Json& call) {
  const std::string name = either(text_of(call, "service.name"), text_of(call, "process.executable.name"));
  if (name.empty()) return {address_of(call, "network.local.address", "network.local.port"), 0};
  return {name, static_cast<std::uint32_t>(number_of(call, "process.pid").value_or(0))};
}

Row::End other_end(const Json& call) {
  const std::string name = either(text_of(call, "peer.service"), text_of(call, "peer.process.executable.name"));
  if (!name.empty()) return {name, static_cast<std::uint32_t>(number_of(call, "peer.process.pid").value_or(0))};
  const std::string address = address_of(call, "network.peer.address", "network.peer.port");
  return {either(address, text_of(call, "network.transport") == "unix" ? "unix socket" : ""), 0};
}

std::string partial_of(const Json& call) {
  const auto reasons = call.find("partial_reasons");
  std::string all;
  if (reasons != call.end() && reasons->is_array()) {
    for (const Json& reason : *reasons)
      if (reason.is_string()) all += (all.empty() ? "" : ",") + reason.get<std::string>();
  }
  const auto partial = call.find("partial");
  return all.empty() && partial != call.end() && *partial == true ? "partial" : all;
}

}  // namespace

std::optional<Row> parse_row(std::string_view json) {
  const Json call = Json::parse(json, nullptr, false);
  if (!call.is_object() || !call.contains("time")) return std::nullopt;
  Row row;
  row.time = text_of(call, "time");
  row.kind = text_of(call, "kind");
  row.server = row.kind == "client" ? other_end(call) : own_end(call);
  row.client = row.kind == "client" ? own_end(call) : other_end(call);
  if (text_of(call, "protocol") != "http") row.protocol = text_of(call, "protocol");
  row.method = either(either(text_of(call, "http.request.method_original"), text_of(call, "http.request.method")),
                      text_of(call, "operation"));
  row.path = either(either(text_of(call, "url.path"), text_of(call, "path")), text_of(call, "target"));
  row.query = text_of(call, "url.query");
  for (const char* key : {"http.response.status_code", "status_code"})
    if (const auto found = call.find(key); found != call.end() && found->is_number_integer())
      row.status = found->get<int>();
  row.failed = call.contains("error.type");
  row.outcome = text_of(call, "error.type");
  if (row.outcome.empty() && row.status.value_or(0) != 0)
    row.outcome = either(text_of(call, "status_text"), std::to_string(*row.status));
  row.duration = number_of(call, "duration_ns").value_or(0);
  row.request_bytes = either(number_of(call, "http.request.body.size"), number_of(call, "request.size")).value_or(0);
  row.response_bytes = either(number_of(call, "http.response.body.size"), number_of(call, "response.size"));
  row.partial = partial_of(call);
  row.answered = row.status || row.partial.find("no_response") == std::string::npos;
  return row;
}

}  // namespace subfloor::cli
