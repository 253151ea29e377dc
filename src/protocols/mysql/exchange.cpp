// SPDX-License-Identifier: Apache-2.0
#include "protocols/mysql/exchange.h"

#include <utility>

namespace subfloor::protocols::mysql {

void Exchange::clear() {
  call.clear();
  code = 0;
  shape = Shape::simple;
  sequence = 1;
  sequence_known = true;
  began = blind = sends_file = unsure = cut_statement = may_change_schema = false;
  heard = 0;
  number = 0;
  statement.reset();
  schema.clear();
  user.clear();
}

Exchange& Exchanges::push() {
  if (spare_.empty()) {
    waiting_.push_back(std::make_unique<Exchange>());
  } else {
    waiting_.push_back(std::move(spare_.back()));
    spare_.pop_back();
  }
  return *waiting_.back();
}

void Exchanges::pop() {
  constexpr std::size_t kept = 2;
  std::unique_ptr<Exchange> first = std::move(waiting_.front());
  waiting_.erase(waiting_.begin());
  if (spare_.size() >= kept) return;
  first->clear();
  spare_.push_back(std::move(first));
}

}  // namespace subfloor::protocols::mysql
