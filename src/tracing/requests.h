// SPDX-License-Identifier: Apache-2.0
// Requests that a process of this host is serving: open from their first bytes until the response is out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "model/connection.h"
#include "tracing/origin.h"

namespace subfloor::tracing {

// Names a request for as long as it is open; after that it names nothing.
struct Handle {
  std::uint32_t slot = 0, generation = 0;  // generation 0: none
  bool operator==(const Handle&) const = default;
  [[nodiscard]] explicit operator bool() const { return generation != 0; }
};

struct Request {
  std::uint32_t generation = 0;
  bool open = false;
  std::shared_ptr<Origin> origin;
  std::uint32_t stream = 0;  // HTTP/2: its number; else 0
  std::uint32_t pid = 0;
  std::uint32_t calls = 0;  // made for it and not answered yet
  std::uint32_t made = 0;   // for it, in all
  bool doubtful = false;    // a call counted for it may have been another's
  std::uint64_t content = 0;  // what it asks for, as a hash
  std::uint64_t shape = 0;  // the same without the digits in it: whoever serves it does the same for others like it
  std::uint32_t next = no_slot, previous = no_slot;  // of the same process

  static constexpr std::uint32_t no_slot = 0xffffffff;
};

// Where a process sends its calls to.
struct Peer {
  Address address;
  std::uint32_t sends = 0;
  bool late = false;  // something was sent there that nothing received called for
};

// A process that serves.
struct Process {
  std::uint32_t first = Request::no_slot;  // its open requests
  std::uint32_t open = 0;
  std::uint32_t idle = 0;  // of these, without a call that waits for its answer
  bool by_turns = false;  // a thread of it had two requests open at once
  bool at_once = false;  // goes on with what it receives before it receives more
  bool goroutines = false;  // threads are goroutines
  bool parallel = false;  // a request of it waited for two calls at once
  std::vector<Peer> peers;
};

class Requests {
 public:
  static constexpr std::size_t limit = 65536;

  // The request, open, or null where there are too many.
  [[nodiscard]] Request* begin(Process& process, std::uint32_t pid);
  [[nodiscard]] Handle handle_of(const Request& request) const {
    return {static_cast<std::uint32_t>(&request - slots_.data()), request.generation};
  }
  // Null where it is over.
  [[nodiscard]] Request* find(Handle handle) {
    if (!handle || handle.slot >= slots_.size()) return nullptr;
    Request& request = slots_[handle.slot];
    return request.open && request.generation == handle.generation ? &request : nullptr;
  }
  void add_call(Process& process, Request& request, bool certain);
  void end_call(Process& process, Request& request);
  void end(Process& process, Request& request);

  // Each open request of the process; visit(request).
  template <class Visit>
  void for_each(const Process& process, const Visit& visit) {
    for (std::uint32_t slot = process.first; slot != Request::no_slot; slot = slots_[slot].next) visit(slots_[slot]);
  }
  [[nodiscard]] std::size_t size() const { return slots_.size() - free_.size(); }

 private:
  std::vector<Request> slots_;
  std::vector<std::uint32_t> free_;
};

}  // namespace subfloor::tracing
