// SPDX-License-Identifier: Apache-2.0
// What a rule prints: text with %field, %field[argument], %<width>field and transformers in it.
#pragma once

#include <string>
#include <vector>

#include "rules/compiler.h"

namespace subfloor::rules {

struct OutputPart {
  std::string text;            // before the term
  std::optional<TermId> term;  // none at the end
  std::size_t width = 0;       // exactly so many characters, where not 0
};

struct OutputTemplate {
  std::vector<OutputPart> parts;
  // Each field that is named, within transformers too, once: what output_fields holds.
  std::vector<TermId> fields;
};

// Nothing where it names what there is not, which is reported.
[[nodiscard]] std::optional<OutputTemplate> compile_output(const MappedText& text, Compiler& compiler,
                                                           const Program& program, Report& report);

}  // namespace subfloor::rules
