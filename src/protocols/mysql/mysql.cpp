// SPDX-License-Identifier: Apache-2.0
// What the rest of Subfloor sees of this folder: its descriptor.
#include "protocols/mysql/mysql.h"

#include <memory>

#include "protocols/mysql/evidence.h"
#include "protocols/mysql/session.h"

namespace subfloor::protocols {
namespace {

using namespace mysql;

bool is_command(Evidence evidence) { return evidence == Evidence::command || evidence == Evidence::weak_command; }
bool is_answer(Evidence evidence) { return evidence == Evidence::answer || evidence == Evidence::weak_answer; }

Guess recognise_opening(const Opening& opening) {
  switch (look_at_opening(opening.bytes)) {
    case Evidence::greeting:
    case Evidence::refusal: return Guess::yes;
    case Evidence::short_of_bytes: return Guess::maybe_with_more;
    default: return Guess::no;
  }
}

Guess recognise(const Opening& opening) {
  if (opening.datagram) return Guess::no;
  const Guess guess = recognise_opening(opening);  // the beginning may be there, whether anybody knows or not
  if (opening.whole || guess == Guess::yes) return guess;
  const Evidence evidence = look_at_middle(opening.bytes);
  if (evidence == Evidence::none) return guess;
  const std::optional<Kind> kind = opening.kind;
  const bool from_client = kind && (*kind == Kind::server) == (opening.direction == Direction::inbound);
  if (kind && ((is_command(evidence) && !from_client) || (is_answer(evidence) && from_client))) return Guess::no;
  if (evidence == Evidence::command || evidence == Evidence::answer) return Guess::yes;
  if (evidence == Evidence::short_of_bytes) return Guess::maybe_with_more;
  // Of two commands the first was answered by something that nobody took for an answer, and is of no use any more.
  if (is_command(evidence) && holds_two_packets(opening.bytes)) return guess;
  const Evidence other = look_at_middle(opening.other);
  const bool fit = (is_command(evidence) && is_answer(other)) || (is_answer(evidence) && is_command(other));
  return fit ? Guess::likely : Guess::maybe_with_more;
}

std::unique_ptr<Session> open(const Options& options) { return std::make_unique<MysqlSession>(options); }

}  // namespace

const Descriptor mysql_descriptor{.protocol = &protocol, .recognise = recognise, .open = open, .deep = true};

}  // namespace subfloor::protocols
