// SPDX-License-Identifier: Apache-2.0
#include "detection/foresight.h"

#include <algorithm>
#include <array>
#include <functional>
#include <string_view>

#include "detection/call_names.h"
#include "rules/fields.h"

namespace subfloor::detection {

using rules::operator""_event;
using rules::operator""_field;
using rules::FieldReference;
using rules::Value;

namespace {

// An event of which only so much is known.
class Supposition final : public rules::Facts {
 public:
  using Extract = std::function<Value(const FieldReference&)>;
  Supposition(rules::EventType type, Extract extract) : type_(type), extract_(std::move(extract)) {}

  [[nodiscard]] rules::EventType event_type() const override { return type_; }
  [[nodiscard]] Value extract(const FieldReference& field) override { return extract_(field); }

 private:
  rules::EventType type_;
  Extract extract_;
};

constexpr std::array open_types = {"open"_event, "openat"_event, "openat2"_event, "creat"_event,
                                   "open_by_handle_at"_event};
constexpr std::array transfer_types = {"sendto"_event, "sendmsg"_event, "recvfrom"_event, "recvmsg"_event};

template <class List>
bool contains(const List& list, rules::EventType type) {
  return std::ranges::find(list, type) != list.end();
}

// There is no file then, and no descriptor.
Value of_failed_open(const FieldReference& field) {
  const std::string_view name = rules::info_of(field.id).name;
  if (field.id == "evt.failed"_field) return {true};
  if (name.starts_with("evt.is_open") || (name.starts_with("fd.") && field.id != "fd.nameraw"_field)) return {};
  return {rules::Unknown{}};
}

// On a socket that has its other end already, or needs none.
Value of_plain_transfer(const FieldReference& field) {
  if (field.id == "fd.name_changed"_field) return {false};
  return {rules::Unknown{}};
}

bool of_name(const FieldReference& field) {
  switch (field.id) {
    case "fd.name"_field:
    case "fd.directory"_field:
    case "fd.filename"_field:
    case "fd.type"_field:
    case "fd.typechar"_field:
    case "fd.ino"_field:
    case "fd.dev"_field: return true;
    default: return false;
  }
}

// Not opened for that, or perhaps.
Value perhaps(bool possible) { return possible ? Value(rules::Unknown{}) : Value(false); }

}  // namespace

std::vector<WantedCall> wanted_calls(rules::Evaluator& evaluator) {
  std::vector<WantedCall> wanted;
  for (std::size_t i = 0; i < rules::event_type_limit; ++i) {
    const auto type = static_cast<rules::EventType>(i);
    if (evaluator.rules().buckets[i].empty() || type == "execve"_event || type == "execveat"_event) continue;
    WantedCall call{.type = type};
    if (contains(open_types, type)) {
      Supposition failed(type, of_failed_open);
      call.failures = evaluator.could_match(failed);
    }
    if (contains(transfer_types, type)) {
      Supposition plain(type, of_plain_transfer);
      call.addressed_only = !evaluator.could_match(plain);
    }
    wanted.push_back(call);
  }
  return wanted;
}

bool name_could_match(rules::Evaluator& evaluator, EventFacts& facts, const SyscallFile& file) {
  const auto extract = [&](const FieldReference& field) -> Value {
    switch (field.id) {
      case "evt.is_open_read"_field: return perhaps((file.accesses & access_read) != 0);
      case "evt.is_open_write"_field: return perhaps((file.accesses & access_write) != 0);
      case "evt.is_open_create"_field:
      case "evt.is_open_exec"_field: return {false};  // a call that creates a file is never kept quiet of
      default: return of_name(field) ? facts.extract(field) : Value(rules::Unknown{});
    }
  };
  return std::ranges::any_of(open_types, [&](rules::EventType type) {
    Supposition supposed(type, extract);
    return evaluator.could_match(supposed);
  });
}

}  // namespace subfloor::detection
