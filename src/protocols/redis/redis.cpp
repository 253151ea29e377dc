// SPDX-License-Identifier: Apache-2.0
// What the rest of Subfloor sees of this folder: its descriptor, and what its calls are named.
#include "protocols/redis/redis.h"

#include <array>
#include <memory>

#include "protocols/redis/session.h"

namespace subfloor::protocols {
namespace redis {
namespace {

constexpr std::array constants{Family::Constant{"db.system.name", "redis"}};

constexpr Family family{.name = "redis",
                        .operation_key = "db.operation.name",
                        .status_key = {},
                        .error_key = "db.response.status_code",
                        .constants = constants,
                        .otel_duration_metric = {"", "db.client.operation.duration"},
                        .otel_duration_bounds = otel_database_bounds};

// Commands are sure, lines and unknown commands only beside a reply. Replies alone might be anything: subscribers have
// nothing else, and what comes to them is as distinct as commands are.
Guess recognise(const Opening& opening) {
  if (opening.datagram || opening.bytes.empty()) return Guess::no;
  for (const std::string_view push :
       {"*3\r\n$7\r\nmessage\r\n", "*4\r\n$8\r\npmessage\r\n", "*3\r\n$8\r\nsmessage\r\n", ">3\r\n$7\r\nmessage\r\n",
        ">4\r\n$8\r\npmessage\r\n", ">3\r\n$8\r\nsmessage\r\n", ">2\r\n$10\r\ninvalidate\r\n"}) {
    if (opening.bytes.starts_with(push)) return Guess::yes;
  }
  const Guess command = guess_command(opening.bytes);
  if (command == Guess::yes || command == Guess::maybe_with_more) return command;
  const Guess reply = guess_reply(opening.bytes);
  if (opening.other.empty()) {
    if (command == Guess::likely && opening.bytes.front() == '*') return Guess::likely;
    return command == Guess::likely || reply != Guess::no ? Guess::maybe_with_more : Guess::no;
  }
  const bool array = opening.bytes.front() == '*' && command == Guess::likely;
  const bool answered = reply == Guess::yes && guess_command(opening.other) >= Guess::likely;
  const Guess other_reply = guess_reply(opening.other);
  // A line after what may be a reply could be POP3: there the server speaks first.
  if (answered || (array && other_reply == Guess::yes)) return Guess::yes;
  return reply != Guess::no && other_reply != Guess::no ? Guess::maybe_with_more : Guess::no;
}

std::unique_ptr<Session> open(const Options& options) { return std::make_unique<RedisSession>(options); }

}  // namespace

const Protocol protocol{"redis", &family};

}  // namespace redis

const Descriptor redis_descriptor{&redis::protocol, redis::recognise, redis::open};

}  // namespace subfloor::protocols
