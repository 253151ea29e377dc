// SPDX-License-Identifier: Apache-2.0
// The runtime's messages as what they tell, within bounds: users of a cluster choose names and labels.
#pragma once

#include "cri.pb.h"
#include "model/workload.h"

namespace subfloor::identity {

inline constexpr std::size_t max_labels = 64;
inline constexpr std::size_t max_text = 512;  // bytes of a name, a label's key or value; longer ones are cut

// A sandbox itself, of which the containers' are made.
[[nodiscard]] Workload pod_of(const runtime::v1::PodSandboxStatus& status);
[[nodiscard]] Workload container_of(const runtime::v1::Container& container, const Workload& pod);

}  // namespace subfloor::identity
