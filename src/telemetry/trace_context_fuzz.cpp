// SPDX-License-Identifier: Apache-2.0
// The input is header lines, "name: value", and each line is a value by itself. Checked: ids are what W3C allows, and
// what is read is read again from what would be sent on.
#include <algorithm>
#include <string>
#include <string_view>

#include "base/fuzzing.h"
#include "telemetry/trace_context.h"

namespace {

using namespace subfloor;
using fuzzing::require;

bool is_id(std::string_view text, std::size_t size) {
  return text.size() == size && text.find_first_not_of("0123456789abcdef") == std::string_view::npos &&
         text.find_first_not_of('0') != std::string_view::npos;
}

void check(const TraceContext& context) {
  require(context.state.size() <= 512 && valid_tracestate(context.state));
  if (!context.has_ids()) {
    require(context.trace_id().empty() && context.span_id().empty());
    require(context.sampling != TraceContext::Sampling::undecided);
    return;
  }
  require(is_id(context.trace_id(), 32) && is_id(context.span_id(), 16));
  const std::string ids = std::string(context.trace_id()) + "-" + std::string(context.span_id());
  const auto parent = parse_traceparent("00-" + ids + "-01");
  require(parent && parent->trace_id() == context.trace_id() && parent->span_id() == context.span_id());
  const auto b3 = parse_b3(ids);
  require(b3 && b3->trace_id() == context.trace_id() && b3->span_id() == context.span_id());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  HeaderList headers;
  for (std::string_view rest = fuzzing::text_of(data, size); !rest.empty();) {
    const std::string line(rest.substr(0, rest.find('\n')));  // of exactly that size
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    const std::size_t colon = line.find(':');
    const std::string value = colon == std::string::npos ? line : line.substr(colon + 1);
    if (colon != std::string::npos) headers.add(line.substr(0, colon), value);
    if (const auto context = parse_traceparent(value)) check(*context);
    if (const auto context = parse_b3(value)) check(*context);
    (void)valid_tracestate(value);
  }
  if (const auto context = extract_trace_context(headers)) check(*context);
  return 0;
}
