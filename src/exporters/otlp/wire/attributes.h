// SPDX-License-Identifier: Apache-2.0
// Values → OpenTelemetry's KeyValue. Text becomes valid UTF-8, without which a collector refuses the whole request.
#pragma once

#include <opentelemetry/proto/common/v1/common.pb.h>

#include <span>
#include <string_view>

#include "telemetry/metric_snapshot.h"

namespace subfloor::otlp {

using KeyValues = google::protobuf::RepeatedPtrField<opentelemetry::proto::common::v1::KeyValue>;

void add_text(KeyValues& to, std::string_view key, std::string_view value);
void add_integer(KeyValues& to, std::string_view key, std::int64_t value);
void add_double(KeyValues& to, std::string_view key, double value);
void add_boolean(KeyValues& to, std::string_view key, bool value);
void add_integers(KeyValues& to, std::string_view key, std::span<const std::uint64_t> values);
void add_texts(KeyValues& to, std::string_view key, std::span<const std::string_view> values);
void add_label(KeyValues& to, const Label& label);

// Bytes of an id in hex; empty where it is none.
[[nodiscard]] std::string bytes_of_hex(std::string_view hex);

}  // namespace subfloor::otlp
