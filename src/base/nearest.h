// SPDX-License-Identifier: Apache-2.0
// Nearest: of many names, the one that somebody who wrote another may have meant.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace subfloor {

class Nearest {
 public:
  explicit Nearest(std::string_view name) : name_(name) {}

  // `shown` is what text() says of the candidate.
  void consider(std::string_view candidate, std::string_view shown);
  void consider(std::string_view candidate) { consider(candidate, candidate); }

  [[nodiscard]] bool found() const { return !shown_.empty(); }
  // " (did you mean 'ports'?)", or "" where nothing is near.
  [[nodiscard]] std::string text() const;

 private:
  std::string name_, shown_;
  std::size_t rank_ = 10000;
};

}  // namespace subfloor
