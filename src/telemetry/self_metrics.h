// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "telemetry/metric_snapshot.h"
#include "telemetry/self_report.h"

namespace subfloor {

// Cost, health and losses of the agent, the same in both conventions.
void append_self_metrics(const SelfReport& report, std::vector<MetricFamily>& families);

}  // namespace subfloor
