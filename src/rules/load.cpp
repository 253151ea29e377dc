// SPDX-License-Identifier: Apache-2.0
#include "rules/load.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "rules/reader.h"

namespace subfloor::rules {
namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t longest_file = std::uintmax_t{4} << 20;
constexpr std::size_t many_events = 100;

class Loader {
 public:
  Loader(const Definitions& definitions, const LoadOptions& options, RuleSet& rules, Report& report)
      : definitions_(definitions),
        options_(options),
        rules_(rules),
        report_(report),
        lists_(definitions.lists, report),
        compiler_(rules.program, lists_, definitions.macros, report) {}

  void run() {
    for (const RuleDefinition& definition : sorted())
      if (definition.priority <= options_.minimum) add(definition);
    compiler_.check_unused_macros();
    for (const MacroDefinition* macro : compiler_.unused_macros()) {
      report_.set_subject("");
      report_.warning(macro->place, fmt::format("no rule uses macro '{}'", macro->name));
    }
    for (const ListDefinition* list : lists_.unused())
      report_.warning(list->place, fmt::format("no rule uses list '{}'", list->name));
    rules_.list_count = definitions_.lists.size();
    rules_.macro_count = definitions_.macros.size();
    for (std::uint32_t i = 0; i < rules_.rules.size(); ++i)
      for (std::size_t event = 0; event < event_type_limit; ++event)
        if (rules_.rules[i].enabled && rules_.rules[i].events.test(event)) rules_.buckets[event].push_back(i);
  }

 private:
  [[nodiscard]] std::vector<RuleDefinition> sorted() const {
    auto rules = definitions_.rules;
    std::stable_sort(rules.begin(), rules.end(), [](const auto& a, const auto& b) { return a.index < b.index; });
    return rules;
  }

  void add(const RuleDefinition& definition) {
    report_.set_subject(fmt::format("rule '{}'", definition.name));
    if (definition.source != "syscall")
      return report_.warning(definition.place, fmt::format("events of source '{}' are not known: the rule is left out",
                                                           definition.source));
    const std::size_t before = report_.count();
    const auto condition = compiler_.compile_rule(definition);
    const auto output = compile_output(output_of(definition), compiler_, rules_.program, report_);
    if (condition && output) return finish(definition, *condition, *output);
    if (definition.skip_if_unknown_filter && compiler_.only_unknown_fields()) report_.demote_since(before);
  }

  void finish(const RuleDefinition& definition, NodeId condition, OutputTemplate output) {
    Rule rule;
    rule.name = definition.name;
    rule.description = definition.description;
    rule.source = definition.source;
    rule.priority = definition.priority;
    rule.tags = definition.tags;
    rule.enabled = definition.enabled;
    rule.condition = condition;
    rule.output = std::move(output);
    rule.output_text = output_of(definition).text();
    rule.events = rules_.program.node(condition).when_true;
    rule.condition_fields = fields_of(rules_.program, condition);
    rule.place = definition.place;
    if (rule.events.count() > many_events && definition.warn_evttypes)
      report_.warning(definition.condition.place(0),
                      "the condition names no evt.type, so it is asked of every event, which is expensive");
    rules_.rules.push_back(std::move(rule));
  }

  [[nodiscard]] MappedText output_of(const RuleDefinition& definition) const {
    MappedText output = definition.output;
    for (const AppendedOutput& more : options_.append_output) {
      const bool tagged =
          std::includes(definition.tags.begin(), definition.tags.end(), more.tags.begin(), more.tags.end());
      if (!tagged || (!more.source.empty() && more.source != definition.source) ||
          (!more.rule.empty() && more.rule != definition.name))
        continue;
      output.append(" " + more.text, output.place(output.size()));
    }
    return output;
  }

  const Definitions& definitions_;
  const LoadOptions& options_;
  RuleSet& rules_;
  Report& report_;
  Lists lists_;
  Compiler compiler_;
};

Result<std::string> read_file(const fs::path& path) {
  std::error_code error;
  const auto size = fs::file_size(path, error);
  if (error) return fail_errno(fmt::format("read {}", path.string()), error.value());
  if (size > longest_file) return fail(fmt::format("read {}: it is larger than 4 MiB", path.string()), EFBIG);
  std::ifstream file(path, std::ios::binary);
  if (!file) return fail_errno(fmt::format("read {}", path.string()), errno);
  std::ostringstream text;
  text << file.rdbuf();
  return std::move(text).str();
}

Result<std::vector<fs::path>> files_of(const fs::path& path) {
  std::error_code error;
  if (!fs::is_directory(path, error)) return std::vector{path};
  std::vector<fs::path> files;
  for (fs::directory_iterator at(path, error), end; !error && at != end; at.increment(error))
    if (at->path().extension() == ".yaml" || at->path().extension() == ".yml") files.push_back(at->path());
  if (error) return fail_errno(fmt::format("read {}", path.string()), error.value());
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

Loaded load(Sources sources, const LoadOptions& options) {
  Loaded loaded{std::move(sources), {}, {}, {}};
  Definitions definitions;
  Reader reader(definitions, loaded.report);
  for (std::uint32_t file = 0; file < loaded.sources.size(); ++file) reader.read(loaded.sources[file], file);
  auto rules = std::make_shared<RuleSet>();
  Loader(definitions, options, *rules, loaded.report).run();
  loaded.report.sort();
  loaded.rules = std::move(rules);
  loaded.tests = std::move(definitions.tests);
  return loaded;
}

Result<Sources> read_sources(const std::vector<std::string>& paths) {
  Sources sources;
  for (const std::string& path : paths) {
    TRY_ASSIGN(const auto files, files_of(path));
    if (files.empty()) return fail(fmt::format("there is no *.yaml in {}", path), ENOENT);
    for (const fs::path& file : files) {
      TRY_ASSIGN(std::string text, read_file(file));
      if (text.starts_with("\xef\xbb\xbf")) text.erase(0, 3);
      sources.emplace_back(file.string(), std::move(text));
    }
  }
  return sources;
}

}  // namespace subfloor::rules
