// SPDX-License-Identifier: Apache-2.0
// The input is a conversation: a byte of options, then steps. A step is a byte that says what happens (bit 0 direction,
// bits 1-3 what), a length byte, and that many bytes; some steps stand for whole messages, so that the framing holds.
// Required besides memory safety: bounds, sanity of every call, and that cutting the same stream elsewhere gives the
// same calls.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocols/fuzzing.h"
#include "protocols/postgres/conversation.h"
#include "protocols/postgres/postgres.h"
#include "protocols/postgres/session.h"

namespace {

using namespace subfloor;
using namespace subfloor::protocols;
using namespace subfloor::protocols::postgres;
using fuzzing::require;

class Checker final : public fuzzing::Checker {
 public:
  std::string check(Call& call) override {
    require(call.protocol == &protocol);
    require(call.end >= call.start);
    require(call.partial < 64);
    require(!call.status);
    require(call.operation.size() <= 256 && call.target.size() <= 4 * 65 && call.error.size() <= 16);
    require(call.request_body_bytes + call.response_body_bytes <= passed);
    require(call.attributes.find("db.query.summary").value_or("").size() <= sql::longest_summary);
    return testing::full(call);
  }
};

std::string message_of(std::uint8_t which, std::string_view content) {
  using namespace subfloor::protocols::postgres::testing;
  constexpr std::string_view types = "QPBDECSHXFdcfpRKSZTDCIENA123ntsGHWVv";
  switch (which) {
    case 200: return startup();
    case 201: return untyped(code_ssl);
    case 202: return authenticated;
    case 203: return query("SELECT a FROM b; UPDATE c SET d = 'e'");
    case 204: return parse("s", "INSERT INTO a VALUES ($1)");
    case 205: return bind("", "s");
    case 206: return execute();
    case 207: return testing::sync;
    case 208: return row_description + rows(3) + complete("SELECT 3");
    case 209: return ready();
    case 210: return failure("42P01");
    case 211: return parsed + bound;
    case 212: return "N";
    case 213: return message('G', std::string(3, '\0'));
    case 214: return prepared("s") + prepared("s");
    default: return message(types[which % types.size()], content);
  }
}

// Some steps are a message: the length says which, more bits how long its content is.
void fill(fuzzing::Step& step, unsigned what, std::uint8_t op, std::uint8_t length, std::string_view& input) {
  if (what < 4) {
    step.bytes = message_of(length, fuzzing::take(input, op >> 4));
  } else {
    fuzzing::fill_plain(step, what, op, length, input);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view input = fuzzing::text_of(data, size).substr(1);
  Options options;
  options.joined_late = data[0] & 1;
  options.extras.query_text = data[0] & 2;
  if (data[0] & 4) options.kind = data[0] & 8 ? Kind::server : Kind::client;
  (void)postgres_descriptor.recognise({.bytes = input, .whole = !options.joined_late});
  (void)postgres_descriptor.recognise(
      {.bytes = input.substr(0, input.size() / 2), .other = input.substr(input.size() / 2), .whole = false});
  const std::vector<fuzzing::Step> steps = fuzzing::read_steps(input, fill);
  constexpr fuzzing::Rules rules{
      .active_limit = outstanding_limit, .afterwards = std::string_view("Z\0\0\0\5I", 6), .least_skip = 4096};
  fuzzing::require_same_however_cut<PostgresSession>(options, steps, data[0] >> 3, rules, Checker());
  return 0;
}
