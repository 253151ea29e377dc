// SPDX-License-Identifier: Apache-2.0
// The names of a request that is being served. What the client's end says of it may be heard of after calls were made
// for it, or even after it was answered: all that name themselves after it share this, and are named last.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "model/connection.h"
#include "tracing/ids.h"

namespace subfloor::tracing {

struct Names {
  TraceId trace;
  SpanId span = 0, parent = 0;
  bool sampled = true;
};

struct Origin {
  Names names;
  SpanId told_parent = 0;  // as its header says; 0: it has none
  bool awaits_client = false;  // the other end is on this host, and what it sent was not heard of yet
  SocketKey key = 0, peer = 0;  // peer 0: nobody whose positions are the same
  bool tls = false;
  std::uint32_t position = 0;
};

// A call that is over, before it is told of.
struct Unnamed {
  Names own = {};
  std::shared_ptr<Origin> origin =
      nullptr;  // a server's: its own; a client's: of the request that it was made for, or null
  bool server = false;
  struct Told {
    TraceId trace;
    SpanId parent = 0;
    bool sampled = true;
  };
  std::optional<Told> told = {};  // by the header of a client's request
};

}  // namespace subfloor::tracing
