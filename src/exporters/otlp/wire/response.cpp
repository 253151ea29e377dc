// SPDX-License-Identifier: Apache-2.0
#include <google/protobuf/any.pb.h>
#include <google/protobuf/duration.pb.h>
#include <google/protobuf/unknown_field_set.h>
#include <opentelemetry/proto/collector/metrics/v1/metrics_service.pb.h>
#include <opentelemetry/proto/collector/trace/v1/trace_service.pb.h>

#include <algorithm>

#include "exporters/otlp/wire/transports.h"

namespace subfloor::otlp {
namespace {

namespace collector = opentelemetry::proto::collector;

// google.rpc is not packaged: its two messages are read by their field numbers.
constexpr int status_message = 2, status_details = 3, retry_info_delay = 1;

using google::protobuf::UnknownField;
using google::protobuf::UnknownFieldSet;

// Calls take(bytes) for every field of that number that has a length.
template <class Take>
void for_each_field(const std::string& message, int number, Take take) {
  UnknownFieldSet fields;
  if (!fields.ParseFromString(message)) return;
  for (int i = 0; i < fields.field_count(); ++i) {
    const UnknownField& field = fields.field(i);
    if (field.number() == number && field.type() == UnknownField::TYPE_LENGTH_DELIMITED) take(field.length_delimited());
  }
}

std::optional<Nanoseconds> delay_of(const std::string& retry_info) {
  std::optional<Nanoseconds> result;
  for_each_field(retry_info, retry_info_delay, [&](const std::string& bytes) {
    google::protobuf::Duration delay;
    if (!delay.ParseFromString(bytes) || delay.seconds() < 0 || delay.nanos() < 0 || delay.nanos() >= 1'000'000'000)
      return;
    constexpr std::int64_t longest = 1'000'000'000;  // seconds; a sender has a limit of its own, far below
    result = static_cast<Nanoseconds>(std::min(delay.seconds(), longest)) * 1'000'000'000 +
             static_cast<Nanoseconds>(delay.nanos());
  });
  return result;
}

}  // namespace

void read_response(Signal signal, const std::string& bytes, Reply& reply) {
  const auto take = [&](std::int64_t rejected, const std::string& message) {
    reply.rejected = rejected > 0 ? static_cast<std::uint64_t>(rejected) : 0;
    reply.message = message;
  };
  if (signal == Signal::traces) {
    collector::trace::v1::ExportTraceServiceResponse response;
    if (response.ParseFromString(bytes))
      take(response.partial_success().rejected_spans(), response.partial_success().error_message());
  } else {
    collector::metrics::v1::ExportMetricsServiceResponse response;
    if (response.ParseFromString(bytes))
      take(response.partial_success().rejected_data_points(), response.partial_success().error_message());
  }
}

Status read_status(const std::string& bytes) {
  Status status;
  for_each_field(bytes, status_message, [&](const std::string& text) { status.message = text; });
  for_each_field(bytes, status_details, [&](const std::string& detail) {
    google::protobuf::Any any;
    if (any.ParseFromString(detail) && any.type_url().ends_with("/google.rpc.RetryInfo"))
      status.wait = delay_of(any.value());
  });
  return status;
}

}  // namespace subfloor::otlp
