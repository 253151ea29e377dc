// SPDX-License-Identifier: Apache-2.0
// Prepared statements, or portals, by the names that a connection gave them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sql/sql.h"

namespace subfloor::protocols::postgres {

// Of a statement, as far as it is known: an empty one is not.
struct Known {
  sql::Statement statement;
  bool known = false;

  void clear() {
    statement.clear();
    known = false;
  }
};

// At most so many; the one not used for longest makes room.
class Named {
 public:
  Named(std::size_t most, std::size_t most_text) : most_(most), most_text_(most_text) {}

  // A place for that name, whatever was there; null where the name is longer than names are.
  [[nodiscard]] Known* put(std::string_view name);
  // To be called when the place was filled: keeps within the bound on sanitised texts.
  void filled(Known& known);
  [[nodiscard]] const Known* find(std::string_view name);  // null where unknown
  void erase(std::string_view name);
  void clear();

  [[nodiscard]] std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    std::string name;
    Known known;
    std::uint64_t used = 0;
    std::size_t text = 0;  // bytes that count against the bound
  };
  [[nodiscard]] Entry* look_up(std::string_view name);

  const std::size_t most_, most_text_;
  std::size_t text_ = 0;
  std::uint64_t clock_ = 0;
  std::vector<Entry> entries_;
};

}  // namespace subfloor::protocols::postgres
