// SPDX-License-Identifier: Apache-2.0
// One end of a connection, as far as traces go through it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "model/call.h"
#include "tracing/origin.h"
#include "tracing/requests.h"

namespace subfloor::tracing {

// What a client sent in one go, and why. The calls whose requests begin in it are named after its origin.
struct Send {
  std::uint32_t position = 0, end = 0;  // of its first byte, and of the one after its last
  bool answered = false;       // a call that began here was
  Handle cause;          // for which it was made, or probably was
  bool certain = false;
  std::shared_ptr<Origin> origin;  // of the cause, if that is certain
  bool open = false;  // whether it can be told what it was made for will be seen when the thread is done
};

// The last few things that were sent, oldest first; the oldest go for want of room.
class Sends {
 public:
  Send& push(std::uint32_t position, std::uint32_t end);
  // The one that the byte there belongs to: null where that was before, or is still to come.
  [[nodiscard]] Send* find(std::uint32_t position);
  [[nodiscard]] Send* last() { return count_ == 0 ? nullptr : &at(count_ - 1); }
  // The oldest that was not answered, or null.
  [[nodiscard]] Send* unanswered();
  [[nodiscard]] std::size_t size() const { return count_; }
  void clear() { *this = {}; }
  [[nodiscard]] bool empty() const { return count_ == 0; }
  template <class Visit>
  void for_each(const Visit& visit) {
    for (std::size_t i = 0; i < count_; ++i) visit(at(i));
  }

 private:
  static constexpr std::size_t most = 256;
  [[nodiscard]] Send& at(std::size_t i) { return ring_[(first_ + i) & (ring_.size() - 1)]; }
  std::vector<Send> ring_;  // its size is a power of two, or 0
  std::size_t first_ = 0, count_ = 0;
};

struct Link {
  bool tls = false;             // positions are of the plaintext
  bool comparable = true;       // they are those that the other end counts, too
  std::optional<Kind> kind;
  std::uint32_t pid = 0;
  Sends sends;                  // client
  bool turned = true;           // something was received since the last send
  bool fresh = false;           // nothing was sent yet: that it is connected now may be the reason why something is
  Address remote;
  std::vector<Handle> serving;  // server: requests not answered yet, oldest first
  bool alone = false;           // server: its client, though on this host, was waited for in vain
};

}  // namespace subfloor::tracing
