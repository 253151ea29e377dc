// SPDX-License-Identifier: Apache-2.0
// The input is a conversation: a byte of options, then steps. A step is a byte that says what happens (bit 0 direction,
// bits 1-3 what), a length byte, and that many bytes. Checked besides memory safety: bounds, sanity of every call, and
// that cutting the same stream elsewhere gives the same calls.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocols/fuzzing.h"
#include "protocols/mysql/mysql.h"
#include "protocols/mysql/session.h"

namespace {

using namespace subfloor;
using namespace subfloor::protocols;
using fuzzing::require;

class Checker final : public fuzzing::Checker {
 public:
  std::string check(Call& call) override {
    require(call.protocol == &mysql::protocol);
    require(!call.operation.empty() || call.partial != 0);
    require(call.operation.size() <= 64 && call.target.size() <= 2 * sql::longest_name + 1);
    require(call.start != 0 && call.end >= call.start && call.request_end >= call.start);
    require(call.first_byte == 0 || call.first_byte <= call.end);
    require(call.attributes.find("db.system.name").has_value());
    require(call.error.empty() || !call.attributes.find("db.response.returned_rows"));
    require((call.partial & partial_no_response) == 0 || call.error.empty());
    std::string text = call.operation + ' ' + call.target + ' ' + call.error;
    for (const std::uint64_t value : {call.start, call.request_end, call.first_byte, call.end, call.request_body_bytes,
                                      call.response_body_bytes, std::uint64_t{call.partial}})
      text += ' ' + std::to_string(value);
    for (std::size_t i = 0; i < call.attributes.size(); ++i) {
      const AttributeList::Item item = call.attributes[i];
      require(item.value.size() <= mysql::head_limit);
      text.append(" ").append(item.key).append("=").append(item.value);
    }
    return text;
  }
};

void fill(fuzzing::Step& step, unsigned what, std::uint8_t op, std::size_t length, std::string_view& input) {
  if (what == 7 && (op & 0x80) != 0) {
    step.what = fuzzing::Step::What::tick;
    step.number = 10;
  } else {
    fuzzing::fill_plain(step, what, op, length, input);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view input = fuzzing::text_of(data, size);
  Options options;
  options.joined_late = data[0] & 1;
  options.extras.query_text = data[0] & 2;
  if (data[0] & 4) options.kind = data[0] & 8 ? Kind::server : Kind::client;
  (void)mysql_descriptor.recognise({.bytes = input.substr(1), .whole = (data[0] & 1) == 0, .kind = options.kind});
  const std::vector<fuzzing::Step> steps = fuzzing::read_steps(input.substr(1), fill);
  constexpr fuzzing::Rules rules{.active_limit = mysql::outstanding_limit,
                                 .afterwards = std::string_view("\1\0\0\0\x0e", 5)};
  fuzzing::require_same_however_cut<mysql::MysqlSession>(options, steps, data[0] >> 3, rules, Checker());
  return 0;
}
