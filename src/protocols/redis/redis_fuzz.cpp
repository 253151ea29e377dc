// SPDX-License-Identifier: Apache-2.0
// The input is a conversation: a byte of options, then steps. A step is a byte that says what happens (bit 0 direction,
// bits 1-3 what), a length byte, and that many bytes. Checked besides memory safety: bounds, sanity of every call, that
// only known names are told, and that cutting the same stream elsewhere gives the same calls.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocols/fuzzing.h"
#include "protocols/redis/conversation.h"
#include "protocols/redis/redis.h"
#include "protocols/redis/session.h"

namespace {

using namespace subfloor;
using namespace subfloor::protocols;
using fuzzing::require;

bool is_known(std::string_view operation) {
  if (operation.empty() || operation == "_OTHER") return true;
  const std::size_t space = operation.find(' ');
  const redis::Command* command = redis::find_command(operation.substr(0, space));
  if (command != nullptr && space != operation.npos)
    command = redis::find_subcommand(*command, operation.substr(space + 1));
  return command != nullptr && command->name == operation;
}

class Checker final : public fuzzing::Checker {
 public:
  explicit Checker(bool keys) : keys_(keys) {}

  std::string check(Call& call) override {
    require(call.protocol == &redis::protocol);
    require(is_known(call.operation));
    require(!call.operation.empty() || call.partial != 0);
    require(call.error.size() <= redis::longest_word);
    require(!call.status && call.path.empty() && call.query.empty() && call.target.empty());
    require(call.request_body_bytes <= passed && call.response_body_bytes <= passed);
    require(call.end >= call.start || call.partial != 0);
    const auto key = call.attributes.find("db.operation.parameter.key");
    require(!key || (keys_ && key->size() <= redis::longest_key));
    return redis::testing::to_text(call);
  }

 private:
  bool keys_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view input = fuzzing::text_of(data, size);
  Options options;
  options.joined_late = data[0] & 1;
  options.extras.key_names = data[0] & 2;
  if (data[0] & 4) options.kind = data[0] & 8 ? Kind::server : Kind::client;
  std::vector<fuzzing::Step> steps = fuzzing::read_steps(input.substr(1), fuzzing::fill_plain);
  (void)redis_descriptor.recognise({.bytes = input.substr(1)});
  if (steps.size() > 1) (void)redis_descriptor.recognise({.bytes = steps[1].bytes, .other = steps[0].bytes});
  steps.push_back({.what = fuzzing::Step::What::tick, .number = 2});
  constexpr fuzzing::Rules rules{.active_limit = redis::outstanding_limit, .afterwards = "+OK\r\n"};
  fuzzing::require_same_however_cut<redis::RedisSession>(options, steps, data[0] >> 4, rules,
                                                         Checker(options.extras.key_names));
  return 0;
}
