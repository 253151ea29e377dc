// SPDX-License-Identifier: Apache-2.0
// What the rest of Subfloor sees of this folder: its descriptor.
#include "protocols/dns/dns.h"

#include <array>
#include <memory>
#include <string_view>

#include "protocols/dns/message.h"
#include "protocols/dns/session.h"

namespace subfloor::protocols {
namespace dns {
namespace {

// Of dns.resolution.duration, in nanoseconds.
constexpr std::array<std::uint64_t, 6> resolution_bounds{1'000'000,  5'000'000,   10'000'000,
                                                         50'000'000, 100'000'000, 500'000'000};

constexpr Family family{.name = "dns",
                        .operation_key = "dns.question.type",
                        .target_key = "dns.question.name",
                        .status_key = "dns.response_code",
                        .status_text = rcode_text,
                        .duration_metric = {"", "dns.resolution.duration"},
                        .otel_duration_metric = {"", "dns.lookup.duration"},
                        .duration_bounds = resolution_bounds};

}  // namespace

const Protocol protocol{"dns", &family};

}  // namespace dns

namespace {

using namespace dns;

constexpr std::size_t prefix_size = 2;  // of a message in a stream: its length

Guess guess_of(Parse parse) {
  switch (parse) {
    case Parse::complete: return Guess::yes;
    case Parse::cut: return Guess::maybe_with_more;
    case Parse::bad: return Guess::no;
  }
  return Guess::no;
}

Guess recognise(const Opening& opening) {
  if (opening.datagram) return looks_like_message(opening.bytes) == Parse::complete ? Guess::yes : Guess::no;
  if (opening.bytes.size() < prefix_size) return Guess::maybe_with_more;
  const std::size_t length = static_cast<std::size_t>(static_cast<std::uint8_t>(opening.bytes[0])) << 8U |
                             static_cast<std::uint8_t>(opening.bytes[1]);
  std::string_view message = opening.bytes.substr(prefix_size);
  if (length < header_size + 5) return Guess::no;
  message = message.substr(0, length);
  const Parse parse = looks_like_message(message);
  return parse == Parse::cut && message.size() == length ? Guess::no : guess_of(parse);
}

std::unique_ptr<Session> open(const Options& options) { return std::make_unique<DnsSession>(options); }

}  // namespace

const Descriptor dns_descriptor{&dns::protocol, recognise, open};

}  // namespace subfloor::protocols
