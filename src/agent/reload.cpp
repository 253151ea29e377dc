// SPDX-License-Identifier: Apache-2.0
#include "agent/reload.h"

#include <algorithm>

#include "agent/config_keys.h"

namespace subfloor::agent {

ConfigChange compare_configs(const Config& running, const Config& wanted) {
  ConfigChange change{wanted, {}, {}};
  for (const Section& section : config_sections()) {
    for (const Key& key : section.keys) {
      if (key.write(running) == key.write(wanted)) continue;
      const std::string name = section.name + "." + key.name;
      if (key.reload.empty()) {
        key.copy(running, change.effective);
        change.restart.push_back(name);
      } else {
        change.applied.push_back(name);
      }
    }
  }
  return change;
}

bool ConfigChange::applies(std::string_view section) const {
  return std::ranges::any_of(applied, [&](const std::string& name) {
    return name.starts_with(section) && (name.size() == section.size() || name[section.size()] == '.');
  });
}

std::string join(const std::vector<std::string>& names) {
  std::string all;
  for (const std::string& name : names) all += (all.empty() ? "" : ", ") + name;
  return all;
}

}  // namespace subfloor::agent
