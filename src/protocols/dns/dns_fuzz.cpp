// SPDX-License-Identifier: Apache-2.0
// The input is a conversation: a byte of options, then steps. A step is a byte that says what happens (bit 0 direction,
// bits 1-3 what), a length byte, and that many bytes. Checked besides memory safety: bounds, sanity of every call, and
// that cutting the same stream elsewhere gives the same calls.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocols/dns/dns.h"
#include "protocols/dns/session.h"
#include "protocols/fuzzing.h"

namespace {

using namespace subfloor;
using namespace subfloor::protocols;
using fuzzing::require;

class Checker final : public fuzzing::Checker {
 public:
  std::string check(Call& call) override {
    require(call.protocol == &dns::protocol);
    require(!call.operation.empty() && !call.target.empty() && call.target.size() <= dns::name_limit + 4);
    require(call.status.has_value() == ((call.partial & partial_no_response) == 0));
    require(!call.status || (*call.status >= 0 && *call.status < 4096));
    require(call.error != "timeout" || call.duration() >= dns::least_patience);
    require(call.resolutions.size() <= dns::resolutions_limit);
    require(call.request_body_bytes + call.response_body_bytes <= passed);
    std::string text = call.operation + ' ' + call.target + ' ' + std::to_string(call.status.value_or(-1)) + ' ' +
                       call.error + ' ' + std::to_string(call.start) + ' ' + std::to_string(call.end) + ' ' +
                       std::to_string(call.partial);
    for (std::size_t i = 0; i < call.attributes.size(); ++i) {
      const AttributeList::Item item = call.attributes[i];
      require(item.value.size() <= dns::answers_limit);
      text.append(" ").append(item.key).append("=").append(item.value);
    }
    for (const Resolution& resolution : call.resolutions) {
      require(resolution.name == call.target);
      text += " " + Address{.ip = resolution.ip}.ip_text();
    }
    return text;
  }
};

void fill(fuzzing::Step& step, unsigned what, std::uint8_t op, std::size_t length, std::string_view& input) {
  if (what == 6) {
    step.what = fuzzing::Step::What::tick;
    step.number = length;
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
  options.datagrams = data[0] & 2;
  (void)dns_descriptor.recognise({.bytes = input.substr(1), .datagram = options.datagrams});
  const std::vector<fuzzing::Step> steps = fuzzing::read_steps(input.substr(1), fill);
  constexpr fuzzing::Rules rules{.active_limit = dns::outstanding_limit,
                                 .afterwards = "",
                                 .most_skip = 65535,
                                 .between = 1'000'000,
                                 .ends_when_invalid = true};
  if (options.datagrams) {  // which are not cut
    Checker checker;
    dns::DnsSession session(options);
    (void)fuzzing::play(session, steps, 0, rules, checker);
    return 0;
  }
  fuzzing::require_same_however_cut<dns::DnsSession>(options, steps, data[0] >> 2, rules, Checker());
  return 0;
}
