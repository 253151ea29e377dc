// SPDX-License-Identifier: Apache-2.0
// What is wrong with rule files, and where.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "rules/place.h"

namespace subfloor::rules {

enum class Severity : std::uint8_t { error, warning };

struct Diagnostic {
  Severity severity = Severity::error;
  Place place;
  std::string message;
  std::string subject;  // whose it is: "rule 'X'", or ""
};

[[nodiscard]] std::string_view to_string(Severity severity);

// "FILE:LINE:COLUMN: error: message (rule 'X')", then the line with a caret below the place; each with a newline.
// Nothing of a file can move a terminal's cursor: what is not printable is shown as '?'.
[[nodiscard]] std::string render(const Diagnostic& diagnostic, const Sources& sources);

// Collects them, in the order of the files once sorted.
class Report {
 public:
  void error(Place place, std::string message) { add(Severity::error, place, std::move(message)); }
  void warning(Place place, std::string message) { add(Severity::warning, place, std::move(message)); }

  [[nodiscard]] const std::vector<Diagnostic>& all() const { return all_; }
  [[nodiscard]] std::size_t errors() const { return errors_; }
  [[nodiscard]] std::size_t warnings() const { return all_.size() - errors_; }
  // How many there are, and to make warnings of the errors that came since.
  [[nodiscard]] std::size_t count() const { return all_.size(); }
  void demote_since(std::size_t count);
  // By file and place; what stands twice at one place is said once.
  void sort();

  // What is said from now on is of this; "" of nothing. Gives what was before.
  std::string set_subject(std::string subject) { return std::exchange(subject_, std::move(subject)); }

 private:
  void add(Severity severity, Place place, std::string message);

  std::vector<Diagnostic> all_;
  std::size_t errors_ = 0;
  std::string subject_;
};

}  // namespace subfloor::rules
