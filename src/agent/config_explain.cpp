// SPDX-License-Identifier: Apache-2.0
// The configuration's declarations, and its values, as text.
#include <algorithm>

#include "agent/config.h"
#include "agent/config_keys.h"

namespace subfloor::agent {
namespace {

constexpr std::size_t text_width = 96;

// Appends text in lines of at most text_width, each after the indent.
void append_wrapped(std::string& out, std::string_view indent, std::string_view text) {
  while (!text.empty()) {
    std::size_t end = text.size();
    if (end > text_width) {
      end = text.rfind(' ', text_width);
      if (end == std::string_view::npos) end = text.size();
    }
    out.append(indent).append(text.substr(0, end)).append("\n");
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

void append_key(std::string& out, const Section& section, const Key& key, const Config& defaults) {
  out += fmt::format("  {}.{}\n", section.name, key.name);
  append_wrapped(out, "      ", key.doc);
  append_wrapped(out, "      ", fmt::format("type: {}", key.type));
  append_wrapped(out, "      ", fmt::format("default: {}", key.write(defaults)));
  if (!key.variable.empty()) out += fmt::format("      environment: {}\n", key.variable);
  out += fmt::format("      reload: {}\n", key.reload.empty() ? "needs a restart" : key.reload);
}

// Headers are where credentials are, whoever forgot to mark them; those of redaction are but names.
std::string shown(const Section& section, const Key& key, const Config& config, bool masked) {
  const bool secret = key.secret || (key.name == "headers" && section.name != "redaction");
  if (!masked || !secret || key.write(config) == key.write(Config())) return key.write(config);
  return "\"[redacted]\"";
}

}  // namespace

Result<std::string> explain_config(const std::string& topic) {
  const Config defaults;
  std::string out;
  for (const Section& section : config_sections()) {
    const bool whole = topic.empty() || topic == section.name || section.name.starts_with(topic + ".");
    std::string keys;
    for (const Key& key : section.keys)
      if (whole || topic == section.name + "." + key.name) append_key(keys, section, key, defaults);
    if (keys.empty()) continue;
    if (!out.empty()) out += '\n';
    out += fmt::format("{}: {}\n{}", section.name, section.doc, keys);
  }
  if (out.empty()) return fail(fmt::format("there is no section or key '{}'", topic));
  return out;
}

std::string dump_config(const Config& config, bool masked) {
  std::string out;
  for (const Section& section : config_sections()) {
    const auto depth = static_cast<std::size_t>(std::count(section.name.begin(), section.name.end(), '.'));
    const std::string indent(2 * depth, ' ');
    out += fmt::format("{}{}:\n", indent, section.name.substr(section.name.rfind('.') + 1));
    for (const Key& key : section.keys)
      out += fmt::format("{}  {}: {}\n", indent, key.name, shown(section, key, config, masked));
  }
  return out;
}

}  // namespace subfloor::agent
