// SPDX-License-Identifier: Apache-2.0
#include "agent/config_suggest.h"

#include "base/nearest.h"

namespace subfloor::agent {

std::string suggest_section(const std::vector<Section>& sections, const std::string& name) {
  Nearest nearest(name);
  for (const Section& section : sections) {
    nearest.consider(section.name, section.name);
    for (const Key& key : section.keys) {
      nearest.consider(key.name, fmt::format("{}.{}", section.name, key.name));
      nearest.consider(fmt::format("{}.{}", section.name, key.name), fmt::format("{}: {}:", section.name, key.name));
    }
  }
  return nearest.text();
}

std::string suggest_key(const std::vector<Section>& sections, const Section& section, const std::string& name) {
  Nearest here(name), elsewhere(name);
  for (const Key& key : section.keys) here.consider(key.name, key.name);
  for (const Section& other : sections)
    for (const Key& key : other.keys) elsewhere.consider(key.name, fmt::format("{}.{}", other.name, key.name));
  return here.found() ? here.text() : elsewhere.text();
}

}  // namespace subfloor::agent
