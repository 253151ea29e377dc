// SPDX-License-Identifier: Apache-2.0
#include "bpf/ladder.h"

#include "base/log.h"

namespace subfloor::bpf {

Result<> climb(const std::vector<Rung>& rungs, std::string_view forced, LadderReport& report) {
  int code = 0;
  std::string known;
  for (const Rung& rung : rungs) {
    known += (known.empty() ? "" : ", ") + std::string(rung.name);
    if (!forced.empty() && rung.name != forced) continue;
    Result<> attached = rung.attach();
    if (attached) {
      report.rung = rung.name;
      report.lost = rung.lost;
      return {};
    }
    LOG_DEBUG("sensor {}: rung {} refused: {}", report.sensor, rung.name, attached.error().message);
    code = attached.error().code;
    report.refused.push_back({std::string(rung.name), std::move(attached.error().message)});
  }
  if (report.refused.empty())
    return fail(fmt::format("sensor {} has no rung '{}' (it has: {})", report.sensor, forced, known));
  std::string all;
  for (const Refusal& refusal : report.refused)
    all += fmt::format("{}{}: {}", all.empty() ? "" : "; ", refusal.rung, refusal.why);
  return fail(fmt::format("sensor {} could not be attached: {}", report.sensor, all), code);
}

}  // namespace subfloor::bpf
