// SPDX-License-Identifier: Apache-2.0
// What the rest of Subfloor sees of this folder: its descriptor.
#include "protocols/http2/http2.h"

#include <array>
#include <memory>
#include <string_view>

#include "protocols/http2/frame.h"
#include "protocols/http2/grpc.h"
#include "protocols/http2/session.h"

namespace subfloor::protocols {
namespace {

using namespace http2;

Guess to_guess(Shape shape) {
  switch (shape) {
    case Shape::strong: return Guess::yes;
    case Shape::weak: return Guess::likely;
    case Shape::maybe_with_more: return Guess::maybe_with_more;
    case Shape::none: break;
  }
  return Guess::no;
}

Guess recognise(const Opening& opening) {
  const std::string_view bytes = opening.bytes;
  if (opening.datagram || bytes.empty()) return Guess::no;
  if (bytes.starts_with(connection_preface)) return Guess::yes;
  if (connection_preface.starts_with(bytes)) return Guess::maybe_with_more;
  return to_guess(opening.whole ? shape_of_first_settings(bytes) : shape_of(bytes, bytes.size()));
}

constexpr std::array<const Protocol*, 1> on_top{&grpc::protocol};

std::unique_ptr<Session> open(const Options& options) { return std::make_unique<Http2Session>(options); }

}  // namespace

const Descriptor http2_descriptor{&protocol, recognise, open, on_top, true};

}  // namespace subfloor::protocols
