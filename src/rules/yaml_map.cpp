// SPDX-License-Identifier: Apache-2.0
#include "rules/yaml_map.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/nearest.h"
#include "rules/yaml_scalar.h"

namespace subfloor::rules {

Place YamlPart::place(const YAML::Node& node, Place otherwise) const {
  const YAML::Mark mark = node.Mark();
  if (mark.is_null() || mark.pos < 0) return otherwise;
  return {file, static_cast<std::uint32_t>(begin + static_cast<std::size_t>(mark.pos))};
}

std::optional<MappedText> YamlPart::text(const YAML::Node& node, Place otherwise) const {
  const std::string& scalar = node.Scalar();
  const Place at = place(node, otherwise);
  if (scalar.size() > budget) {
    if (budget > 0) report.error(at, "these files say more than there is room for");
    budget = 0;
    return std::nullopt;
  }
  budget -= scalar.size();
  return map_scalar(scalar, source, at);
}

YamlMap::YamlMap(const YAML::Node& node, const YamlPart& part) : part_(part), place_(part.place(node, {part.file, 0})) {
  for (const auto& entry : node) {
    const Place at = part.place(entry.first, place_);
    if (!entry.first.IsScalar()) {
      part_.report.error(at, "a key must be a name");
    } else if (has(entry.first.Scalar())) {
      part_.report.warning(at, fmt::format("'{}' is given twice: the first counts", entry.first.Scalar()));
    } else {
      entries_.push_back({entry.first.Scalar(), entry.first, entry.second});
    }
  }
}

const YamlMap::Entry* YamlMap::find(std::string_view key) const {
  const auto found = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& e) { return e.key == key; });
  return found == entries_.end() ? nullptr : &*found;
}

YAML::Node YamlMap::value(std::string_view key) const {
  const Entry* entry = find(key);
  return entry == nullptr ? YAML::Node(YAML::NodeType::Undefined) : entry->value;
}

Place YamlMap::key_place(std::string_view key) const {
  const Entry* entry = find(key);
  return entry == nullptr ? place_ : part_.place(entry->key_node, place_);
}

Place YamlMap::value_place(std::string_view key) const {
  const Entry* entry = find(key);
  return entry == nullptr || entry->value.IsNull() ? key_place(key) : part_.place(entry->value, key_place(key));
}

std::vector<std::string> YamlMap::keys() const {
  std::vector<std::string> names;
  for (const Entry& entry : entries_) names.push_back(entry.key);
  return names;
}

std::optional<MappedText> YamlMap::text(std::string_view key) const {
  const Entry* entry = find(key);
  const Place at = value_place(key);
  if (entry == nullptr) {
    part_.report.error(at, fmt::format("'{}' is missing", key));
  } else if (entry->value.IsNull() || (entry->value.IsScalar() && entry->value.Scalar().empty())) {
    part_.report.error(at, fmt::format("'{}' is empty", key));
  } else if (!entry->value.IsScalar()) {
    part_.report.error(at, fmt::format("'{}' must be a text", key));
  } else {
    return part_.text(entry->value, at);
  }
  return std::nullopt;
}

std::optional<bool> YamlMap::boolean(std::string_view key) const {
  const Entry* entry = find(key);
  if (entry == nullptr) return std::nullopt;
  bool value = false;
  if (entry->value.IsScalar() && YAML::convert<bool>::decode(entry->value, value)) return value;
  part_.report.error(value_place(key), fmt::format("'{}' must be true or false", key));
  return std::nullopt;
}

std::optional<std::uint32_t> YamlMap::number(std::string_view key) const {
  const Entry* entry = find(key);
  if (entry == nullptr) return std::nullopt;
  std::uint32_t value = 0;
  const std::string text = entry->value.IsScalar() ? entry->value.Scalar() : "";
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (!text.empty() && failed == std::errc() && end == text.data() + text.size()) return value;
  part_.report.error(value_place(key), fmt::format("'{}' must be a whole number", key));
  return std::nullopt;
}

std::optional<std::vector<MappedText>> YamlMap::texts(std::string_view key) const {
  const Entry* entry = find(key);
  const Place at = value_place(key);
  if (entry == nullptr) {
    part_.report.error(at, fmt::format("'{}' is missing", key));
    return std::nullopt;
  }
  if (!entry->value.IsSequence()) {
    part_.report.error(at, fmt::format("'{}' must be a list", key));
    return std::nullopt;
  }
  std::vector<MappedText> all;
  for (const YAML::Node& item : entry->value) {
    if (!item.IsScalar()) {
      part_.report.error(part_.place(item, at), fmt::format("every item of '{}' must be a text", key));
      continue;
    }
    if (auto text = part_.text(item, at)) all.push_back(std::move(*text));
  }
  return all;
}

void YamlMap::warn_of_keys_but(std::span<const std::string_view> known) const {
  for (const Entry& entry : entries_) {
    if (std::find(known.begin(), known.end(), entry.key) != known.end()) continue;
    Nearest nearest(entry.key);
    for (const std::string_view name : known) nearest.consider(name);
    part_.report.warning(part_.place(entry.key_node, place_),
                         fmt::format("unknown key '{}' is ignored{}", entry.key, nearest.text()));
  }
}

}  // namespace subfloor::rules
