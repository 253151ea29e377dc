// SPDX-License-Identifier: Apache-2.0
// Fixture: an event that was written down, for tests of rules.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "rules/definitions.h"
#include "rules/diagnostic.h"
#include "rules/value.h"

namespace subfloor::rules {

// Fields that are not given are absent. What follows from others is filled in where it is not given itself:
// fd.directory and fd.filename from fd.name, evt.res, evt.rawres and evt.failed from each other, proc.aname[0], [1] and
// so on from proc.name and proc.pname, either end of a socket from both.
class Fixture final : public Facts {
 public:
  Fixture(Fixture&&) = default;  // not copied: values point to its own texts
  Fixture& operator=(Fixture&&) = default;

  // What is wrong with an entry is reported; nothing where there is no evt.type.
  [[nodiscard]] static std::optional<Fixture> make(const std::vector<TestDefinition::Entry>& entries, Place place,
                                                   Report& report);

  [[nodiscard]] EventType event_type() const override { return type_; }
  [[nodiscard]] Value extract(const FieldReference& field) override;

  // Sets or replaces a field, by its name with its argument; text as in a rule file. An error says why it cannot be.
  [[nodiscard]] std::optional<std::string> set(const std::string& field, const std::vector<std::string>& values,
                                               bool is_list);
  // Makes it unknown, rather than absent.
  void forget(const std::string& field) { values_[field] = Value(Unknown{}); }

 private:
  Fixture() = default;
  [[nodiscard]] std::optional<std::string> add(const FieldReference& field, const std::vector<std::string>& values,
                                               bool is_list);
  [[nodiscard]] const Value* given(const std::string& field) const;
  [[nodiscard]] Value derived(const FieldReference& field) const;
  [[nodiscard]] Value ends(std::string_view one, std::string_view other);
  [[nodiscard]] Value ancestors(std::string_view name);
  [[nodiscard]] std::string_view keep(std::string text) { return texts_.emplace_back(std::move(text)); }

  EventType type_{};
  std::map<std::string, Value, std::less<>> values_;
  std::deque<std::string> texts_;  // what values point to
  std::deque<std::vector<Value>> lists_;
};

}  // namespace subfloor::rules
