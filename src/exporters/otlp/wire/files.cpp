// SPDX-License-Identifier: Apache-2.0
#include "exporters/otlp/wire/files.h"

#include <cerrno>
#include <fstream>

namespace subfloor::otlp {
namespace {

constexpr std::size_t longest_file = std::size_t{1} << 20;

}  // namespace

Result<std::string> read_pem(const std::string& path) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file) return fail_errno("read " + path, errno != 0 ? errno : EIO);
  std::string text(longest_file + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > longest_file) return fail(path + ": larger than 1MiB, so hardly a certificate or a key", EFBIG);
  if (text.find("-----BEGIN ") == std::string::npos) return fail(path + ": no PEM file");
  return text;
}

FileTimes file_times(const Target& target) {
  FileTimes times;
  for (const std::string& path : {target.ca, target.certificate, target.key}) {
    std::error_code none;
    times.push_back(std::filesystem::last_write_time(path, none));
  }
  return times;
}

Result<> check_readable(const Target& target) {
  for (const std::string& path : {target.ca, target.certificate, target.key}) {
    if (path.empty()) continue;
    if (auto text = read_pem(path); !text) return Failure(text.error());
  }
  return {};
}

}  // namespace subfloor::otlp
