// SPDX-License-Identifier: Apache-2.0
// Result<T>: a value or an Error. Every fallible function returns one; TRY passes an error on.
// tl::expected stays hidden behind this header, so that std::expected can take its place.
#pragma once

#include <fmt/format.h>

#include <string>
#include <system_error>
#include <tl/expected.hpp>
#include <utility>

namespace subfloor {

// What went wrong, in words for the person who has to act on it.
struct Error {
  std::string message;
  int code = 0;  // errno where the cause was a system call, else 0

  // The same error with what was being done put in front: "open /x: no such file".
  [[nodiscard]] Error in(const std::string& doing) const { return Error{doing + ": " + message, code}; }
};

template <class T = void>
using Result = tl::expected<T, Error>;

using Failure = tl::unexpected<Error>;

[[nodiscard]] inline Failure fail(std::string message, int code = 0) {
  return Failure(Error{std::move(message), code});
}

// "doing: No such file or directory (ENOENT)"; error_number is a positive errno value.
[[nodiscard]] Failure fail_errno(const std::string& doing, int error_number);

// The errno value in words and by name: "Operation not permitted (EPERM)".
[[nodiscard]] std::string errno_text(int error_number);

}  // namespace subfloor

#define SUBFLOOR_CONCAT_(a, b) a##b
#define SUBFLOOR_CONCAT(a, b) SUBFLOOR_CONCAT_(a, b)

// TRY(f()): returns f's error from the enclosing function, goes on otherwise.
#define TRY(expression)                                             \
  do {                                                              \
    if (auto try_result = (expression); !try_result) [[unlikely]] { \
      return ::subfloor::Failure(std::move(try_result).error());    \
    }                                                               \
  } while (false)

// TRY_ASSIGN(auto x, f()): the same, and binds the value.
#define TRY_ASSIGN_(name, declaration, expression)       \
  auto name = (expression);                              \
  if (!name) [[unlikely]]                                \
    return ::subfloor::Failure(std::move(name).error()); \
  declaration = std::move(*name)
#define TRY_ASSIGN(declaration, expression) TRY_ASSIGN_(SUBFLOOR_CONCAT(try_value_, __LINE__), declaration, expression)
