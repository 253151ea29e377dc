// SPDX-License-Identifier: Apache-2.0
// The open streams of one connection, by id.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "model/call.h"
#include "protocols/http2/grpc.h"

namespace subfloor::protocols::http2 {

inline constexpr std::size_t open_streams_limit = 1000;
inline constexpr std::size_t open_bytes_limit = 1024 * 1024;  // of the headers of all of them

// One direction of a stream.
struct Half {
  bool begun = false;   // its head was seen
  bool done = false;
  bool doubtful = false;  // bytes were lost since it was heard of last: it may be over
  bool broken = false;    // bytes of it were lost
  grpc::MessageCounter messages;
};

// A call in the making.
struct Stream {
  std::uint32_t id = 0;
  Call call;
  Half request, response;
  bool grpc = false;
  bool connect = false;
  bool trailers_uncertain = false;
  std::optional<int> grpc_status;
  std::string_view reset;  // name of the code it was reset with
  bool reset_by_client = false;
  Nanoseconds last = 0;  // heard of
  std::size_t head_bytes = 0;

  void clear();
};

// Ordered by id. Keeps streams that ended for reuse, so that a steady stream of calls allocates nothing.
class StreamTable {
 public:
  [[nodiscard]] Stream* find(std::uint32_t id);
  // Of an id that is not there.
  [[nodiscard]] Stream& insert(std::uint32_t id);
  void erase(Stream& stream);

  [[nodiscard]] std::size_t size() const { return streams_.size(); }
  [[nodiscard]] Stream& operator[](std::size_t i) { return *streams_[i]; }
  [[nodiscard]] const Stream& operator[](std::size_t i) const { return *streams_[i]; }

  void count_head(Stream& stream, std::size_t bytes);
  [[nodiscard]] bool too_many() const {
    return streams_.size() > 1 && (streams_.size() > open_streams_limit || head_bytes_ > open_bytes_limit);
  }
  // Frees those kept for reuse that were not needed since the last time.
  void shrink();

 private:
  [[nodiscard]] std::size_t place_of(std::uint32_t id) const;

  std::vector<std::uint32_t> ids_;  // of the streams: looked through without touching them
  std::vector<std::unique_ptr<Stream>> streams_;
  std::vector<std::unique_ptr<Stream>> spare_;
  std::size_t unused_ = 0;  // fewest spare ones since shrink()
  std::size_t head_bytes_ = 0;
};

}  // namespace subfloor::protocols::http2
