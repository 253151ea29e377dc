// SPDX-License-Identifier: Apache-2.0
#include "protocols/mysql/statements.h"

#include <utility>

namespace subfloor::protocols::mysql {

std::size_t Statements::cost(const sql::Statement& statement) {
  constexpr std::size_t node = 64;  // of the table, and the counters of the pointer
  return node + sizeof(sql::Statement) + statement.operation.capacity() + statement.target.capacity() +
         statement.summary.capacity() + statement.text.capacity();
}

void Statements::add(std::uint32_t number, Description statement) {
  remove(number);
  bytes_ += cost(*statement);
  known_.emplace(number, std::move(statement));
  while (known_.size() > statements_limit || bytes_ > statements_bytes_limit) {
    auto victim = known_.begin();
    if (victim->first == number && ++victim == known_.end()) break;
    bytes_ -= cost(*victim->second);
    known_.erase(victim);
  }
}

void Statements::remove(std::uint32_t number) {
  const auto found = known_.find(number);
  if (found == known_.end()) return;
  bytes_ -= cost(*found->second);
  known_.erase(found);
}

void Statements::clear() {
  known_.clear();
  bytes_ = 0;
}

Description Statements::find(std::uint32_t number) const {
  const auto found = known_.find(number);
  return found == known_.end() ? nullptr : found->second;
}

}  // namespace subfloor::protocols::mysql
