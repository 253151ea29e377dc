// SPDX-License-Identifier: Apache-2.0
#include "protocols/postgres/reader.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace subfloor::protocols::postgres {
namespace {

constexpr std::size_t startup_wanted = 2048;  // of the parameters of a connection

}  // namespace

Reader::Found Reader::read(std::string_view& bytes, const Segment& segment) {
  if (std::exchange(complete_, false)) wipe(content_);
  if (in_message_) return read_content(bytes);
  if (bytes.empty()) return Found::nothing;
  return read_header(bytes, segment);
}

Reader::Found Reader::read_header(std::string_view& bytes, const Segment& segment) {
  const std::size_t size = untyped_ ? header_size - 1 : header_size;
  if (header_bytes_ == 0) {
    origin_ = {.begin = segment.begin,
               .end = segment.end,
               .pid = segment.pid,
               .tid = segment.tid,
               .position = segment.position_of(bytes)};
    if (bytes.size() >= size) {
      const std::string_view header = bytes.substr(0, size);
      bytes.remove_prefix(size);
      return begin(header);
    }
  }
  const std::size_t count = std::min(size - header_bytes_, bytes.size());
  std::memcpy(header_ + header_bytes_, bytes.data(), count);
  header_bytes_ += count;
  bytes.remove_prefix(count);
  if (header_bytes_ < size) return Found::nothing;
  header_bytes_ = 0;
  return begin({header_, size});
}

Reader::Found Reader::begin(std::string_view header) {
  const bool untyped = std::exchange(untyped_, false);
  const char type = untyped ? '\0' : header[0];
  const std::uint32_t length = read_u32(header.substr(untyped ? 0 : 1));
  const bool good = untyped ? length >= 8 && length <= longest_startup : possible(side_, type, length);
  if (!good) return Found::garbage;
  message_ = {.type = type, .length = length - 4};
  left_ = message_.length;
  wanted_ = std::min<std::uint64_t>(untyped ? startup_wanted : wanted(side_, type), left_);
  in_message_ = true;
  return Found::begun;
}

Reader::Found Reader::read_content(std::string_view& bytes) {
  const std::size_t count = std::min<std::uint64_t>(left_, bytes.size());
  const std::string_view here = bytes.substr(0, count);
  bytes.remove_prefix(count);
  left_ -= count;
  if (left_ == 0 && content_.empty()) {  // in one piece, or nothing of it is kept
    message_.content = here.substr(0, wanted_);
    return end();
  }
  const std::size_t kept = std::min(wanted_, count);
  content_.append(here.substr(0, kept));
  wanted_ -= kept;
  if (left_ > 0) return Found::nothing;
  message_.content = content_;
  return end();
}

Reader::Found Reader::end() {
  in_message_ = false;
  complete_ = true;
  return Found::message;
}

Reader::Found Reader::pass(std::uint64_t& count, const Segment& /*segment*/) {
  if (std::exchange(complete_, false)) wipe(content_);
  if (count == 0) return Found::nothing;
  if (!in_message_) {
    count = 0;
    reset();
    return Found::garbage;
  }
  const std::uint64_t here = std::min(left_, count);
  left_ -= here;
  count -= here;
  wanted_ = 0;  // what follows does not adjoin what is there
  if (left_ > 0) return Found::nothing;
  message_.content = content_;
  return end();
}

void Reader::reset() {
  wipe(content_);
  untyped_ = in_message_ = complete_ = false;
  header_bytes_ = wanted_ = 0;
  left_ = 0;
  message_ = {};
}

}  // namespace subfloor::protocols::postgres
