// SPDX-License-Identifier: Apache-2.0
// The input is a conversation: a byte of options, then steps. A step is a byte that says what happens (bit 0 direction,
// bits 1-3 what), a length byte, and that many bytes. Checked besides memory safety: bounds, sanity of every call, and
// that cutting the same stream elsewhere gives the same calls.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocols/fuzzing.h"
#include "protocols/http1/http1.h"
#include "protocols/http1/session.h"

namespace {

using namespace subfloor;
using namespace subfloor::protocols;
using fuzzing::require;

class Checker final : public fuzzing::Checker {
 public:
  std::string check(Call& call) override {
    require(call.protocol == &http1::protocol);
    require(call.partial < 32);
    require(!call.status || (*call.status >= 101 && *call.status <= 999));
    require(!call.operation.empty() || call.partial != 0);
    require(call.operation.size() <= http1::method_limit && call.path.size() + call.query.size() <= http1::head_limit);
    require(call.request_body_bytes + call.response_body_bytes <= passed);
    require(call.status || call.partial != 0);
    return call.operation + ' ' + call.path + '?' + call.query + ' ' + call.version + ' ' +
           std::to_string(call.status.value_or(0)) + ' ' + std::to_string(call.start) + ' ' +
           std::to_string(call.request_end) + ' ' + std::to_string(call.first_byte) + ' ' + std::to_string(call.end) +
           ' ' + std::to_string(call.request_body_bytes) + ' ' + std::to_string(call.response_body_bytes) + ' ' +
           std::to_string(call.partial) + ' ' + fields(call.request_headers) + '|' + fields(call.response_headers);
  }

 private:
  static std::string fields(const HeaderList& list) {
    std::string text;
    for (std::size_t i = 0; i < list.size(); ++i) {
      text.append(list[i].name).append(":").append(list[i].value).append(";");
    }
    require(text.size() <= 3 * http1::head_limit);
    return text;
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view input = fuzzing::text_of(data, size);
  Options options;
  options.joined_late = data[0] & 1;
  options.keep_headers = !(data[0] & 2);
  if (data[0] & 4) options.header_limit = 16;
  (void)http1_descriptor.recognise({.bytes = input.substr(1)});
  const std::vector<fuzzing::Step> steps = fuzzing::read_steps(input.substr(1), fuzzing::fill_plain);
  constexpr fuzzing::Rules rules{
      .active_limit = http1::outstanding_limit + 1, .afterwards = "HTTP/1.1 200 OK\r\n\r\n", .hands_over = true};
  fuzzing::require_same_however_cut<http1::Http1Session>(options, steps, data[0] >> 3, rules, Checker());
  return 0;
}
