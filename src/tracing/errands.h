// SPDX-License-Identifier: Apache-2.0
// Errands: what one goroutine writes because another asked for it, as a client of Go's net/http does for its callers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <unordered_map>

#include "base/clock.h"
#include "model/connection.h"

namespace subfloor::tracing {

// What is about to be written to a socket, and for whom. It holds for transfers that begin in these bytes only: one
// that nobody was told of leaves a call unconnected, and none falsely connected.
struct Errand {
  SocketKey socket = 0;
  bool plaintext = false;      // of TLS: where its position counts
  std::uint32_t position = 0;  // of the first byte
  std::uint32_t length = 0;
  std::uint32_t pid = 0;
  std::uint32_t goroutine = 0;  // that asked
  Nanoseconds asked = 0;
};

// A goroutine begins to handle the request of a stream of HTTP/2, or is done with that.
struct Handler {
  SocketKey socket = 0;
  std::uint32_t stream = 0;  // 0: done
  std::uint32_t pid = 0;
  std::uint32_t goroutine = 0;
  Nanoseconds when = 0;
};

class Errands {
 public:
  void note(const Errand& errand);
  // That of which these bytes are, which forgets what came before it on that socket; null where there is none. Good
  // until the next call.
  [[nodiscard]] const Errand* find(SocketKey socket, bool plaintext, std::uint32_t position);
  void on_closed(SocketKey socket) { by_socket_.erase(socket); }
  void clear() { by_socket_.clear(); }
  [[nodiscard]] std::size_t sockets() const { return by_socket_.size(); }

 private:
  std::unordered_map<SocketKey, std::deque<Errand>> by_socket_;
};

}  // namespace subfloor::tracing
