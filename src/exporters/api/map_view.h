// SPDX-License-Identifier: Apache-2.0
// The service map as the requests "map" and "map_by_pod" are answered.
#pragma once

#include <nlohmann/json.hpp>

#include "telemetry/service_map.h"

namespace subfloor {

// Of one answer: some 600 bytes each, and a client's queue takes 1 MiB.
inline constexpr std::size_t most_edges = 1000;

// {"time":…,"by":"service","over_s":…,"edges":[{"client":{"kind":…,"name":…,"namespace":…,"pod":…,"pods":…},"server":{…},"protocol":…,"calls":…,
// "errors":…,"rate":…,"error_ratio":…,"p50_ns":…,"p95_ns":…,"p99_ns":…,"seen_by":["client","server"],"total_calls":…,
// "total_errors":…}],"other":{"edges":…,"calls":…}}; what is not known is left out.
[[nodiscard]] nlohmann::json map_json(const MapSnapshot& snapshot, MapBy by);

}  // namespace subfloor
