// SPDX-License-Identifier: Apache-2.0
// Any bytes as an environment. Checked: a name is short, printable, and the variable for it is there.
#include <algorithm>

#include "base/fuzzing.h"
#include "identity/process/declared_service.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace subfloor;
  const std::string_view environment = fuzzing::text_of(data, size);
  const std::string name = identity::declared_service(environment);
  fuzzing::require(name.size() <= 255);
  fuzzing::require(std::ranges::none_of(name, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 127; }));
  fuzzing::require(name.empty() || environment.find("OTEL_") != std::string_view::npos);
  return 0;
}
