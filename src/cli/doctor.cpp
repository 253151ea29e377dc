// SPDX-License-Identifier: Apache-2.0
#include "cli/doctor.h"

#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "bpf/libbpf_log.h"
#include "cli/exit_code.h"

namespace subfloor::cli {
namespace {

// The main job takes both.
constexpr std::array<std::string_view, 2> observing_sensors = {"tcp", "process"};

constexpr bpf::CapabilitySet sensor_needs{CAP_BPF, CAP_PERFMON};
constexpr std::size_t ring_bytes = 64 * 1024;

class Nobody final : public sensors::Events {};

SensorFinding attach_for_an_instant(const sensors::Descriptor& descriptor, const bpf::Rings& rings) {
  SensorFinding finding;
  finding.report.sensor = descriptor.name;
  bpf::LibbpfLog log;
  Nobody events;
  const sensors::Settings settings;
  const auto opened = descriptor.open({rings, events, settings, 1}, finding.report);
  finding.report.sensor = descriptor.name;
  if (opened) return finding;
  finding.report.rung.clear();
  finding.why = opened.error().message;
  const std::string detail = bpf::last_meaningful_line(log.take());
  if (!detail.empty() && finding.why.find(detail) == std::string::npos)
    finding.why += "; the last refusal in detail: " + detail;
  return finding;
}

std::vector<SensorFinding> try_sensors(std::span<const sensors::Descriptor* const> descriptors,
                                       const bpf::Capabilities& capabilities) {
  std::string obstacle;
  if (const bpf::CapabilitySet missing = capabilities.missing(sensor_needs); !missing.empty())
    obstacle = "not tried: needs " + to_string(missing);
  const auto rings = obstacle.empty() ? bpf::Rings::make(ring_bytes, ring_bytes) : fail(obstacle);
  std::vector<SensorFinding> findings;
  for (const sensors::Descriptor* descriptor : descriptors) {
    if (rings) {
      findings.push_back(attach_for_an_instant(*descriptor, *rings));
    } else {
      SensorFinding finding;
      finding.report.sensor = descriptor->name;
      finding.why = rings.error().message;
      findings.push_back(std::move(finding));
    }
  }
  return findings;
}

}  // namespace

std::vector<std::string> Diagnosis::observing_lacks() const {
  std::vector<std::string> lacks;
  for (const std::string_view name : observing_sensors) {
    const auto found = std::find_if(sensors.begin(), sensors.end(),
                                    [&](const SensorFinding& finding) { return finding.report.sensor == name; });
    if (found == sensors.end())
      lacks.push_back(fmt::format("sensor {}: not in this build", name));
    else if (found->report.rung.empty())
      lacks.push_back(fmt::format("sensor {}: {}", name, found->why));
  }
  return lacks;
}

Diagnosis diagnose(std::span<const sensors::Descriptor* const> sensors, const bpf::ProbeOptions& options) {
  Diagnosis diagnosis;
  utsname name{};
  if (::uname(&name) == 0) {
    diagnosis.kernel = name.release;
    const long cpus = ::sysconf(_SC_NPROCESSORS_ONLN);
    diagnosis.machine = fmt::format("{}, {} CPU{}", name.machine, cpus, cpus == 1 ? "" : "s");
  }
  diagnosis.capabilities = options.capabilities;
  diagnosis.sensors = try_sensors(sensors, options.capabilities);
  diagnosis.features = bpf::probe_features(options);
  return diagnosis;
}

int exit_code(const Diagnosis& diagnosis) {
  return static_cast<int>(diagnosis.observing_lacks().empty() ? Exit::done : Exit::unsupported);
}

int doctor(bool json, std::FILE* out) {
  const Diagnosis diagnosis = diagnose(sensors::all_sensors());
  const std::string text = json ? to_json(diagnosis) + "\n" : to_table(diagnosis, look_of(::fileno(out)));
  if (std::fwrite(text.data(), 1, text.size(), out) != text.size() || std::fflush(out) != 0)
    return static_cast<int>(Exit::failed);
  return exit_code(diagnosis);
}

}  // namespace subfloor::cli
