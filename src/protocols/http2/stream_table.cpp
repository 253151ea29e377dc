// SPDX-License-Identifier: Apache-2.0
#include "protocols/http2/stream_table.h"

#include <algorithm>
#include <utility>

namespace subfloor::protocols::http2 {
namespace {

constexpr std::size_t spare_limit = 256;
constexpr std::size_t spare_bytes_limit = 8 * 1024;  // a stream that had larger heads is not kept

}  // namespace

void Stream::clear() {
  call.clear();
  request = response = Half{};
  grpc = connect = trailers_uncertain = reset_by_client = false;
  grpc_status.reset();
  reset = {};
  last = 0;
  head_bytes = 0;
}

std::size_t StreamTable::place_of(std::uint32_t id) const {
  if (streams_.empty() || streams_.back()->id < id) return streams_.size();
  const auto at = std::lower_bound(streams_.begin(), streams_.end(), id,
                                   [](const auto& stream, std::uint32_t wanted) { return stream->id < wanted; });
  return static_cast<std::size_t>(at - streams_.begin());
}

Stream* StreamTable::find(std::uint32_t id) {
  const std::size_t at = place_of(id);
  return at < streams_.size() && streams_[at]->id == id ? streams_[at].get() : nullptr;
}

Stream& StreamTable::insert(std::uint32_t id) {
  std::unique_ptr<Stream> stream;
  if (spare_.empty()) {
    stream = std::make_unique<Stream>();
  } else {
    stream = std::move(spare_.back());
    spare_.pop_back();
    unused_ = std::min(unused_, spare_.size());
    stream->clear();
  }
  stream->id = id;
  return **streams_.insert(streams_.begin() + static_cast<std::ptrdiff_t>(place_of(id)), std::move(stream));
}

void StreamTable::erase(Stream& stream) {
  const std::size_t at = place_of(stream.id);
  head_bytes_ -= stream.head_bytes;
  if (spare_.size() < spare_limit && stream.head_bytes <= spare_bytes_limit) spare_.push_back(std::move(streams_[at]));
  streams_.erase(streams_.begin() + static_cast<std::ptrdiff_t>(at));
}

void StreamTable::count_head(Stream& stream, std::size_t bytes) {
  stream.head_bytes += bytes;
  head_bytes_ += bytes;
}

void StreamTable::shrink() {
  spare_.resize(spare_.size() - std::min(unused_, spare_.size()));
  unused_ = spare_.size();
}

}  // namespace subfloor::protocols::http2
