// SPDX-License-Identifier: Apache-2.0
// Names of users and groups, as this host's /etc/passwd and /etc/group have them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/clock.h"

namespace subfloor::detection {

class Users {
 public:
  // Empty where nobody has that number. Read again at most every ten seconds, and only when a file has changed.
  [[nodiscard]] std::string_view user(std::uint32_t uid);
  [[nodiscard]] std::string_view group(std::uint32_t gid);

 private:
  struct File {
    const char* path;
    std::int64_t modified = -1;  // nanoseconds; -1: never read
    Nanoseconds looked = 0;
    std::unordered_map<std::uint32_t, std::string> names = {};
  };
  static std::string_view name_of(File& file, std::uint32_t id);

  File users_{"/etc/passwd"}, groups_{"/etc/group"};
};

}  // namespace subfloor::detection
