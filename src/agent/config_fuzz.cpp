// SPDX-License-Identifier: Apache-2.0
// Any text as a configuration file; what follows a NUL are values of the environment, each ended by a NUL.
// What is accepted must mean the same after `config dump`; what is refused must say where.
#include <map>
#include <string>
#include <string_view>

#include "agent/config.h"
#include "agent/config_keys.h"
#include "base/fuzzing.h"

namespace {

using namespace subfloor;
using namespace subfloor::agent;
using fuzzing::require;

constexpr std::string_view file = "fuzz.yaml";

std::map<std::string, std::string> environment;

const char* look_up(const char* name) {
  const auto found = environment.find(name);
  return found == environment.end() ? nullptr : found->second.c_str();
}

std::vector<std::string> variables() {
  std::vector<std::string> names{"OTEL_EXPORTER_PROMETHEUS_HOST", "OTEL_EXPORTER_PROMETHEUS_PORT"};
  for (const Section& section : config_sections()) {
    for (const Key& key : section.keys) {
      if (!key.variable.empty()) names.push_back(key.variable);
    }
  }
  return names;
}

bool is_number(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

// "fuzz.yaml:3:1: what". A message may quote what it complains of, line breaks and all: so only the first line is
// known.
void check_message(std::string_view message) {
  require(message.starts_with(file) && message.substr(file.size()).starts_with(':'));
  message.remove_prefix(file.size() + 1);
  const std::size_t colon = message.find(':'), second = message.find(':', colon + 1);
  require(colon != std::string_view::npos && second != std::string_view::npos);
  require(is_number(message.substr(0, colon)) && is_number(message.substr(colon + 1, second - colon - 1)));
}

void check_dump(const Config& config) {
  const Result<Config> again = parse_config(dump_config(config), std::string(file));
  if (!again) std::fprintf(stderr, "%s\n%s\n", again.error().message.c_str(), dump_config(config).c_str());
  require(again.has_value());
  require(*again == config);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::vector<std::string> names = variables();
  std::string_view rest = fuzzing::text_of(data, size);
  const std::size_t end = std::min(rest.find('\0'), rest.size());
  Result<Config> config = parse_config(rest.substr(0, end), std::string(file));
  if (config) {
    check_dump(*config);
  } else {
    check_message(config.error().message);
    config = Config{};
  }
  rest.remove_prefix(std::min(end + 1, rest.size()));
  environment.clear();
  for (const std::string& name : names) {
    const std::size_t value = std::min(rest.find('\0'), rest.size());
    environment[name] = rest.substr(0, value);
    rest.remove_prefix(std::min(value + 1, rest.size()));
  }
  if (const auto applied = apply_environment(*config, look_up); !applied) {
    require(applied.error().message.starts_with("environment "));
  }
  return 0;
}
