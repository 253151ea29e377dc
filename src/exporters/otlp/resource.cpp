// SPDX-License-Identifier: Apache-2.0
#include "exporters/otlp/resource.h"

#include <algorithm>

namespace subfloor::otlp {
namespace {

std::string_view value_of(const Labels& labels, std::string_view name) {
  const auto found = std::find_if(labels.begin(), labels.end(), [&](const Label& label) { return label.name == name; });
  return found == labels.end() ? std::string_view{} : std::string_view(found->value);
}

// Attributes in order of precedence: a name given before stays.
class Collected {
 public:
  void add(std::string_view name, std::string_view value, LabelType type = LabelType::text) {
    if (!value.empty() && value_of(labels_, name).empty())
      labels_.push_back({std::string(name), std::string(value), type});
  }
  void add(const Labels& labels) {
    for (const Label& label : labels) add(label.name, label.value, label.type);
  }
  [[nodiscard]] Labels take() { return std::move(labels_); }

 private:
  Labels labels_;
};

// Backends tell writers of a series apart by service and instance: on this host, there is one for each service.
void add_service(Collected& collected, std::string_view service, const Origin& origin) {
  collected.add("service.name", service);
  collected.add("service.instance.id", value_of(origin.common, "host.name"));
}

// Labels are not among them: they are many, and anybody's.
void add_workload(Collected& collected, const Workload& workload) {
  collected.add("container.image.name", workload.image);
  collected.add("k8s.container.name", workload.container_name);
  collected.add("k8s.pod.name", workload.pod_name);
  collected.add("k8s.namespace.name", workload.pod_namespace);
  collected.add("k8s.pod.uid", workload.pod_uid);
  if (!workload.owner.name.empty())
    collected.add("k8s." + std::string(workload.owner.kind) + ".name", workload.owner.name);
}

std::string_view base_name(std::string_view path) { return path.substr(path.rfind('/') + 1); }

bool is_runtime(Language language) {
  return language != Language::unknown && language != Language::cpp && language != Language::rust;
}

}  // namespace

Labels resource_of(const Resource& resource, const Origin& origin) {
  Collected collected;
  add_service(collected, resource.service, origin);
  collected.add("container.id", resource.container_id);
  if (resource.workload) add_workload(collected, *resource.workload);
  if (resource.pid != 0) collected.add("process.pid", std::to_string(resource.pid), LabelType::integer);
  collected.add("process.executable.name", base_name(resource.executable));
  collected.add("process.executable.path", resource.executable);
  if (is_runtime(resource.language)) collected.add("process.runtime.name", to_string(resource.language));
  if (resource.language != Language::unknown) collected.add("telemetry.sdk.language", to_string(resource.language));
  collected.add(origin.common);
  return collected.take();
}

Labels resource_of_service(std::string_view service, const Origin& origin) {
  Collected collected;
  add_service(collected, service, origin);
  collected.add(origin.common);
  return collected.take();
}

Labels resource_of_agent(const Origin& origin) {
  Collected collected;
  collected.add(origin.agent);
  collected.add(origin.common);
  collected.add("service.instance.id", value_of(origin.common, "host.name"));
  return collected.take();
}

}  // namespace subfloor::otlp
