// SPDX-License-Identifier: Apache-2.0
// The input surrounds secrets of a known text, where requests carry them. Checked: none of them is left, redacting
// twice changes nothing more, and what has no secret stays as it was.
#include <string>
#include <string_view>

#include "base/fuzzing.h"
#include "telemetry/redaction.h"

namespace {

using namespace subfloor;
using fuzzing::require;

constexpr std::string_view secret = "s3cr3tS3CR3T";

bool tells(std::string_view text) { return text.find(secret) != std::string_view::npos; }

bool tells(const HeaderList& headers) {
  for (std::size_t i = 0; i < headers.size(); ++i) {
    if (tells(headers[i].value)) return true;
  }
  return false;
}

std::string all_of(const Call& call) {
  std::string all = call.path + '\n' + call.query + '\n';
  for (const HeaderList* list : {&call.request_headers, &call.response_headers}) {
    for (std::size_t i = 0; i < list->size(); ++i) all.append((*list)[i].name).append(":").append((*list)[i].value);
  }
  return all;
}

void check_secrets(const Redactor& redactor, std::string_view before, std::string_view after) {
  static const auto keys = default_redacted_query_keys();
  const std::string parameter = keys[before.size() % keys.size()] + "=" + std::string(secret);
  const std::string query = std::string(before) + "&" + parameter + "&" + std::string(after);
  Call call;
  call.query = query;
  call.path = "/p;" + query;
  call.request_headers.add("authorization", query);
  call.request_headers.add("REFERER",
                           "https://user:" + std::string(secret) + "@host/" + std::string(before) + "?" + query);
  call.request_headers.add("X-Other", before);
  call.response_headers.add("Set-Cookie", secret);
  call.response_headers.add("Location", "//host/p?" + query);
  redactor.apply(call);
  require(!tells(call.query) && !tells(call.path) && !tells(call.request_headers) && !tells(call.response_headers));
  require(call.request_headers.size() == 3 && call.response_headers.size() == 2);
  require(call.request_headers[0].value == Redactor::mark && call.request_headers[2].value == before);
  const std::string once = all_of(call);
  redactor.apply(call);
  require(all_of(call) == once);
}

void check_harmless(const Redactor& redactor, std::string_view text) {
  if (text.find_first_of("=@") != std::string_view::npos) return;
  Call call;
  call.path = "/";
  call.path += text;
  call.query = text;
  call.request_headers.add("Referer", text);
  const std::string before = all_of(call);
  redactor.apply(call);
  require(all_of(call) == before);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Redactor redactor;
  const std::string_view input = fuzzing::text_of(data, size);
  if (tells(input)) return 0;
  const std::size_t half = input.find('\n');
  const std::string_view before = input.substr(0, half);
  const std::string_view after = half == std::string_view::npos ? "" : input.substr(half + 1);
  check_secrets(redactor, before, after);
  check_harmless(redactor, input);
  return 0;
}
