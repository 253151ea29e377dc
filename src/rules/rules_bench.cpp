// SPDX-License-Identifier: Apache-2.0
// Events a second against Falco's stable rules, which are read from beside the project (../shared/data/falco-rules) or
// from the folder FALCO_RULES.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <array>
#include <cstdlib>
#include <vector>

#include "rules/evaluator.h"
#include "rules/load.h"

namespace {

using namespace subfloor;
using namespace subfloor::rules;

std::string stock_folder() {
  const char* folder = std::getenv("FALCO_RULES");
  return folder == nullptr ? "../shared/data/falco-rules" : folder;
}

// `others`: so many rules more, which no open and no exec can match.
std::shared_ptr<const RuleSet> stock_rules(std::int64_t others = 0) {
  auto sources = read_sources({stock_folder() + "/falco_rules.yaml"});
  if (!sources) return nullptr;
  std::string more;
  for (std::int64_t i = 0; i < others; ++i)
    more += fmt::format(
        "- rule: r{}\n  condition: evt.type = connect and proc.name contains n{}\n  desc: d\n  output: o\n"
        "  priority: INFO\n",
        i, i);
  sources->emplace_back("more.yaml", more);
  return load(std::move(*sources)).rules;
}

// As a sensor has them: a value is at hand as soon as it is asked for.
class PlainFacts final : public Facts {
 public:
  explicit PlainFacts(EventType type) : type_(type) {}
  void set(FieldId id, Value value) { values_[static_cast<std::size_t>(id)] = value; }
  EventType event_type() const override { return type_; }
  Value extract(const FieldReference& field) override {
    if (field.argument.kind == FieldArgument::Kind::none) return values_[static_cast<std::size_t>(field.id)];
    if (field.id == "proc.aname"_field) return std::string_view("systemd");
    return field.id == "evt.arg"_field ? Value(std::string_view("O_RDONLY|O_CLOEXEC")) : Value();
  }

 private:
  EventType type_;
  std::array<Value, std::size(field_table)> values_{};
};

void set_process(PlainFacts& facts) {
  facts.set("proc.name"_field, std::string_view("python3"));
  facts.set("proc.exe"_field, std::string_view("/usr/bin/python3"));
  facts.set("proc.pname"_field, std::string_view("gunicorn"));
  facts.set("proc.pexe"_field, std::string_view("/usr/bin/python3"));
  facts.set("proc.cmdline"_field, std::string_view("python3 -m http.server 8080 --directory /srv/www"));
  facts.set("proc.pcmdline"_field, std::string_view("gunicorn: master [app:app] --workers 4 --bind 0.0.0.0:8000"));
  facts.set("proc.args"_field, std::string_view("-m http.server 8080 --directory /srv/www"));
  facts.set("proc.cwd"_field, std::string_view("/srv/www/"));
  facts.set("proc.tty"_field, std::uint64_t{0});
  facts.set("proc.duration"_field, std::uint64_t{60'000'000'000});
  facts.set("proc.is_exe_upper_layer"_field, false);
  facts.set("proc.is_exe_from_memfd"_field, false);
  facts.set("user.name"_field, std::string_view("www"));
  facts.set("user.uid"_field, std::uint64_t{1000});
  facts.set("container.id"_field, std::string_view("3ad7b26ded6d"));
  facts.set("container.image.repository"_field, std::string_view("docker.io/library/python"));
}

PlainFacts open_event() {
  PlainFacts facts("openat"_event);
  set_process(facts);
  facts.set("fd.num"_field, std::int64_t{7});
  facts.set("fd.name"_field, std::string_view("/srv/www/static/css/site.css"));
  facts.set("fd.nameraw"_field, std::string_view("static/css/site.css"));
  facts.set("fd.directory"_field, std::string_view("/srv/www/static/css"));
  facts.set("fd.filename"_field, std::string_view("site.css"));
  facts.set("fd.typechar"_field, std::string_view("f"));
  facts.set("evt.is_open_read"_field, true);
  facts.set("evt.is_open_write"_field, false);
  facts.set("evt.res"_field, std::string_view("SUCCESS"));
  return facts;
}

PlainFacts exec_event() {
  PlainFacts facts("execve"_event);
  set_process(facts);
  return facts;
}

// What is known of an open from its path and flags alone: who did it is not.
PlainFacts open_by_name() {
  PlainFacts facts = open_event();
  for (const FieldInfo& field : field_table)
    if (field.name.starts_with("proc.") || field.name.starts_with("container.") || field.name.starts_with("user."))
      facts.set(*find_field(field.name), Unknown{});
  return facts;
}

template <class Ask>
void measure(benchmark::State& state, PlainFacts facts, Ask ask) {
  const auto rules = stock_rules(state.range(0));
  if (!rules) {
    state.SkipWithError(("no rules in " + stock_folder()).c_str());
    return;
  }
  Evaluator evaluator(rules);
  for (auto _ : state)
    if (ask(evaluator, facts)) return state.SkipWithError("it matches");
  state.SetItemsProcessed(state.iterations());
}

void open_that_matches_nothing(benchmark::State& state) {
  measure(state, open_event(), [](Evaluator& e, Facts& f) { return e.first_match(f).has_value(); });
}
BENCHMARK(open_that_matches_nothing)->ArgName("others")->Arg(0)->Arg(1000);

void exec_that_matches_nothing(benchmark::State& state) {
  measure(state, exec_event(), [](Evaluator& e, Facts& f) { return e.first_match(f).has_value(); });
}
BENCHMARK(exec_that_matches_nothing)->ArgName("others")->Arg(0);

void event_that_no_rule_names(benchmark::State& state) {
  measure(state, PlainFacts("close"_event), [](Evaluator& e, Facts& f) { return e.first_match(f).has_value(); });
}
BENCHMARK(event_that_no_rule_names)->ArgName("others")->Arg(0);

void could_match_by_name(benchmark::State& state) {
  measure(state, open_by_name(), [](Evaluator& e, Facts& f) { return e.could_match(f); });
}
BENCHMARK(could_match_by_name)->ArgName("others")->Arg(0);

void load_stable_rules(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(stock_rules());
}
BENCHMARK(load_stable_rules)->Unit(benchmark::kMillisecond);

}  // namespace
