// SPDX-License-Identifier: Apache-2.0
// What can be said of events before they happen, so that those that no rule can match never leave the kernel.
#pragma once

#include <vector>

#include "detection/facts.h"
#include "rules/evaluator.h"

namespace subfloor::detection {

// Which calls of a kind some rule may match.
struct WantedCall {
  rules::EventType type{};
  bool failures = true;
  bool addressed_only = false;  // of what sends and receives: where it gives an address
};

// By the rules that are enabled; kinds that are no system call are among them. None for those that are told of anyhow:
// execve, execveat.
[[nodiscard]] std::vector<WantedCall> wanted_calls(rules::Evaluator& evaluator);

// Whether some rule could match an open by that name: the present event's, for no more than it was opened for, by
// whomever, with whatever flags. `facts` are of that event.
[[nodiscard]] bool name_could_match(rules::Evaluator& evaluator, EventFacts& facts, const SyscallFile& file);

}  // namespace subfloor::detection
