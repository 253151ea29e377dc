// SPDX-License-Identifier: Apache-2.0
#include "bpf/link.h"

#include <algorithm>
#include <atomic>
#include <thread>

namespace subfloor::bpf {

void detach(std::vector<Link>&& links) {
  constexpr std::size_t threads = 16;
  std::vector<Link> all = std::move(links);
  std::atomic<std::size_t> next = 0;
  std::vector<std::jthread> workers;
  const auto work = [&all, &next] {
    for (std::size_t i = next++; i < all.size(); i = next++) const Link gone = std::move(all[i]);
  };
  for (std::size_t i = 1; i < std::min(threads, all.size()); ++i) workers.emplace_back(work);
  work();
}

}  // namespace subfloor::bpf
