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
  if (ids_.empty() || ids_.back() < id) return ids_.size();
  if (ids_.front() >= id) return 0;
  return static_cast<std::size_t>(std::lower_bound(ids_.begin(), ids_.end(), id) - ids_.begin());
}

Stream* StreamTable::find(std::uint32_t id) {
  const std::size_t at = place_of(id);
  return at < ids_.size() && ids_[at] == id ? streams_[at].get() : nullptr;
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
  const auto at = static_cast<std::ptrdiff_t>(place_of(id));
  ids_.insert(ids_.begin() + at, id);
  return **streams_.insert(streams_.begin() + at, std::move(stream));
}

void StreamTable::erase(Stream& stream) {
  const std::size_t at = place_of(stream.id);
  head_bytes_ -= stream.head_bytes;
  if (spare_.size() < spare_limit && stream.head_bytes <= spare_bytes_limit) spare_.push_back(std::move(streams_[at]));
  ids_.erase(ids_.begin() + static_cast<std::ptrdiff_t>(at));
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
