// SPDX-License-Identifier: Apache-2.0
#include "bpf/features.h"

#include <algorithm>

#include "bpf/libbpf_log.h"
#include "bpf/probe.h"

namespace subfloor::bpf {
namespace {

using probe::Outcome;
using probe::Probe;
using probe::Workbench;

// A refusal to a process that could have more privileges says nothing certain about the kernel.
void weigh_refusal(Outcome& outcome, const Capabilities& capabilities) {
  const bool permission =
      outcome.why.find("(EPERM)") != std::string::npos || outcome.why.find("(EACCES)") != std::string::npos;
  if (outcome.state != State::no || !permission || capabilities.missing({CAP_SYS_ADMIN}).empty()) return;
  outcome.state = State::unknown;
  outcome.why += "; perhaps for want of CAP_SYS_ADMIN";
}

Outcome try_one(const Probe& probe, Workbench& bench, const Capabilities& capabilities) {
  const CapabilitySet missing = capabilities.missing(probe.needs);
  if (!missing.empty()) {
    const char* elsewhere = capabilities.initial_user_namespace ? "" : " of the initial user namespace";
    return probe::unknown("not tried: needs " + to_string(missing) + elsewhere);
  }
  Outcome outcome = probe.run(bench);
  weigh_refusal(outcome, capabilities);
  return outcome;
}

void run(const std::vector<Probe>& probes, Workbench& bench, const Capabilities& capabilities,
         std::vector<Feature>& features) {
  for (const Probe& probe : probes) {
    Outcome outcome = try_one(probe, bench, capabilities);
    features.push_back(
        {probe.name, probe.group, outcome.state, std::move(outcome.why), to_string(probe.needs), probe.used_by});
  }
}

void run_in_new_network(const std::vector<Probe>& probes, Workbench& bench, const Capabilities& capabilities,
                        std::vector<Feature>& features) {
  const Result<> made = probe::in_new_network([&] {
    bench.set_own_network({});
    run(probes, bench, capabilities, features);
  });
  if (made) return;
  bench.set_own_network(made);
  run(probes, bench, capabilities, features);
}

void add_capabilities(const Capabilities& capabilities, std::vector<Feature>& features) {
  for (const KnownCapability& known : known_capabilities()) {
    const bool has = capabilities.effective.has(known.number);
    Feature feature{std::string(known.name),         "privileges", has ? State::yes : State::no,
                    has ? "" : "not effective here", "",           std::string(known.gives)};
    if (has && !capabilities.initial_user_namespace) {
      feature.state = State::no;
      feature.why = "only in a user namespace of its own";
    }
    features.push_back(std::move(feature));
  }
}

}  // namespace

std::string_view to_string(State state) {
  switch (state) {
    case State::no: return "no";
    case State::yes: return "yes";
    case State::unknown: break;
  }
  return "unknown";
}

std::vector<Feature> probe_features(const ProbeOptions& options) {
  const LibbpfLog quiet;
  const Capabilities& capabilities = options.capabilities;
  Workbench bench;
  std::vector<Feature> features;
  add_capabilities(capabilities, features);
  run(probe::system_probes(), bench, capabilities, features);
  run(probe::map_probes(), bench, capabilities, features);
  run(probe::tracing_probes(), bench, capabilities, features);
  run(probe::enforcement_probes(), bench, capabilities, features);
  run(probe::cgroup_probes(), bench, capabilities, features);
  run_in_new_network(probe::network_probes(), bench, capabilities, features);
  // Some groups are tried in more than one place.
  static constexpr std::string_view order[] = {"privileges", "system",      "maps",   "tracing",
                                               "helpers",    "enforcement", "cgroup", "network"};
  const auto place = [](const Feature& feature) {
    return std::find(std::begin(order), std::end(order), feature.group);
  };
  std::stable_sort(features.begin(), features.end(),
                   [&](const Feature& a, const Feature& b) { return place(a) < place(b); });
  return features;
}

}  // namespace subfloor::bpf
