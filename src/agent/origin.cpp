// SPDX-License-Identifier: Apache-2.0
#include "agent/origin.h"

#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>

namespace subfloor::agent {
namespace {

// OpenTelemetry's names for what uname calls them.
std::string architecture() {
  utsname system{};
  if (uname(&system) != 0) return {};
  const std::string_view machine = system.machine;
  if (machine == "x86_64") return "amd64";
  if (machine == "aarch64") return "arm64";
  return std::string(machine);
}

std::string host_name() {
  std::array<char, 256> name{};
  return gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "";
}

std::string host_id() {
  std::string id;
  std::getline(std::ifstream("/etc/machine-id"), id);
  return id;
}

std::string executable() {
  std::array<char, 4096> path{};
  const ssize_t size = readlink("/proc/self/exe", path.data(), path.size());
  return size > 0 ? std::string(path.data(), static_cast<std::size_t>(size)) : "";
}

// Of the agent itself: not true of the services that it watches.
bool is_of_agent(std::string_view name) {
  return (name.starts_with("service.") && name != "service.namespace") || name.starts_with("process.") ||
         name.starts_with("telemetry.") || name == "container.id";
}

class Builder {
 public:
  explicit Builder(Labels& labels) : labels_(labels) {}
  void add(std::string name, std::string value, LabelType type = LabelType::text) {
    const bool known = std::any_of(labels_.begin(), labels_.end(), [&](const Label& l) { return l.name == name; });
    if (!known && !value.empty()) labels_.push_back({std::move(name), std::move(value), type});
  }

 private:
  Labels& labels_;
};

}  // namespace

otlp::Origin make_origin(const ResourceConfig& config) {
  otlp::Origin origin{{}, {}, agent_version};
  Builder common(origin.common), agent(origin.agent);
  agent.add("service.name", config.service_name);
  for (const auto& [name, value] : config.attributes) (is_of_agent(name) ? agent : common).add(name, value);
  common.add("host.name", host_name());
  common.add("host.id", host_id());
  common.add("host.arch", architecture());
  common.add("os.type", "linux");
  common.add("telemetry.distro.name", "subfloor");
  common.add("telemetry.distro.version", agent_version);
  agent.add("service.name", "subfloor");
  agent.add("service.version", agent_version);
  agent.add("process.pid", std::to_string(getpid()), LabelType::integer);
  const std::string path = executable();
  agent.add("process.executable.name", path.substr(path.rfind('/') + 1));
  agent.add("process.executable.path", path);
  return origin;
}

}  // namespace subfloor::agent
