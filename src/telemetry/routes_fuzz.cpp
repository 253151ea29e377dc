// SPDX-License-Identifier: Apache-2.0
// Any paths, one a line, of a few services. Checked: templates are short printable text of known form, there are never
// more than the budget, and a path's template stays what it is unless something was merged.
#include <map>
#include <set>
#include <string>

#include "base/fuzzing.h"
#include "telemetry/routes.h"

namespace {

using namespace subfloor;
using fuzzing::require;

constexpr Protocol http1{"http1", &http_family};
constexpr RouteOptions options{.max_routes = 12, .max_services = 3};

void check(std::string_view route) {
  require(route.front() == '/' && route.size() <= Routes::longest_route);
  for (const char c : route) require(c > ' ' && c < 0x7f && c != '%' && c != '?' && c != ';');
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input(reinterpret_cast<const char*>(data), size);
  Routes routes(options);
  std::map<std::pair<std::string, std::string>, std::string> known;
  std::map<std::string, std::set<std::string>> all;
  std::uint64_t merged = 0;
  Call call;
  call.protocol = &http1;
  while (!input.empty()) {
    const std::string_view line = input.substr(0, input.find('\n'));
    input.remove_prefix(std::min(input.size(), line.size() + 1));
    if (line.empty()) continue;
    const std::string service(1, static_cast<char>('a' + (line[0] & 3)));
    call.status = (line[0] & 4) != 0 ? 404 : 200;
    call.path = line.substr(1);
    const std::string route(routes.of(service, call));
    if (routes.counters().merged != merged) known.clear();
    merged = routes.counters().merged;
    if (route.empty()) continue;
    check(route);
    all[service].insert(route);
    const auto [before, first] = known.emplace(std::pair(service, call.path), route);
    require(first || before->second == route);
  }
  require(all.size() <= options.max_services);
  for (const auto& [service, templates] : all) require(templates.size() <= options.max_routes);
  return 0;
}
