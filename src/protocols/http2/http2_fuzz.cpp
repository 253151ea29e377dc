// SPDX-License-Identifier: Apache-2.0
// The input is a conversation: a byte of options, then steps. A step is a byte that says what happens (bit 0 direction,
// bits 1-3 what: content, frames of a given type, a gap, a loss, a tick), a length byte, and that many bytes. Checked
// besides memory safety: bounds, sanity of every call, that no call is told twice, and that cutting the same stream
// elsewhere gives the same calls.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocols/fuzzing.h"
#include "protocols/http2/frame.h"
#include "protocols/http2/http2.h"
#include "protocols/http2/session.h"

namespace {

using namespace subfloor;
using namespace subfloor::protocols;
using fuzzing::require;

class Checker final : public fuzzing::Checker {
 public:
  std::string check(Call& call) override {
    const bool grpc = call.protocol == &http2::grpc::protocol;
    require(grpc || call.protocol == &http2::protocol);
    require(call.partial < 64);
    require(!call.status || grpc || (*call.status >= 100 && *call.status <= 999));
    require(!call.status || !grpc || *call.status >= 0);
    require(!call.operation.empty() || call.partial != 0 || grpc || call.request_end != 0);
    require(call.status || call.partial != 0 || !call.error.empty());
    require(call.operation.size() <= http2::pseudo_limit &&
            call.path.size() + call.query.size() <= http2::pseudo_limit);
    require(call.request_body_bytes + call.response_body_bytes <= passed);
    require(call.start <= now && call.end <= now && call.first_byte <= now);
    std::string text(call.protocol->name);
    text += call.operation + ' ' + call.path + '?' + call.query + ' ' + std::to_string(call.status.value_or(-1)) + ' ' +
            call.error + ' ' + std::to_string(call.start) + ' ' + std::to_string(call.request_end) + ' ' +
            std::to_string(call.first_byte) + ' ' + std::to_string(call.end) + ' ' +
            std::to_string(call.request_body_bytes) + ' ' + std::to_string(call.response_body_bytes) + ' ' +
            std::to_string(call.partial) + ' ' + fields(call.request_headers) + '|' + fields(call.response_headers);
    call.attributes.append_to(text, Use::record);
    return text;
  }

 private:
  static std::string fields(const HeaderList& list) {
    std::string text;
    for (std::size_t i = 0; i < list.size(); ++i)
      text.append(list[i].name).append(":").append(list[i].value).append(";");
    require(text.size() <= 4096 + http2::pseudo_limit + 16);
    return text;
  }
};

// A frame around the bytes: type and flags come first in them, the stream's number is small.
std::string framed(std::string_view bytes) {
  if (bytes.size() < 3) return std::string(bytes);
  const std::string_view payload = bytes.substr(3);
  std::string frame{0, static_cast<char>(payload.size() >> 8), static_cast<char>(payload.size())};
  frame += static_cast<char>(static_cast<std::uint8_t>(bytes[0]) % 11);
  frame += bytes[1];
  frame.append(3, '\0');
  frame += static_cast<char>(static_cast<std::uint8_t>(bytes[2]) % 16);
  return frame.append(payload);
}

void fill(fuzzing::Step& step, unsigned what, std::uint8_t op, std::size_t length, std::string_view& input) {
  if (what == 7) {
    step.what = op & 16 ? fuzzing::Step::What::tick : fuzzing::Step::What::lost;
    return;
  }
  const std::string_view bytes = fuzzing::take(input, length);
  if (what == 6) step.number = std::uint64_t{op} << 4;
  step.bytes = what <= 3 ? framed(bytes) : std::string(bytes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view input = fuzzing::text_of(data, size);
  Options options;
  options.joined_late = data[0] & 1;
  options.keep_headers = !(data[0] & 2);
  if (data[0] & 4) options.header_limit = 16;
  options.extras.forwarded_for = data[0] & 8;
  if (data[0] & 16) options.kind = Kind::client;
  (void)http2_descriptor.recognise({.bytes = input.substr(1), .whole = !options.joined_late});
  std::vector<fuzzing::Step> steps = fuzzing::read_steps(input.substr(1), fill);
  if (data[0] & 32) {  // greeted, so that random frames get somewhere
    steps.insert(steps.begin(), fuzzing::Step{.bytes = std::string(http2::connection_preface)});
  }
  constexpr fuzzing::Rules rules{
      .active_limit = http2::open_streams_limit + 1, .afterwards = http2::connection_preface, .most_skip = 0xffffff};
  fuzzing::require_same_however_cut<http2::Http2Session>(options, steps, data[0] >> 3, rules, Checker());
  return 0;
}
