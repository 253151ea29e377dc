// SPDX-License-Identifier: Apache-2.0
// What the rest of Subfloor sees of this folder: its descriptor, and what its calls are named.
#include "protocols/postgres/postgres.h"

#include <algorithm>
#include <array>
#include <memory>

#include "protocols/postgres/session.h"
#include "protocols/postgres/wire.h"

namespace subfloor::protocols {
namespace postgres {
namespace {

constexpr std::array constants{Family::Constant{"db.system.name", "postgresql"}};

constexpr Family family{.name = "postgres",
                        .operation_key = "db.operation.name",
                        .target_key = "db.collection.name",
                        .status_key = {},
                        .constants = constants,
                        .otel_duration_metric = {"", "db.client.operation.duration"},
                        .otel_duration_bounds = otel_database_bounds};

// The untyped message that begins a connection: length, code, and of a startup the names of parameters.
Guess guess_startup(std::string_view bytes) {
  constexpr std::size_t size = 8;
  std::array<char, size> head{};
  std::copy_n(bytes.begin(), std::min(bytes.size(), size), head.begin());
  const std::uint32_t length = read_u32({head.data(), size}), code = read_u32({head.data() + 4, 4});
  if (bytes.size() < size)
    return bytes[0] == '\0' && (bytes.size() < 2 || bytes[1] == '\0') ? Guess::maybe_with_more : Guess::no;
  if (code == code_ssl || code == code_gss) return length == 8 ? Guess::yes : Guess::no;
  if (code == code_cancel) return length == 16 ? Guess::yes : Guess::no;
  if (code >> 16 != 3 || (code & 0xffff) > 99 || length > longest_startup) return Guess::no;
  const std::string_view parameter = bytes.substr(size);
  if (length < 9 || parameter.empty()) return length < 9 ? Guess::no : Guess::maybe_with_more;
  const char first = parameter[0];
  return first == '\0' || first == '_' || (first >= 'a' && first <= 'z') ? Guess::yes : Guess::no;
}

// In the middle of a connection: messages that fit to the end, on either side.
Guess guess_messages(std::string_view bytes, std::string_view other) {
  const auto fits = [](Side side, std::string_view text) {
    const Chain chain = follow(side, text);
    return chain.holds && chain.distinct && (chain.ends || chain.messages >= 2);
  };
  const bool frontend = fits(Side::frontend, bytes), backend = fits(Side::backend, bytes);
  if (!frontend && !backend) return Guess::no;
  if (!other.empty() && fits(frontend ? Side::backend : Side::frontend, other)) return Guess::yes;
  return Guess::likely;
}

Guess recognise(const Opening& opening) {
  if (opening.datagram || opening.bytes.empty()) return Guess::no;
  if (opening.whole) return guess_startup(opening.bytes);
  const Guess guess = guess_messages(opening.bytes, opening.other);
  if (guess != Guess::no) return guess;
  return guess_startup(opening.bytes) == Guess::yes ? Guess::yes : Guess::no;
}

std::unique_ptr<Session> open(const Options& options) { return std::make_unique<PostgresSession>(options); }

}  // namespace

const Protocol protocol{"postgres", &family};

}  // namespace postgres

const Descriptor postgres_descriptor{
    .protocol = &postgres::protocol, .recognise = postgres::recognise, .open = postgres::open, .deep = true};

}  // namespace subfloor::protocols
