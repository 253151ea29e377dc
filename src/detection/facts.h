// SPDX-License-Identifier: Apache-2.0
// Fields of an event, from what is known of its process, its ancestors and its container. What nobody can tell is
// absent.
#pragma once

#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "detection/event.h"
#include "detection/users.h"
#include "rules/value.h"

namespace subfloor::detection {

class EventFacts final : public rules::Facts {
 public:
  // Never null; of a pid that nobody knows, a Process with that alone.
  using FindProcess = std::function<ProcessRef(std::uint32_t pid)>;

  explicit EventFacts(FindProcess find) : find_(std::move(find)) {}

  // What extract() gives points into the event, or to texts that are kept until the next begins. It outlives both.
  void begin(const Event& event);

  [[nodiscard]] rules::EventType event_type() const override { return event_->type; }
  [[nodiscard]] rules::Value extract(const rules::FieldReference& field) override;

 private:
  static constexpr std::size_t most_ancestors = 64;
  using OfProcess = rules::Value (EventFacts::*)(const Process& process);

  [[nodiscard]] rules::Value of_event(const rules::FieldReference& field) const;
  [[nodiscard]] rules::Value of_process(const rules::FieldReference& field);
  [[nodiscard]] rules::Value of_executable(const rules::FieldReference& field);
  [[nodiscard]] rules::Value of_user(const rules::FieldReference& field);
  [[nodiscard]] rules::Value of_container(const rules::FieldReference& field);
  [[nodiscard]] rules::Value of_descriptor(const rules::FieldReference& field);
  [[nodiscard]] rules::Value of_file(const rules::FieldReference& field, const Syscall& call);
  [[nodiscard]] rules::Value of_socket(const rules::FieldReference& field, const Syscall& call);
  [[nodiscard]] rules::Value of_open(const rules::FieldReference& field) const;
  [[nodiscard]] rules::Value of_argument(const rules::FieldReference& field);
  [[nodiscard]] rules::Value path_as_given(const Syscall& call, std::size_t text);
  [[nodiscard]] rules::Value of_ancestor(const rules::FieldReference& field, OfProcess what);

  [[nodiscard]] rules::Value name(const Process& process);
  [[nodiscard]] rules::Value first_word(const Process& process);
  [[nodiscard]] rules::Value executable(const Process& process);
  [[nodiscard]] rules::Value arguments(const Process& process);
  [[nodiscard]] rules::Value command_line(const Process& process);
  [[nodiscard]] rules::Value pid(const Process& process);
  [[nodiscard]] rules::Value capabilities(std::uint64_t set);
  [[nodiscard]] rules::Value session_name();

  // 0: the process itself, 1: its parent. Null where it has no such ancestor, or nobody knows it.
  [[nodiscard]] const Process* ancestor(std::size_t generation);
  [[nodiscard]] std::string_view keep(std::string text) { return texts_.emplace_back(std::move(text)); }

  FindProcess find_;
  Users users_;
  const Event* event_ = nullptr;
  std::vector<ProcessRef> line_;  // the process, its parent and so on, as far as asked for
  std::deque<std::string> texts_;
  std::deque<std::vector<rules::Value>> lists_;
};

}  // namespace subfloor::detection
