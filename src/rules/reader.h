// SPDX-License-Identifier: Apache-2.0
// Reader: rule files, one after the other, into Definitions.
#pragma once

#include "rules/definitions.h"
#include "rules/yaml_map.h"

namespace subfloor::rules {

class Reader {
 public:
  Reader(Definitions& definitions, Report& report) : definitions_(definitions), report_(report) {}

  // `file` is the source's place among the sources. A file that is no YAML is reported, and read item by item: those
  // that can be understood are.
  void read(const Source& source, std::uint32_t file);

 private:
  struct SyntaxError {
    Place place;
    std::string message;
  };
  // What keeps the part from being parsed, if anything; then nothing of it was taken.
  [[nodiscard]] std::optional<SyntaxError> read_part(const YamlPart& part, std::string_view text);
  // How many of the items could not be parsed.
  [[nodiscard]] std::size_t read_by_items(const Source& source, std::uint32_t file);
  void read_item(const YAML::Node& node, const YamlPart& part);

  void read_engine_version(const YamlMap& item);
  void read_plugin_versions(const YamlMap& item);
  void read_list(const YamlMap& item);
  void read_macro(const YamlMap& item);
  void read_rule(const YamlMap& item);
  void define_rule(const YamlMap& item, const std::string& name);
  void append_to_rule(const YamlMap& item, const std::string& name);
  void override_rule(const YamlMap& item, const std::string& name);
  void override_key(const YamlMap& item, std::string_view key, bool append, RuleDefinition& rule);
  void toggle_rule(const YamlMap& item, const std::string& name);
  [[nodiscard]] RuleDefinition* earlier_rule(const YamlMap& item, const std::string& name, std::string_view what);
  void read_test_item(const YamlMap& item);
  void read_tests(const YamlMap& item, std::string_view key, const std::string& rule);
  void read_test(const YAML::Node& node, const YamlMap& item, const std::string& rule, Place rule_place);

  Definitions& definitions_;
  Report& report_;
  std::size_t budget_ = std::size_t{16} << 20;
};

// What "override:" of an item says.
struct Overrides {
  std::vector<std::string> append, replace;
  bool valid = true;
  [[nodiscard]] bool any() const { return !append.empty() || !replace.empty(); }
};
// Keys that are given and can be overridden must be in it, and what is in it must be given.
[[nodiscard]] Overrides read_overrides(const YamlMap& item, std::span<const std::string_view> appendable,
                                       std::span<const std::string_view> replaceable);
// "append: true", which is deprecated: said, unless `overrides` are there too, which is an error.
[[nodiscard]] bool read_append(const YamlMap& item, const Overrides& overrides);

// The exceptions of a rule. `append`: their fields may be missing.
[[nodiscard]] std::vector<ExceptionDefinition> read_exceptions(const YamlMap& item, bool append);
void append_exceptions(std::vector<ExceptionDefinition>& to, std::vector<ExceptionDefinition> more, Report& report);
// Fills in what `comps` are by default and reports what cannot be; false where it cannot be used.
[[nodiscard]] bool complete_exception(ExceptionDefinition& exception, Report& report);

}  // namespace subfloor::rules
