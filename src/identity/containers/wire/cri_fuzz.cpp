// SPDX-License-Identifier: Apache-2.0
// Any bytes as a runtime's answers. Checked: what is made of them is bounded, and labels are in order.
#include <algorithm>

#include "base/fuzzing.h"
#include "identity/containers/wire/convert.h"

namespace {

using namespace subfloor;
using fuzzing::require;

void check(const Workload& workload) {
  require(workload.labels.size() <= identity::max_labels && workload.addresses.size() <= 8);
  require(std::ranges::is_sorted(workload.labels));
  for (const auto& [key, value] : workload.labels)
    require(key.size() <= identity::max_text && value.size() <= identity::max_text);
  for (const std::string* text : {&workload.container_id, &workload.container_name, &workload.image,
                                  &workload.sandbox_id, &workload.pod_name, &workload.pod_namespace, &workload.pod_uid})
    require(text->size() <= identity::max_text);
  require(workload.owner.name.size() <= workload.pod_name.size() || workload.owner.kind == "job");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  runtime::v1::PodSandboxStatusResponse pod;
  const int length = static_cast<int>(size);
  Workload workload;
  if (pod.ParseFromArray(data, length)) check(workload = identity::pod_of(pod.status()));
  runtime::v1::ListContainersResponse list;
  if (!list.ParseFromArray(data, length)) return 0;
  for (const auto& container : list.containers()) check(identity::container_of(container, workload));
  return 0;
}
