// SPDX-License-Identifier: Apache-2.0
// `subfloor doctor`: what this kernel can do with these privileges, why not more, and what is lost by it.
#pragma once

#include <cstdio>
#include <span>
#include <string>
#include <vector>

#include "bpf/features.h"
#include "bpf/ladder.h"
#include "cli/terminal.h"
#include "sensors/sensor.h"

namespace subfloor::cli {

struct SensorFinding {
  bpf::LadderReport report;
  std::string why;  // where it has no rung: not tried and why, or what refused it; else ""
};

struct Diagnosis {
  std::string kernel;   // "6.18.44"
  std::string machine;  // "x86_64, 4 CPUs"
  std::vector<SensorFinding> sensors;
  std::vector<bpf::Feature> features;
  bpf::Capabilities capabilities;

  // What observing lacks here, a sentence each; empty where it works.
  [[nodiscard]] std::vector<std::string> observing_lacks() const;
};

// Probes every feature, and attaches each sensor for an instant. Nothing of it is left on return.
[[nodiscard]] Diagnosis diagnose(std::span<const sensors::Descriptor* const> sensors,
                                 const bpf::ProbeOptions& options = {});

[[nodiscard]] std::string to_table(const Diagnosis& diagnosis, const Look& look);

// One object on one line.
[[nodiscard]] std::string to_json(const Diagnosis& diagnosis);

// 0 where observing works, else 3.
[[nodiscard]] int exit_code(const Diagnosis& diagnosis);

// The subcommand: diagnoses with all sensors, writes to `out`, and returns the exit code of the program (4 where
// nothing could be written).
[[nodiscard]] int doctor(bool json, std::FILE* out);

}  // namespace subfloor::cli
