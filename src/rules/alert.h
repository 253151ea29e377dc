// SPDX-License-Identifier: Apache-2.0
// A match as text and as JSON, in Falco's shape.
#pragma once

#include <string>

#include "base/clock.h"
#include "rules/evaluator.h"

namespace subfloor::rules {

struct AlertContext {
  Nanoseconds unix_time = 0;
  std::string hostname;
};

// Field values as they were when the rule matched: the event may be gone.
struct Alert {
  std::string rule, source, message;
  Priority priority = Priority::debug;
  std::vector<std::string> tags;
  AlertContext context;
  // As JSON each: "\"cat\"", "42", "null" where there is none. evt.time, in nanoseconds, is added by to_json.
  std::vector<std::pair<std::string, std::string>> fields;
};

// Of a rule that matched the evaluator's present event.
[[nodiscard]] Alert make_alert(const Rule& rule, Evaluator& evaluator, Facts& facts, AlertContext context);

// "13:53:31.726060287: Critical Text", local time, no newline; control characters and bytes that are no UTF-8 are
// escaped, so that it is one line whatever is in it.
[[nodiscard]] std::string to_line(const Alert& alert);
// One line of JSON: time, rule, priority, source, hostname, output, tags, output_fields.
[[nodiscard]] std::string to_json(const Alert& alert);

// The output's text. What is absent or unknown is "<NA>".
[[nodiscard]] std::string format(const OutputTemplate& output, Evaluator& evaluator, Facts& facts,
                                 const AlertContext& context);

}  // namespace subfloor::rules
