// SPDX-License-Identifier: Apache-2.0
// A call: one request and its response as one side of the connection saw them. Every protocol yields these.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/secret.h"
#include "model/attributes.h"
#include "model/connection.h"
#include "model/process.h"
#include "model/protocol.h"
#include "model/workload.h"

namespace subfloor {

// Header fields in order of arrival, kept as one block of text with offsets, so that a call costs one allocation.
class HeaderList {
 public:
  struct Field {
    std::string_view name, value;
  };

  void clear() {
    wipe(block_);
    entries_.clear();
  }
  void add(std::string_view name, std::string_view value);
  // Replaces the value of field i (redaction).
  void replace_value(std::size_t i, std::string_view value);

  [[nodiscard]] std::size_t size() const { return entries_.size(); }
  [[nodiscard]] bool empty() const { return entries_.empty(); }
  [[nodiscard]] Field operator[](std::size_t i) const;
  // Value of the first field of that name (ASCII case-insensitive).
  [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const;

 private:
  struct Entry {
    std::uint32_t name, name_size, value, value_size;
  };
  SecretString block_;  // until it is redacted, and what was dropped with it
  std::vector<Entry> entries_;
};

// ASCII case-insensitive equality, as header names compare.
[[nodiscard]] bool equal_ignoring_case(std::string_view a, std::string_view b);

// Why a call is not whole. A call may carry several.
enum Partial : std::uint8_t {
  partial_no = 0,
  partial_joined_late = 1,      // the connection was older than the agent, or capture resumed inside it
  partial_lost = 2,             // bytes were lost between kernel and agent
  partial_no_response = 4,      // the connection ended, or the agent stopped, before a response came
  partial_cut_short = 8,        // the response began and did not end as its framing promised
  partial_headers = 16,         // more header bytes than the capture limit
  partial_context = 32,  // it refers to what was told before the agent listened: a statement's name, a header table
};

// The names of the flags that are set: "joined_late", "lost" …
[[nodiscard]] std::vector<std::string_view> partial_reasons(std::uint8_t partial);

// That a name stands for an address, as a response told.
struct Resolution {
  std::string name;
  std::array<std::uint8_t, 16> ip{};  // as in Address
  std::uint32_t ttl = 0;  // seconds
};

struct Call {
  const Protocol* protocol = &no_protocol;  // static, never null
  Kind kind = Kind::server;

  Nanoseconds start = 0;  // first byte of the request
  Nanoseconds request_end = 0;  // last byte of the request; 0 where unknown
  Nanoseconds first_byte = 0;  // first byte of the final response; 0 where there was none
  Nanoseconds end = 0;  // last byte of the response; of the request, or the close, where there was none

  std::uint32_t pid = 0;  // thread group that read the request (server) or wrote it (client)
  std::uint32_t tid = 0;
  // Of the request's first byte in its direction: as protocols::Segment::position, the same number at both ends.
  std::optional<std::uint32_t> position;
  std::uint32_t stream = 0;  // HTTP/2: its number on the connection; else 0

  std::string operation;  // method or command, as sent
  std::string target;  // what it was done to, of which there are few: a table, a topic; "" where there is none
  std::string path;  // target without query; empty where the protocol has none
  std::string query;  // without '?'
  std::string version;  // "1.1"
  std::optional<int> status;  // as sent by the peer; never invented
  // Set where the call failed in the eyes of its kind (server, client): the protocol's own code or class. Of HTTP it is
  // left to the status.
  std::string error;
  AttributeList attributes;  // all else that the protocol tells
  std::vector<Resolution> resolutions;
  HeaderList request_headers, response_headers;
  bool headers_kept = true;  // false: of the header fields only those that trace context and metrics need
  std::uint64_t request_body_bytes = 0, response_body_bytes = 0;  // as transferred: chunk framing not counted
  std::uint8_t partial = partial_no;

  void clear();  // back to the defaults, keeping capacity

  [[nodiscard]] Nanoseconds duration() const { return end > start ? end - start : 0; }
};

inline const WorkloadRef no_workload;

// A call with all that is known about who made it. References live only as long as the delivery.
struct Observation {
  const Call& call;
  const Connection& connection;
  const Process& process;  // pid and nothing else where it could not be learned
  const Process* peer;  // the process at the other end where that is on this host and somebody observes, else null
  std::string_view trace_id{};  // 32 hex digits; metrics are made without
  std::string_view span_id{};  // 16 hex digits: this call's own
  std::string_view parent_span_id{};  // 16 hex digits, or empty
  std::string_view service;  // of the process: telemetry/service_name.h
  std::string_view route{};  // of an HTTP path: the template it follows, as far as that was inferred; or empty
  std::string_view server_name{};  // of a client's call: the name that was looked up for the peer's address, or empty
  std::uint8_t trace_flags = 1;  // W3C: 1 for sampled, as the caller decided
  std::string_view trace_state{};  // W3C, as the caller sent it
  const WorkloadRef& workload = no_workload;  // the process's container; null where it has none, or it is not known
  // Who is at the other end, while somebody observes or a map is kept: the peer's container, or the pod that has the
  // remote address.
  const WorkloadRef& peer_workload = no_workload;
  std::string_view peer_service{};  // of the peer, or of that pod; empty where neither is known
};

}  // namespace subfloor
