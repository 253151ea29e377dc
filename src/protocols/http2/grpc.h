// SPDX-License-Identifier: Apache-2.0
// gRPC on top of HTTP/2: names as OpenTelemetry has them, messages counted by their prefixes.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "model/call.h"

namespace subfloor::protocols::http2::grpc {

// "NOT_FOUND" of 5; "CODE_<n>" is not made up: a code nobody knows is "_OTHER".
[[nodiscard]] std::string_view status_name(int status);
// A server is to blame for some of them only; to a client all but OK are errors.
[[nodiscard]] bool is_error(int status, Kind kind);

extern const Family family;
extern const Protocol protocol;

// Counts the messages of one direction of a stream: each has five bytes before it, flags and length.
class MessageCounter {
 public:
  void take(std::string_view bytes);
  // Bytes that passed without content.
  void pass(std::uint64_t count);
  // Whatever comes, the number is not known any more.
  void forget() { known_ = false; }
  // How many of the next bytes are certain to belong to a message.
  [[nodiscard]] std::uint64_t left() const { return known_ ? left_ : UINT64_MAX; }
  // How many began; nothing where it is not known.
  [[nodiscard]] std::optional<std::uint64_t> count() const {
    return known_ ? std::optional<std::uint64_t>(count_) : std::nullopt;
  }

 private:
  std::uint64_t left_ = 0, count_ = 0;
  std::uint32_t length_ = 0;
  std::uint8_t prefix_ = 0;  // bytes of it so far
  bool known_ = true;
};

// What of a call's outcome only gRPC tells.
struct Outcome {
  std::optional<int> status;   // grpc-status, where it was sent
  std::string_view reset;      // name of the code the stream was reset with, or empty
  bool reset_by_client = false;
  bool response_whole = false; // its end was seen
  bool certain = true;         // no field of it is unknown, nothing was lost
};

// Makes a gRPC call of an HTTP call: operation, status, error. Its HTTP status becomes an attribute where it is not
// 200.
void settle(Call& call, const Outcome& outcome);

}  // namespace subfloor::protocols::http2::grpc
