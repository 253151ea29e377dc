// SPDX-License-Identifier: Apache-2.0
// What is attached only while traces are followed: for whom the clients of Go programs write.
#include <bpf/bpf.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <utility>

#include "base/clock.h"
#include "base/log.h"
#include "sensors/tls/libraries.h"

namespace subfloor::sensors::tls {

Result<> Libraries::begin_to_follow(Target& target) const {
  std::uint64_t since = 0;  // till all is attached, what was noted by the part that is means nothing
  if (bpf_map_update_elem(settings_.followed_map, &target.number, &since, BPF_ANY) != 0)
    return fail_errno("note a program whose calls are to be followed", errno);
  TRY_ASSIGN(target.following_links, attach_all(target.file.get(), target.number, target.following));
  since = monotonic_now();
  if (bpf_map_update_elem(settings_.followed_map, &target.number, &since, BPF_ANY) != 0)
    return fail_errno("note since when a program's calls are followed", errno);
  return {};
}

void Libraries::follow_calls(bool wanted) {
  follow_ = wanted;
  behind_ = true;
}

void Libraries::catch_up_with_following(Nanoseconds until) {
  if (!std::exchange(behind_, false)) return;
  std::vector<bpf::Link> links;
  for (auto& [id, file] : files_) {
    if (!file.target || file.target->following.empty() || file.target->followed == follow_) continue;
    behind_ = monotonic_now() >= until;
    if (behind_) break;  // the rest next time
    file.target->followed = follow_;
    if (!follow_) {
      std::ranges::move(std::exchange(file.target->following_links, {}), std::back_inserter(links));
    } else if (const auto begun = begin_to_follow(*file.target); !begun) {
      LOG_WARN("TLS: what {} asks for as a client of net/http is not connected to what it serves: {}", file.path,
               begun.error().message);
    }
  }
  detach_meanwhile(std::move(links));
}

}  // namespace subfloor::sensors::tls
