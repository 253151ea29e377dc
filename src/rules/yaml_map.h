// SPDX-License-Identifier: Apache-2.0
// YamlMap: a mapping of a rule file, whose keys are asked for one by one; what is wrong with them is reported where it
// stands.
#pragma once

#include <yaml-cpp/yaml.h>

#include <optional>
#include <span>
#include <string_view>

#include "rules/diagnostic.h"
#include "rules/mapped_text.h"

namespace subfloor::rules {

// A file, or the part of one that was given to the YAML parser, which counts from the part's beginning.
struct YamlPart {
  Report& report;
  std::string_view source;  // the whole file
  std::uint32_t file = 0;
  std::size_t begin = 0;
  // How much text may still be taken, in bytes: aliases can make a small file say a lot.
  std::size_t& budget;

  // Of the node, or `otherwise` where it has none.
  [[nodiscard]] Place place(const YAML::Node& node, Place otherwise) const;
  // Of a scalar. Nothing where the budget is used up, which is reported.
  [[nodiscard]] std::optional<MappedText> text(const YAML::Node& node, Place otherwise) const;
};

class YamlMap {
 public:
  // `node` must be a mapping.
  YamlMap(const YAML::Node& node, const YamlPart& part);

  [[nodiscard]] const YamlPart& part() const { return part_; }
  [[nodiscard]] Place place() const { return place_; }
  [[nodiscard]] bool has(std::string_view key) const { return find(key) != nullptr; }
  // The value; an undefined node where the key is not there.
  [[nodiscard]] YAML::Node value(std::string_view key) const;
  [[nodiscard]] Place key_place(std::string_view key) const;
  [[nodiscard]] Place value_place(std::string_view key) const;
  [[nodiscard]] std::vector<std::string> keys() const;

  // Text that must be there and not be empty; nothing where it is not, which is reported.
  [[nodiscard]] std::optional<MappedText> text(std::string_view key) const;
  // True, false, or nothing where it is not there or no boolean, which is reported.
  [[nodiscard]] std::optional<bool> boolean(std::string_view key) const;
  [[nodiscard]] std::optional<std::uint32_t> number(std::string_view key) const;
  // Texts; nothing where it is no list of such, which is reported.
  [[nodiscard]] std::optional<std::vector<MappedText>> texts(std::string_view key) const;

  void warn_of_keys_but(std::span<const std::string_view> known) const;

 private:
  struct Entry {
    std::string key;
    YAML::Node key_node, value;
  };
  [[nodiscard]] const Entry* find(std::string_view key) const;

  const YamlPart& part_;
  Place place_;
  std::vector<Entry> entries_;
};

}  // namespace subfloor::rules
