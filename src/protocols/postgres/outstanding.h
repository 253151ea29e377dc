// SPDX-License-Identifier: Apache-2.0
// What a backend still has to answer, in order.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "protocols/postgres/named.h"
#include "protocols/postgres/wire.h"

namespace subfloor::protocols::postgres {

inline constexpr std::size_t outstanding_limit = 1024;  // calls
inline constexpr std::size_t steps_limit = 8192;        // messages that are answered

// A message that is answered, by its type; `unseen` stands for any number of them that were lost.
enum class Step : char {
  query = 'Q',
  parse = 'P',
  bind = 'B',
  describe = 'D',
  execute = 'E',
  close = 'C',
  sync = 'S',
  function = 'F',
  unseen = '?',
};
[[nodiscard]] constexpr bool is_call(Step step) {
  return step == Step::query || step == Step::parse || step == Step::execute || step == Step::function;
}
// Whether ReadyForQuery answers it.
[[nodiscard]] constexpr bool ends_with_ready(Step step) {
  return step == Step::query || step == Step::sync || step == Step::function;
}

// A call in the making. Of a Parse nothing is told unless it fails.
struct Exchange {
  Step step = Step::query;
  Known about;
  std::string name;     // of what Parse prepares
  std::string command;  // from CommandComplete, of a statement that is not known
  std::string state;    // SQLSTATE of its failure, or why it was not executed
  std::string severity;
  Nanoseconds start = 0, request_end = 0, first_byte = 0, end = 0;
  std::uint32_t pid = 0, tid = 0;
  std::optional<std::uint32_t> position;
  std::uint64_t request_bytes = 0, response_bytes = 0;
  std::uint64_t rows = 0;  // messages of the result under way
  std::uint64_t returned = 0, affected = 0;
  bool returns = false, affects = false;  // the numbers mean something
  bool answered = false;                  // by CommandComplete or what stands for it
  bool suspended = false;
  bool aborted = false;  // discarded after another's failure
  bool copies_out = false;  // its result under way is COPY TO
  bool uncountable = false;  // a result of it was not seen
  bool gaps = false;     // part of its answer was not seen
  std::uint8_t partial = 0;

  void clear() {
    about.clear();
    for (std::string* text : {&name, &command, &state, &severity}) text->clear();
    start = request_end = first_byte = end = 0;
    pid = tid = 0;
    position.reset();
    request_bytes = response_bytes = rows = returned = affected = 0;
    returns = affects = answered = suspended = aborted = copies_out = uncountable = gaps = false;
    partial = 0;
  }
  void fail(const Failure& failure) {
    state = failure.state.empty() ? std::string_view("_OTHER") : failure.state;
    severity = failure.severity;
    answered = true;
  }
};

// A queue that keeps what it held for reuse, so that a steady stream of calls allocates nothing.
template <class T>
class Ring {
 public:
  [[nodiscard]] std::size_t size() const { return count_; }
  [[nodiscard]] bool empty() const { return count_ == 0; }
  [[nodiscard]] T& operator[](std::size_t i) { return slots_[(first_ + i) & (slots_.size() - 1)]; }
  [[nodiscard]] const T& operator[](std::size_t i) const { return slots_[(first_ + i) & (slots_.size() - 1)]; }
  [[nodiscard]] T& front() { return (*this)[0]; }
  [[nodiscard]] T& back() { return (*this)[count_ - 1]; }

  // As it was when it was used last.
  T& push() {
    if (count_ == slots_.size()) grow();
    ++count_;
    return back();
  }
  void pop() {
    first_ = (first_ + 1) & (slots_.size() - 1);
    if (--count_ == 0 && slots_.size() > kept) std::vector<T>(kept).swap(slots_), first_ = 0;
  }
  void drop_back() { --count_; }
  void erase(std::size_t i) {
    for (; i + 1 < count_; ++i) std::swap((*this)[i], (*this)[i + 1]);
    --count_;
  }

 private:
  static constexpr std::size_t kept = 16;
  void grow() {
    std::rotate(slots_.begin(), slots_.begin() + static_cast<std::ptrdiff_t>(first_), slots_.end());
    first_ = 0;
    slots_.resize(std::max<std::size_t>(4, slots_.size() * 2));
  }

  std::vector<T> slots_;  // a power of two, or none
  std::size_t first_ = 0, count_ = 0;
};

}  // namespace subfloor::protocols::postgres
