// SPDX-License-Identifier: Apache-2.0
// The input is a conversation: a byte of options, then steps. A step is a byte that says what happens (bit 0 direction,
// bits 1-3 what), a length byte, and that many bytes. Checked besides memory safety: bounds, sanity of every call, and
// that cutting the same stream elsewhere gives the same calls.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocols/fuzzing.h"
#include "protocols/kafka/exchange.h"
#include "protocols/kafka/kafka.h"
#include "protocols/kafka/schema.h"
#include "protocols/kafka/session.h"

namespace {

using namespace subfloor;
using namespace subfloor::protocols;
using fuzzing::require;

class Checker final : public fuzzing::Checker {
 public:
  std::string check(Call& call) override {
    require(call.protocol == &kafka::protocol);
    require(call.partial < 64);
    require(call.target.empty() || kafka::is_topic_name(call.target));
    require(!call.error.empty() == (call.status && *call.status != 0));
    require(call.end >= call.start && call.request_end <= call.end);
    require(call.first_byte == 0 || call.first_byte <= call.end);
    require(!call.status || call.first_byte != 0);
    for (std::size_t i = 0; i < call.attributes.size(); ++i)
      require(call.attributes[i].value.size() <= kafka::text_limit);
    std::string text = call.operation + ' ' + call.target + ' ' + call.error;
    for (const std::uint64_t each : {call.start, call.request_end, call.first_byte, call.end, call.request_body_bytes,
                                     call.response_body_bytes, std::uint64_t{call.partial}}) {
      text += ' ' + std::to_string(each);
    }
    call.attributes.append_to(text, Use::record);
    return text;
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view input = fuzzing::text_of(data, size);
  Options options;
  options.joined_late = data[0] & 1;
  if (data[0] & 2) options.kind = data[0] & 4 ? Kind::client : Kind::server;
  (void)kafka_descriptor.recognise({.bytes = input.substr(1), .whole = !options.joined_late});
  const std::vector<fuzzing::Step> steps = fuzzing::read_steps(input.substr(1), fuzzing::fill_plain);
  constexpr fuzzing::Rules rules{.active_limit = kafka::outstanding_limit, .afterwards = "abcd"};
  fuzzing::require_same_however_cut<kafka::KafkaSession>(options, steps, data[0] >> 3, rules, Checker());
  return 0;
}
