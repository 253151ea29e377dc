// SPDX-License-Identifier: Apache-2.0
// What the rest of Subfloor sees of this folder: its descriptor.
#include "protocols/http1/http1.h"

#include <memory>
#include <string_view>

#include "protocols/http1/head.h"
#include "protocols/http1/session.h"

namespace subfloor::protocols {
namespace {

using namespace http1;

// As far as it is there, what follows a common method must look like a target of HTTP, not of SIP, RTSP or Redis.
Guess guess_target(std::string_view method, std::string_view rest) {
  if (rest.empty()) return Guess::maybe_with_more;
  if (method == "CONNECT") return Guess::yes;
  if (rest.front() == '/' || (rest.front() == '*' && method == "OPTIONS")) return Guess::yes;
  constexpr std::string_view scheme = "http";
  const std::string_view head = rest.substr(0, scheme.size());
  if (!equal_ignoring_case(head, scheme.substr(0, head.size()))) return Guess::no;
  return head.size() == scheme.size() ? Guess::yes : Guess::maybe_with_more;
}

Guess recognise(const Opening& opening) {
  std::string_view bytes = opening.bytes;
  if (opening.datagram) return Guess::no;
  while (!bytes.empty() && (bytes.front() == '\r' || bytes.front() == '\n')) bytes.remove_prefix(1);
  if (bytes.empty()) return Guess::maybe_with_more;
  StartLine line;
  const Parse parse = parse_start_line(bytes, line);
  if (parse == Parse::bad) return Guess::no;
  if (parse == Parse::complete || line.is_response) return Guess::yes;
  constexpr std::string_view response = "HTTP/1.", http2 = "PRI * HTTP/2.0";
  if (response.starts_with(bytes)) return Guess::maybe_with_more;
  if (line.method.empty()) return begins_common_method(bytes) ? Guess::maybe_with_more : Guess::no;
  if (bytes.starts_with(http2.substr(0, bytes.size()))) return Guess::no;
  const Guess guess = guess_target(line.method, bytes.substr(line.method.size() + 1));
  if (guess == Guess::yes && !is_common_method(line.method)) return Guess::maybe_with_more;
  return guess;
}

std::unique_ptr<Session> open(const Options& options) { return std::make_unique<Http1Session>(options); }

}  // namespace

const Descriptor http1_descriptor{&protocol, recognise, open};

}  // namespace subfloor::protocols
