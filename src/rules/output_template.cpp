// SPDX-License-Identifier: Apache-2.0
#include "rules/output_template.h"

#include <fmt/format.h>

#include <algorithm>

#include "rules/parser.h"

namespace subfloor::rules {
namespace {

constexpr std::size_t widest = 4096;

// "proc.name.exe" may be a field and text behind it: the longest beginning that is a field. The rest is left.
void shorten_to_field(Operand& operand, std::size_t& end) {
  if (operand.kind != Operand::Kind::field || operand.argument) return;
  if (resolve_field(operand.text, {}).field) return;
  for (std::size_t dot = operand.text.rfind('.'); dot != std::string::npos && dot > 0;
       dot = operand.text.rfind('.', dot - 1)) {
    if (!resolve_field(std::string_view(operand.text).substr(0, dot), {}).field) continue;
    end -= operand.text.size() - dot;
    operand.text.resize(dot);
    return;
  }
}

void collect_fields(const Program& program, TermId id, std::vector<TermId>& fields) {
  const Term& term = program.term(id);
  if (term.kind == Term::Kind::field && std::find(fields.begin(), fields.end(), id) == fields.end())
    fields.push_back(id);
  for (const TermId item : term.items) collect_fields(program, item, fields);
}

}  // namespace

std::optional<OutputTemplate> compile_output(const MappedText& mapped, Compiler& compiler, const Program& program,
                                             Report& report) {
  const std::string& text = mapped.text();
  OutputTemplate output;
  bool valid = true;
  std::size_t begin = 0;
  for (std::size_t at = text.find('%'); at != std::string::npos; at = text.find('%', begin)) {
    OutputPart part;
    part.text = text.substr(begin, at - begin);
    const std::size_t percent = at++;
    for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at)
      part.width = std::min(part.width * 10 + static_cast<std::size_t>(text[at] - '0'), widest);
    Parser parser(mapped, report);
    auto operand = parser.parse_term_at(at);
    if (!operand) {
      valid = false;
      begin = percent + 1;
      continue;
    }
    begin = parser.end_offset();
    shorten_to_field(*operand, begin);
    part.term = compiler.compile_term(*operand);
    if (!part.term) {
      valid = false;
      continue;
    }
    const Term& term = program.term(*part.term);
    if (term.kind == Term::Kind::field && info_of(term.field.id).flags.filter_only) {
      report.error(mapped.place(percent), fmt::format("'{}' is for conditions, not for outputs", operand->text));
      valid = false;
    }
    collect_fields(program, *part.term, output.fields);
    output.parts.push_back(std::move(part));
  }
  if (!valid) return std::nullopt;
  output.parts.push_back({text.substr(begin), {}, 0});
  return output;
}

}  // namespace subfloor::rules
