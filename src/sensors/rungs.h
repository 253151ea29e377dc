// SPDX-License-Identifier: Apache-2.0
// A sensor's ladder: each rung is a way to open it.
#pragma once

#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "bpf/ladder.h"
#include "sensors/sensor.h"

namespace subfloor::sensors {

struct SensorRung {
  std::string_view name;
  std::string_view lost;  // what it does not deliver, "" for the best
  std::function<Result<std::unique_ptr<Sensor>>()> open;
};

// The sensor on the first rung that opens, or on the one that the settings name.
[[nodiscard]] inline Result<std::unique_ptr<Sensor>> open_best(const std::vector<SensorRung>& rungs,
                                                               const Context& context, bpf::LadderReport& report) {
  std::unique_ptr<Sensor> sensor;
  std::vector<bpf::Rung> ladder;
  for (const SensorRung& rung : rungs) {
    ladder.push_back({rung.name, rung.lost, [&sensor, &rung]() -> Result<> {
                        TRY_ASSIGN(sensor, rung.open());
                        return {};
                      }});
  }
  TRY(bpf::climb(ladder, context.settings.rung, report));
  return sensor;
}

}  // namespace subfloor::sensors
