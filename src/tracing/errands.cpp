// SPDX-License-Identifier: Apache-2.0
#include "tracing/errands.h"

#include <algorithm>

namespace subfloor::tracing {
namespace {

constexpr std::size_t sockets_limit = 65536;
constexpr std::size_t errands_limit = 64;  // of one socket that were not heard of yet

bool covers(const Errand& errand, bool plaintext, std::uint32_t position) {
  return errand.plaintext == plaintext && position - errand.position < errand.length;
}

}  // namespace

void Errands::note(const Errand& errand) {
  if (by_socket_.size() >= sockets_limit && !by_socket_.contains(errand.socket)) by_socket_.clear();
  std::deque<Errand>& all = by_socket_[errand.socket];
  if (all.size() >= errands_limit) all.pop_front();
  all.push_back(errand);
}

const Errand* Errands::find(SocketKey socket, bool plaintext, std::uint32_t position) {
  const auto entry = by_socket_.find(socket);
  if (entry == by_socket_.end()) return nullptr;
  std::deque<Errand>& all = entry->second;
  // The last first: positions come round again, after 4 GiB.
  const auto found =
      std::find_if(all.rbegin(), all.rend(), [&](const Errand& errand) { return covers(errand, plaintext, position); });
  if (found == all.rend()) return nullptr;
  all.erase(all.begin(), found.base() - 1);
  return &all.front();
}

}  // namespace subfloor::tracing
