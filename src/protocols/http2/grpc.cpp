// SPDX-License-Identifier: Apache-2.0
#include "protocols/http2/grpc.h"

#include <algorithm>
#include <string>

#include "base/secret.h"

namespace subfloor::protocols::http2::grpc {
namespace {

constexpr std::uint8_t prefix_size = 5;
constexpr std::string_view no_status_sent = "_OTHER";  // OpenTelemetry's word for an error that has no better one

constexpr std::array<std::string_view, 17> names{
    "OK",                  "CANCELLED", "UNKNOWN",      "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND",
    "ALREADY_EXISTS",      "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED",
    "OUT_OF_RANGE",        "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE",      "DATA_LOSS",         "UNAUTHENTICATED"};

constexpr std::array<Family::Constant, 1> constants{{{"rpc.system.name", "grpc"}}};

std::string_view error_of(const Call& call, const Outcome& outcome) {
  if (outcome.status) return is_error(*outcome.status, call.kind) ? status_name(*outcome.status) : std::string_view();
  // That a client lost interest is no failure of its server's.
  if (!outcome.reset.empty()) return outcome.reset_by_client && call.kind == Kind::server ? std::string_view() : outcome.reset;
  return outcome.response_whole && outcome.certain && (!call.status || *call.status == 200) ? no_status_sent
                                                                                          : std::string_view();
}

}  // namespace

// The names are OpenTelemetry's (rpc.*, v1.44), where rpc.method is fully qualified and the status is a name.
constinit const Family family{
    .name = "grpc",
    .operation_key = "rpc.method",
    .status_key = "rpc.response.status_code",
    .status_text = status_name,
    .constants = constants,
    .otel_duration_metric = {"rpc.server.call.duration", "rpc.client.call.duration"},
};
constinit const Protocol protocol{"grpc", &family};

std::string_view status_name(int status) {
  return status >= 0 && static_cast<std::size_t>(status) < names.size() ? names[static_cast<std::size_t>(status)]
                                                                       : std::string_view("_OTHER");
}

bool is_error(int status, Kind kind) {
  if (kind == Kind::client) return status != 0;
  switch (status) {
    case 2: case 4: case 12: case 13: case 14: case 15: return true;
    default: return status < 0 || static_cast<std::size_t>(status) >= names.size();  // others take it for UNKNOWN
  }
}

void MessageCounter::take(std::string_view bytes) {
  while (known_ && !bytes.empty()) {
    if (left_ > 0) {
      const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size()));
      left_ -= n;
      bytes.remove_prefix(n);
      continue;
    }
    const auto value = static_cast<std::uint8_t>(bytes.front());
    bytes.remove_prefix(1);
    length_ = prefix_ == 0 ? 0 : length_ << 8 | value;
    if (prefix_ == 0 && value > 1) return forget();  // neither compressed nor not: no message begins here
    if (++prefix_ < prefix_size) continue;
    prefix_ = 0;
    left_ = length_;
    ++count_;
  }
}

void MessageCounter::pass(std::uint64_t count) {
  if (count > left_) return forget();
  left_ -= count;
}

void settle(Call& call, const Outcome& outcome) {
  call.protocol = &protocol;
  call.operation.assign(call.path, call.path.starts_with('/') ? 1 : 0);
  wipe(call.path);
  wipe(call.query);
  call.error.assign(error_of(call, outcome));
  if (call.status && *call.status != 200) {
    call.attributes.add("http.response.status_code", *call.status);
    if (call.error.empty() && !outcome.status) call.error = std::to_string(*call.status);
  }
  call.status = outcome.status;
}

}  // namespace subfloor::protocols::http2::grpc
