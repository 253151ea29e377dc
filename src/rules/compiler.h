// SPDX-License-Identifier: Apache-2.0
// Compiler: conditions as they were written, into a Program, with every name and type checked.
#pragma once

#include <map>
#include <set>

#include "rules/definitions.h"
#include "rules/lists.h"
#include "rules/program.h"

namespace subfloor::rules {

class Compiler {
 public:
  // All must outlive it.
  Compiler(Program& program, Lists& lists, const std::vector<MacroDefinition>& macros, Report& report)
      : program_(program), lists_(lists), macros_(macros), report_(report) {}

  // What of a rule's condition came out: nothing where there is an error, which has been reported.
  [[nodiscard]] std::optional<NodeId> compile_rule(const RuleDefinition& rule);
  // Of an output's field or transformer.
  [[nodiscard]] std::optional<TermId> compile_term(const Operand& operand);

  // Whether the last rule failed only for fields that are not known.
  [[nodiscard]] bool only_unknown_fields() const { return unknown_fields_ > 0 && other_errors_ == 0; }
  // What was told of a broken macro, and what rules that name it are to be forgiven or not.
  [[nodiscard]] std::vector<const MacroDefinition*> unused_macros() const;
  // Compiles macros that no rule names, so that their mistakes are known: they are warnings.
  void check_unused_macros();

 private:
  struct Macro {
    bool busy = false, done = false, used = false;
    std::optional<NodeId> node;
    std::size_t unknown_fields = 0, other_errors = 0;
  };

  [[nodiscard]] std::optional<NodeId> compile_text(const MappedText& text);
  [[nodiscard]] std::optional<NodeId> compile(const Expression& expression);
  [[nodiscard]] std::optional<NodeId> compile_joined(const Expression& expression);
  [[nodiscard]] std::optional<NodeId> compile_macro(const Expression& use);
  void compile_macro_text(const MacroDefinition& definition, Macro& macro);
  [[nodiscard]] std::optional<NodeId> compile_exception(const ExceptionDefinition& exception);
  [[nodiscard]] std::optional<NodeId> compile_check(const Expression& expression);
  [[nodiscard]] std::optional<NodeId> compile_constant_check(Check check, const Expression& expression);
  [[nodiscard]] std::optional<NodeId> compile_dynamic_check(Check check, const Expression& expression);
  // Fields whose value is known, or whose every value is, before there is an event.
  [[nodiscard]] std::optional<NodeId> fold(const Check& check) const;
  [[nodiscard]] NodeId fold_event_type(const Check& check) const;

  [[nodiscard]] std::optional<TermId> compile_operand(const Operand& operand, bool within_transformer);
  [[nodiscard]] std::optional<TermId> compile_field(const Operand& operand, bool as_value);
  [[nodiscard]] std::optional<TermId> compile_transformer(const Operand& operand);
  // Sets the type of what it yields; false where its arguments do not fit, which is reported.
  [[nodiscard]] bool check_transformer(Term& term, const Operand& operand);
  void warn_of_constants(const Check& check, const Expression& expression);

  std::nullopt_t fail(Place place, std::string message);

  Program& program_;
  Lists& lists_;
  const std::vector<MacroDefinition>& macros_;
  Report& report_;
  std::map<std::string, Macro, std::less<>> compiled_;
  std::size_t visible_ = SIZE_MAX;  // macros that first stood before can be named
  std::size_t unknown_fields_ = 0, other_errors_ = 0;
  std::size_t depth_ = 0;  // of macros within each other
};

}  // namespace subfloor::rules
