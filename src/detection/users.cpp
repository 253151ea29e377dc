// SPDX-License-Identifier: Apache-2.0
#include "detection/users.h"

#include <sys/stat.h>

#include <charconv>
#include <fstream>

namespace subfloor::detection {
namespace {

constexpr Nanoseconds look_again_after = 10'000'000'000;
constexpr std::size_t most_names = 65536;

// "name:password:number:…"
std::unordered_map<std::uint32_t, std::string> read_names(const char* path) {
  std::unordered_map<std::uint32_t, std::string> names;
  std::ifstream file(path);
  for (std::string line; names.size() < most_names && std::getline(file, line);) {
    const std::size_t name = line.find(':');
    const std::size_t password = name == std::string::npos ? name : line.find(':', name + 1);
    if (password == std::string::npos) continue;
    std::uint32_t id = 0;
    const auto [end, error] = std::from_chars(line.data() + password + 1, line.data() + line.size(), id);
    if (error == std::errc() && name != 0) names.try_emplace(id, line.substr(0, name));
  }
  return names;
}

}  // namespace

std::string_view Users::name_of(File& file, std::uint32_t id) {
  const Nanoseconds now = monotonic_now();
  if (file.modified < 0 || now >= file.looked + look_again_after) {
    file.looked = now;
    struct stat status{};
    const bool there = ::stat(file.path, &status) == 0;
    const std::int64_t modified = there ? status.st_mtim.tv_sec * 1'000'000'000 + status.st_mtim.tv_nsec : 0;
    if (modified != file.modified) {
      file.modified = modified;
      file.names = read_names(file.path);
    }
  }
  const auto found = file.names.find(id);
  return found == file.names.end() ? std::string_view{} : std::string_view(found->second);
}

std::string_view Users::user(std::uint32_t uid) { return name_of(users_, uid); }
std::string_view Users::group(std::uint32_t gid) { return name_of(groups_, gid); }

}  // namespace subfloor::detection
