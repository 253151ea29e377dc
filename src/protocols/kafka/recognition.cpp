// SPDX-License-Identifier: Apache-2.0
// A request begins with binary numbers that other protocols have as well. What tells it apart is that everything fits: the
// API is one there is, in a version there is, and its layout agrees with the bytes and is exactly as long as the message.
#include "protocols/kafka/recognition.h"

#include "protocols/kafka/bytes.h"
#include "protocols/kafka/exchange.h"
#include "protocols/kafka/schema.h"

namespace subfloor::protocols::kafka {
namespace {

constexpr std::size_t head_size = 12;          // length, key, version, correlation id
constexpr std::size_t least_size = 10;         // of a request: the last three, and no client id
constexpr std::size_t enough = 64;             // bytes after which nobody asks for more
constexpr Field header[]{{Type::plain_string, Role::client_id}};

// Kafka's lengths are written as four bytes, of which the first is 0 below 16 MiB. Protocols that write the least
// significant byte first (MySQL, MongoDB) mostly have another there.
bool may_begin(std::string_view bytes) {
  constexpr std::string_view zero("\0", 1);
  if (!bytes.starts_with(zero)) return false;
  if (bytes.size() >= 4 && big_endian(bytes.substr(0, 4)) < static_cast<std::int64_t>(least_size)) return false;
  if (bytes.size() >= 5 && bytes[4] != 0) return false;  // keys are small
  if (bytes.size() >= 6 && find_api(static_cast<int>(big_endian(bytes.substr(4, 2)))) == nullptr) return false;
  return bytes.size() < 7 || bytes[6] == 0;  // and so are versions
}

struct Verdict {
  bool fits = true;
  bool in_body = false;     // the header is complete, and some of the body was there
  bool exact = false;       // the message was all there, and its layout as long as itself
  bool whole = false;       // the message was all there, and nothing followed
};

Verdict judge(std::string_view bytes) {
  const auto key = static_cast<int>(big_endian(bytes.substr(4, 2)));
  const auto version = static_cast<int>(big_endian(bytes.substr(6, 2)));
  const Api& api = *find_api(key);
  if (version > api.last_version || big_endian(bytes.substr(8, 4)) < 0) return {.fits = false};
  const auto size = static_cast<std::uint64_t>(big_endian(bytes.substr(0, 4))) - (head_size - 4);
  std::string_view rest = bytes.substr(head_size);
  Verdict verdict{.whole = rest.size() == size};
  rest = rest.substr(0, size);
  Exchange exchange;
  Collector collector;
  MessageReader reader;
  collector.begin(Collector::Side::request, exchange, nullptr);
  const bool flexible = version >= api.first_flexible;
  const bool without_client = key == controlled_shutdown_key && version == 0;
  reader.begin(without_client ? Schema{} : Schema(header), 0, flexible, size, collector);
  rest.remove_prefix(reader.take(rest, collector));
  if (reader.finished()) {
    reader.begin(api.request, version, flexible, reader.left(), collector);
    verdict.in_body = !rest.empty() || reader.left() == 0;
    rest.remove_prefix(reader.take(rest, collector));
  }
  collector.finish();
  verdict.exact = reader.finished() && reader.left() == 0;
  const bool too_long = reader.finished() && !verdict.exact;
  const bool too_short = !reader.finished() && !reader.undescribed() && reader.left() == 0;
  const bool without_topic = verdict.exact && key == produce_key && exchange.asked.topics() == 0;
  verdict.fits = !reader.bad() && !collector.odd() && !too_long && !too_short && !without_topic;
  return verdict;
}

}  // namespace

Guess recognise(const Opening& opening) {
  const std::string_view bytes = opening.bytes;
  if (opening.datagram) return Guess::no;
  if (opening.kind && (*opening.kind == Kind::server) != (opening.direction == Direction::inbound)) return Guess::no;
  if (!may_begin(bytes)) return Guess::no;
  if (bytes.size() < head_size) return Guess::maybe_with_more;
  const Verdict verdict = judge(bytes);
  if (!verdict.fits) return Guess::no;
  if (verdict.exact) return Guess::yes;
  if (!verdict.in_body) return bytes.size() < enough ? Guess::maybe_with_more : Guess::likely;
  if (!opening.whole) return Guess::likely;
  return verdict.whole || bytes.size() >= enough ? Guess::yes : Guess::likely;
}

}  // namespace subfloor::protocols::kafka
