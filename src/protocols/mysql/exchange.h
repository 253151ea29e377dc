// SPDX-License-Identifier: Apache-2.0
// A command and its answer in the making.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "model/call.h"
#include "protocols/mysql/commands.h"
#include "protocols/mysql/statements.h"

namespace subfloor::protocols::mysql {

inline constexpr std::size_t outstanding_limit = 256;  // commands without their answer, on one connection

struct Exchange {
  Call call;
  std::uint8_t code = 0;
  Shape shape = Shape::simple;
  std::uint8_t sequence = 1;  // of the next packet, whoever sends it
  bool sequence_known = true;
  bool began = false;  // the answer did
  bool blind = false;  // a part of the answer was not seen: where it ends the next command tells
  bool sends_file = false;
  bool unsure = false;  // which answer is its own nobody knows
  bool cut_statement = false;
  Nanoseconds heard = 0;      // last byte of the answer so far
  std::uint32_t number = 0;   // of a prepared statement
  Description statement;      // what is prepared, or run
  std::string schema, user;   // that the session is in, and whose it is, where this goes well
  bool may_change_schema = false;

  void clear();
};

// Commands in order, and a few exchanges kept for reuse, so that a steady stream of calls allocates nothing.
class Exchanges {
 public:
  [[nodiscard]] bool empty() const { return waiting_.empty(); }
  [[nodiscard]] std::size_t size() const { return waiting_.size(); }
  [[nodiscard]] Exchange& front() { return *waiting_.front(); }
  [[nodiscard]] Exchange& back() { return *waiting_.back(); }
  [[nodiscard]] Exchange& operator[](std::size_t i) { return *waiting_[i]; }
  Exchange& push();
  void pop();

 private:
  std::vector<std::unique_ptr<Exchange>> waiting_, spare_;
};

}  // namespace subfloor::protocols::mysql
