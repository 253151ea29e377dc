// SPDX-License-Identifier: Apache-2.0
#include "rules/reader.h"

#include <fmt/format.h>

#include <array>
#include <charconv>

#include "base/nearest.h"
#include "base/yaml_documents.h"

namespace subfloor::rules {
namespace {

using namespace std::string_view_literals;

// Of Falco's engine: what its rules of that version can say is understood.
constexpr std::array<std::uint32_t, 3> engine_version{0, 63, 0};

constexpr std::size_t most_documents = 1000;  // of one file

// "0.57.0"; a whole number n is 0.n.0. Nothing where it is neither.
std::optional<std::array<std::uint32_t, 3>> parse_version(std::string_view text) {
  std::array<std::uint32_t, 3> version{};
  std::size_t parts = 0;
  const char* at = text.data();
  const char* const end = text.data() + text.size();
  while (parts < version.size()) {
    const auto [next, failed] = std::from_chars(at, end, version[parts]);
    if (failed != std::errc()) return std::nullopt;
    ++parts;
    at = next;
    if (at == end || *at != '.') break;
    ++at;
  }
  if (parts == 1 && at == end) return std::array<std::uint32_t, 3>{0, version[0], 0};
  if (parts != 3 || (at != end && *at != '-' && *at != '+')) return std::nullopt;
  return version;
}

}  // namespace

void Reader::read(const Source& source, std::uint32_t file) {
  report_.set_subject("");
  const std::string& text = source.text();
  const std::size_t zero = text.find('\0');
  if (zero != std::string::npos)
    return report_.error({file, static_cast<std::uint32_t>(zero)}, "this is no text in UTF-8: there is a zero byte");
  const YamlPart whole{report_, text, file, 0, budget_};
  const auto error = read_part(whole, text);
  // An item that is to blame has been told then.
  if (error && read_by_items(source, file) == 0) report_.error(error->place, error->message);
}

std::optional<Reader::SyntaxError> Reader::read_part(const YamlPart& part, std::string_view text) {
  std::vector<YAML::Node> documents;
  try {
    const std::string yaml(text);
    const auto starts = YamlDocuments(yaml, most_documents).starts;
    if (starts.size() >= most_documents)
      return SyntaxError{
          {part.file, static_cast<std::uint32_t>(part.begin + static_cast<std::size_t>(starts.back().pos))},
          "this is no YAML, or too many documents"};
    documents = YAML::LoadAll(yaml);
  } catch (const YAML::Exception& error) {
    const std::size_t pos = error.mark.is_null() ? 0 : static_cast<std::size_t>(std::max(error.mark.pos, 0));
    return SyntaxError{{part.file, static_cast<std::uint32_t>(part.begin + pos)}, error.msg};
  }
  for (const YAML::Node& document : documents) {
    if (!document.IsDefined() || document.IsNull()) continue;
    const Place at = part.place(document, {part.file, static_cast<std::uint32_t>(part.begin)});
    if (!document.IsSequence()) {
      report_.error(at, "a rule file is a list: each item begins with '- '");
      continue;
    }
    for (const YAML::Node& item : document)
      if (!item.IsNull()) read_item(item, part);
  }
  return std::nullopt;
}

// An item begins where a line does, with "- ". What is wrong with one does not keep the others from being read.
std::size_t Reader::read_by_items(const Source& source, std::uint32_t file) {
  const std::string_view text = source.text();
  std::vector<std::size_t> begins;
  for (std::size_t at = 0; at < text.size();) {
    if (text.substr(at).starts_with("- ") || text.substr(at).starts_with("-\n")) begins.push_back(at);
    const std::size_t end = text.find('\n', at);
    if (end == std::string_view::npos) break;
    at = end + 1;
  }
  std::size_t broken = 0;
  for (std::size_t i = 0; i < begins.size(); ++i) {
    const std::size_t end = i + 1 < begins.size() ? begins[i + 1] : text.size();
    const YamlPart part{report_, text, file, begins[i], budget_};
    const auto error = read_part(part, text.substr(begins[i], end - begins[i]));
    if (!error) continue;
    ++broken;
    report_.error(error->place, error->message);
  }
  return broken;
}

void Reader::read_item(const YAML::Node& node, const YamlPart& part) {
  report_.set_subject("");
  if (!node.IsMap())
    return report_.error(part.place(node, {part.file, 0}), "an item is a list:, a macro:, a rule: or a requirement");
  const YamlMap item(node, part);
  if (item.has("required_engine_version")) {
    read_engine_version(item);
  } else if (item.has("required_plugin_versions")) {
    read_plugin_versions(item);
  } else if (item.has("list")) {
    read_list(item);
  } else if (item.has("macro")) {
    read_macro(item);
  } else if (item.has("rule")) {
    read_rule(item);
  } else if (item.has("test")) {
    read_test_item(item);
  } else {
    const auto keys = item.keys();
    Nearest nearest(keys.empty() ? "" : keys.front());
    for (const auto name : {"list", "macro", "rule", "test"}) nearest.consider(name);
    report_.warning(item.place(),
                    "this is neither a list, a macro, a rule nor a requirement, and is ignored" + nearest.text());
  }
  report_.set_subject("");
}

void Reader::read_engine_version(const YamlMap& item) {
  item.warn_of_keys_but(std::array{"required_engine_version"sv});
  const auto text = item.text("required_engine_version");
  if (!text) return;
  const auto version = parse_version(text->text());
  if (!version) return report_.error(text->place(0), fmt::format("'{}' is no version such as 0.57.0", text->text()));
  const auto [major, minor, patch] = engine_version;
  if ((*version)[0] != major || *version > engine_version)
    report_.error(text->place(0), fmt::format("the rules need version {} of Falco's engine; this understands {}.{}.{}",
                                              text->text(), major, minor, patch));
}

// Containers are known without a plugin; there are no others.
void Reader::read_plugin_versions(const YamlMap& item) {
  item.warn_of_keys_but(std::array{"required_plugin_versions"sv});
  const YAML::Node plugins = item.value("required_plugin_versions");
  if (!plugins.IsSequence())
    return report_.error(item.value_place("required_plugin_versions"), "'required_plugin_versions' must be a list");
  const auto check = [&](const YAML::Node& node) -> std::optional<bool> {
    if (!node.IsMap()) {
      report_.error(item.part().place(node, item.place()), "a plugin is a mapping with 'name' and 'version'");
      return std::nullopt;
    }
    const YamlMap plugin(node, item.part());
    const auto name = plugin.text("name"), version = plugin.text("version");
    if (!name || !version) return std::nullopt;
    if (parse_version(version->text())) return name->text() == "container";
    report_.error(version->place(0), fmt::format("'{}' is no version such as 0.4.0", version->text()));
    return std::nullopt;
  };
  for (const YAML::Node& node : plugins) {
    auto served = check(node);
    const YAML::Node alternatives = node.IsMap() ? YamlMap(node, item.part()).value("alternatives") : YAML::Node();
    if (alternatives.IsSequence())
      for (const YAML::Node& other : alternatives)
        if (check(other).value_or(false)) served = true;
    if (served && !*served)
      report_.error(item.part().place(node, item.place()),
                    "there is no such plugin: only what 'container' tells is known");
  }
}

Overrides read_overrides(const YamlMap& item, std::span<const std::string_view> appendable,
                         std::span<const std::string_view> replaceable) {
  Overrides overrides;
  Report& report = item.part().report;
  const auto fail = [&](Place place, std::string message) {
    report.error(place, std::move(message));
    overrides.valid = false;
  };
  const auto among = [](auto names, std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  if (!item.has("override")) return overrides;
  const YAML::Node node = item.value("override");
  if (!node.IsMap()) {
    fail(item.value_place("override"), "'override' is a mapping: KEY: append or KEY: replace");
    return overrides;
  }
  const YamlMap map(node, item.part());
  for (const std::string& key : map.keys()) {
    const auto operation = map.text(key);
    if (!operation) {
      overrides.valid = false;
    } else if (!among(appendable, key) && !among(replaceable, key)) {
      Nearest nearest(key);
      for (const std::string_view name : replaceable) nearest.consider(name);
      fail(map.key_place(key), fmt::format("'{}' cannot be overridden{}", key, nearest.text()));
    } else if (operation->text() != "append" && operation->text() != "replace") {
      fail(map.value_place(key), fmt::format("an override is append or replace, not '{}'", operation->text()));
    } else if (operation->text() == "append" && !among(appendable, key)) {
      fail(map.value_place(key), fmt::format("'{}' cannot be appended to: use replace", key));
    } else if (!item.has(key)) {
      fail(map.key_place(key), fmt::format("'{}' is to be overridden and is not given", key));
    } else {
      (operation->text() == "append" ? overrides.append : overrides.replace).push_back(key);
    }
  }
  for (const std::string_view key : replaceable)
    if (item.has(key) && !map.has(key))
      fail(item.key_place(key), fmt::format("'{}' is given and 'override' does not name it", key));
  return overrides;
}

bool read_append(const YamlMap& item, const Overrides& overrides) {
  const bool append = item.boolean("append").value_or(false);
  if (append && overrides.any()) {
    item.part().report.error(item.key_place("append"), "'append' and 'override' exclude each other");
  } else if (append) {
    item.part().report.warning(item.key_place("append"), "'append' is deprecated: use 'override'");
  }
  return append;
}

}  // namespace subfloor::rules
