// SPDX-License-Identifier: Apache-2.0
#include "identity/containers/wire/convert.h"

#include <arpa/inet.h>

#include <algorithm>
#include <optional>

namespace subfloor::identity {
namespace {

constexpr std::size_t max_addresses = 8;

std::string bounded(const std::string& text) { return text.substr(0, max_text); }

std::optional<Workload::Ip> parse_ip(const std::string& text) {
  Workload::Ip ip{};
  if (inet_pton(AF_INET6, text.c_str(), ip.data()) == 1) return ip;
  if (inet_pton(AF_INET, text.c_str(), ip.data() + 12) != 1) return std::nullopt;
  ip[10] = ip[11] = 0xff;
  return ip;
}

void add_address(Workload& pod, const std::string& text) {
  if (pod.addresses.size() >= max_addresses) return;
  if (const auto ip = parse_ip(text)) pod.addresses.push_back(*ip);
}

}  // namespace

Workload pod_of(const runtime::v1::PodSandboxStatus& status) {
  Workload pod;
  pod.sandbox_id = bounded(status.id());
  pod.pod_name = bounded(status.metadata().name());
  pod.pod_namespace = bounded(status.metadata().namespace_());
  pod.pod_uid = bounded(status.metadata().uid());
  for (const auto& [key, value] : status.labels()) pod.labels.emplace_back(bounded(key), bounded(value));
  std::sort(pod.labels.begin(), pod.labels.end());
  if (pod.labels.size() > max_labels) pod.labels.resize(max_labels);
  pod.owner = owner_of(pod.pod_name, pod.labels);
  add_address(pod, status.network().ip());
  for (const auto& more : status.network().additional_ips()) add_address(pod, more.ip());
  return pod;
}

Workload container_of(const runtime::v1::Container& container, const Workload& pod) {
  Workload workload = pod;
  workload.container_id = bounded(container.id());
  workload.container_name = bounded(container.metadata().name());
  const auto& image = container.image();
  workload.image = bounded(image.user_specified_image().empty() ? image.image() : image.user_specified_image());
  return workload;
}

}  // namespace subfloor::identity
