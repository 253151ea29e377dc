// SPDX-License-Identifier: Apache-2.0
// What is known of the statements that were prepared on a connection: by their number what may be told of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>

#include "sql/sql.h"

namespace subfloor::protocols::mysql {

inline constexpr std::size_t statements_limit = 1024;             // of one connection
inline constexpr std::size_t statements_bytes_limit = 512 * 1024;  // and bytes of what is known of them

// What may be told of a statement is shared by the calls that run it.
using Description = std::shared_ptr<const sql::Statement>;

class Statements {
 public:
  // Beyond the limits one that was there before is forgotten: calls that run it are then told without it.
  void add(std::uint32_t number, Description statement);
  void remove(std::uint32_t number);
  void clear();
  [[nodiscard]] Description find(std::uint32_t number) const;  // null where it is not known
  [[nodiscard]] std::size_t size() const { return known_.size(); }

 private:
  [[nodiscard]] static std::size_t cost(const sql::Statement& statement);

  std::unordered_map<std::uint32_t, Description> known_;
  std::size_t bytes_ = 0;
};

}  // namespace subfloor::protocols::mysql
