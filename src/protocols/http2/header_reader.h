// SPDX-License-Identifier: Apache-2.0
// Header blocks of one direction: HPACK (RFC 7541) by nghttp2, fields sorted into what a call needs.
//
// Where blocks were missed, the dynamic table is unknown. The inflater is then given a table full of placeholders, each
// as small as an entry can be. Indexes count from the newest entry, so those that were inserted since stand where the
// encoder has them, and what is older is a placeholder, or an index too large: never another field. No entry is thought
// larger than it is, so none is evicted that the encoder still has; one it has not any more it does not refer to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "model/call.h"
#include "protocols/http2/table_memory.h"

namespace subfloor::protocols::http2 {

inline constexpr std::size_t pseudo_limit = 16 * 1024;  // bytes of a pseudo header; a longer one is left out

// Of a request, a response, or trailers.
struct HeaderBlock {
  std::string method, path, authority, protocol;
  bool has_method = false, has_request_fields = false, has_protocol = false;
  std::optional<int> status;
  std::optional<int> grpc_status;
  bool grpc = false;           // content-type: application/grpc…
  bool has_content_type = false;
  HeaderList fields;           // without pseudo headers
  std::size_t bytes = 0;       // of fields as HTTP/1 would write them
  bool cut = false;            // more than the limit
  bool uncertain = false;      // fields that refer to what was not seen, or that could not be read
  bool lost = false;           // part of it was not copied

  void clear();
};

struct HeaderPlan {
  bool keep_all = true;     // false: only what trace context and metrics need
  bool forwarding = false;  // and what names the client behind proxies
  std::size_t limit = 4096;
};

class HeaderReader {
 public:
  explicit HeaderReader(bool table_known);
  ~HeaderReader();
  HeaderReader(const HeaderReader&) = delete;
  HeaderReader& operator=(const HeaderReader&) = delete;

  void begin();
  // Bytes of the block in order, cut anywhere.
  void take(std::string_view bytes, const HeaderPlan& plan);
  // The block is over.
  void end();
  // Part of a block was missed, perhaps all of it, perhaps more than one.
  void forget();

  [[nodiscard]] HeaderBlock& block() { return block_; }
  // More often wrong than an encoder in its senses can be.
  [[nodiscard]] bool hopeless() const;
  // Bytes of the buffer of dynamic table entries, as RFC 7541 counts them.
  [[nodiscard]] std::size_t table_size() const;

 private:
  struct Deleter {
    void operator()(nghttp2_hd_inflater* inflater) const;
  };

  void make_inflater();
  void fill_with_placeholders();
  void fail();
  void take_field(std::string_view name, std::string_view value, const HeaderPlan& plan);
  void take_pseudo(std::string_view name, std::string_view value);

  TableMemory memory_;
  std::unique_ptr<nghttp2_hd_inflater, Deleter> inflater_;  // null: to be made for the next block
  bool table_known_;
  bool wide_ = false;   // the encoder's table is larger than the usual one
  bool broken_ = false; // the rest of the block cannot be read
  int failures_ = 0;
  HeaderBlock block_;
};

}  // namespace subfloor::protocols::http2
