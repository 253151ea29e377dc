// SPDX-License-Identifier: Apache-2.0
// `subfloor rules`: check, explain and test rule files. No privileges, no agent.
#include "cli/arguments.h"
#include "cli/print.h"
#include "cli/rules/view.h"

namespace subfloor::cli {
namespace {

constexpr const char* rules_footer = R"(Examples:
  subfloor rules check falco_rules.yaml rules.d/   every mistake as file:line:column with its line, then a sum
  subfloor rules explain falco_rules.yaml --rule 'Terminal shell in container'
  subfloor rules test falco_rules.yaml my_test.yaml
  subfloor rules fields proc.                      what can be asked of a process

Files are read in the given order, later ones append to and override earlier ones; of a directory its *.yaml, by name.
The language is Falco's: docs/rules.md. Exit codes: 0 all is well; 1 a rule has an error, or a test failed; 2 a file cannot
be read.)";

tl::expected<rules::Loaded, Exit> load_rules(const Arguments& arguments) {
  auto sources = rules::read_sources(arguments.rule_files);
  if (!sources) return tl::unexpected(complain(Exit::usage, sources.error().message));
  return rules::load(std::move(*sources));
}

Exit judge(const rules::Report& report, Exit printed) {
  return printed == Exit::done && report.errors() > 0 ? Exit::check_failed : printed;
}

// Errors alone: warnings are for `check`.
void show_errors(const rules::Loaded& loaded) {
  for (const rules::Diagnostic& each : loaded.report.all())
    if (each.severity == rules::Severity::error) fmt::print(stderr, "{}", render(each, loaded.sources));
}

Exit check(const Arguments& arguments) {
  const auto loaded = load_rules(arguments);
  if (!loaded) return loaded.error();
  if (arguments.output == "json") return judge(loaded->report, print(rules_check_json(*loaded)));
  fmt::print(stderr, "{}", rules_mistakes(loaded->report, loaded->sources));
  return judge(loaded->report, print(rules_summary(*loaded)));
}

Exit explain(const Arguments& arguments) {
  const auto loaded = load_rules(arguments);
  if (!loaded) return loaded.error();
  show_errors(*loaded);
  std::string text;
  for (const rules::Rule& rule : loaded->rules->rules) {
    if (!arguments.rule.empty() && rule.name != arguments.rule) continue;
    if (arguments.output == "json") {
      text += explain_rule_json(*loaded, rule, {});
    } else {
      text += (text.empty() ? "" : "\n") + explain_rule(*loaded, rule, {});
    }
  }
  if (text.empty() && !arguments.rule.empty())
    return complain(Exit::usage, fmt::format("no rule '{}' was loaded", arguments.rule));
  return judge(loaded->report, print(text));
}

Exit test(const Arguments& arguments) {
  const auto loaded = load_rules(arguments);
  if (!loaded) return loaded.error();
  show_errors(*loaded);
  rules::Report problems;
  const auto results = run_tests(*loaded, problems);
  fmt::print(stderr, "{}", rules_mistakes(problems, loaded->sources));
  const bool json = arguments.output == "json";
  const Exit printed = print(json ? tests_json(results, loaded->sources) : test_lines(results, loaded->sources));
  if (printed != Exit::done) return printed;
  const bool passed = std::all_of(results.begin(), results.end(), [](const auto& result) { return result.passed; });
  return passed && problems.errors() == 0 ? judge(loaded->report, Exit::done) : Exit::check_failed;
}

Exit fields(const Arguments& arguments) {
  const bool json = arguments.output == "json";
  const std::string text = json ? fields_json(arguments.topic) : field_lines(arguments.topic);
  return text.empty() ? complain(Exit::usage, fmt::format("no field begins with '{}'", arguments.topic)) : print(text);
}

}  // namespace

void add_rules(CLI::App& app, Arguments& arguments, Command& chosen) {
  CLI::App& rules = *app.add_subcommand("rules", "Check, explain or test rules in Falco's language");
  rules.require_subcommand(1);
  rules.footer(rules_footer);
  const auto add = [&](const char* name, const char* what, Exit (*run)(const Arguments&)) -> CLI::App& {
    CLI::App& command = *rules.add_subcommand(name, what);
    command.add_option("FILE", arguments.rule_files, "Rule files, or directories of such")->required();
    add_output(command, arguments);
    command.footer(rules_footer);
    command.callback([&arguments, &chosen, run] { chosen = [&arguments, run] { return run(arguments); }; });
    return command;
  };
  CLI::App& list = *rules.add_subcommand("fields", "List the fields that conditions and outputs can name");
  list.add_option("PREFIX", arguments.topic, "Those that begin so: proc, fd.");
  add_output(list, arguments);
  list.footer(rules_footer);
  list.callback([&] { chosen = [&] { return fields(arguments); }; });
  add("check", "Say what is wrong with them, and how much there is", check);
  add("explain", "Tell what each rule needs, with its lists and macros in place", explain)
      .add_option("--rule", arguments.rule, "This rule only")
      ->type_name("NAME");
  add("test", "Run the `test:` blocks beside rules and in files of tests", test);
}

}  // namespace subfloor::cli
