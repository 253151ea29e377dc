// SPDX-License-Identifier: Apache-2.0
#include "sensors/tls/mapped_files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <optional>

namespace subfloor::sensors::tls {
namespace {

constexpr std::size_t max_maps = std::size_t{4} << 20;
constexpr std::size_t max_files = 4096;
constexpr std::string_view deleted_mark = " (deleted)";

std::string_view take_word(std::string_view& line) {
  const std::size_t end = std::min(line.find(' '), line.size());
  const std::string_view word = line.substr(0, end);
  line.remove_prefix(std::min(line.find_first_not_of(' ', end), line.size()));
  return word;
}

std::optional<std::uint64_t> number(std::string_view text, int base) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// "08:02" as one number.
std::optional<std::uint64_t> device_number(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto major = number(text.substr(0, colon), 16), minor = number(text.substr(colon + 1), 16);
  if (!major || !minor) return std::nullopt;
  return *major << 32 | *minor;
}

// address perms offset dev inode path
std::optional<MappedFile> read_line(std::string_view line, bool code) {
  MappedFile file;
  file.range = take_word(line);
  const std::string_view permissions = take_word(line);
  take_word(line);
  const auto device = device_number(take_word(line));
  const auto inode = number(take_word(line), 10);
  if ((code && permissions.find('x') == std::string_view::npos) || !device || !inode || *inode == 0 ||
      !line.starts_with('/'))
    return std::nullopt;
  file.id = {*device, *inode};
  file.deleted = line.ends_with(deleted_mark);
  if (file.deleted) line.remove_suffix(deleted_mark.size());
  file.path = line;
  return file;
}

std::string read_all(const std::string& path, std::size_t limit) {
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::string text;
  while (file && text.size() < limit) {
    constexpr std::size_t step = 32768;
    const std::size_t have = text.size();
    text.resize(have + step);
    const ssize_t got = ::read(file.get(), text.data() + have, step);
    text.resize(have + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
  }
  return text;
}

}  // namespace

std::vector<MappedFile> read_mapped_code(std::string_view maps) {
  std::vector<MappedFile> files;
  while (!maps.empty() && files.size() < max_files) {
    const std::size_t end = std::min(maps.find('\n'), maps.size());
    auto file = read_line(maps.substr(0, end), true);
    maps.remove_prefix(std::min(end + 1, maps.size()));
    if (file && std::ranges::find(files, file->id, &MappedFile::id) == files.end()) files.push_back(*std::move(file));
  }
  return files;
}

std::vector<MappedFile> mapped_code_of(std::uint32_t pid) {
  return read_mapped_code(read_all(fmt::format("/proc/{}/maps", pid), max_maps));
}

std::optional<FileId> id_as_mapped(int fd) {
  const auto size = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  void* const page = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0);
  if (page == MAP_FAILED) return std::nullopt;
  const std::string maps = read_all("/proc/self/maps", max_maps);
  ::munmap(page, size);
  const std::size_t at = maps.find(fmt::format("{:08x}-", reinterpret_cast<std::uintptr_t>(page)));
  if (at == std::string::npos) return std::nullopt;
  const auto file = read_line(std::string_view(maps).substr(at, maps.find('\n', at) - at), false);
  return file ? std::optional(file->id) : std::nullopt;
}

Fd open_mapped(std::uint32_t pid, const MappedFile& file) {
  // Only what is a file at all: opening a device can do anything.
  constexpr int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
  const auto open_file = [](const std::string& path) {
    struct stat status{};
    if (::stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return Fd();
    return Fd(::open(path.c_str(), flags));
  };
  if (Fd mapped = open_file(fmt::format("/proc/{}/map_files/{}", pid, file.range))) return mapped;
  if (file.deleted) return Fd();
  // That takes CAP_CHECKPOINT_RESTORE, or CAP_SYS_ADMIN. By its name, another file may be found: one that replaced it.
  Fd named = open_file(fmt::format("/proc/{}/root{}", pid, file.path));
  struct stat status{};
  if (!named || ::fstat(named.get(), &status) != 0 || status.st_ino != file.id.inode) return Fd();
  return named;
}

}  // namespace subfloor::sensors::tls
