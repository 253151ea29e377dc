// SPDX-License-Identifier: Apache-2.0
#include "bpf/pseudo_fs.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <sstream>

namespace subfloor::bpf {
namespace {

// mountinfo writes blank, tab, line feed and backslash as \ooo.
std::string unescape(const std::string& text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size()) {
      plain += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
      i += 3;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

Result<Fd> mount_detached(const std::string& type) {
  Fd context(::fsopen(type.c_str(), FSOPEN_CLOEXEC));
  if (!context) return fail_errno("open file system " + type, errno);
  if (::fsconfig(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0)
    return fail_errno("create " + type, errno);
  Fd root(::fsmount(context.get(), FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NODEV));
  if (!root) return fail_errno("mount " + type, errno);
  return root;
}

}  // namespace

std::vector<std::string> mount_points(const std::string& type) {
  std::vector<std::string> points;
  std::ifstream mounts("/proc/self/mountinfo");
  for (std::string line; std::getline(mounts, line);) {
    const std::size_t separator = line.find(" - ");
    if (separator == std::string::npos) continue;
    std::istringstream before(line.substr(0, separator)), after(line.substr(separator + 3));
    std::string id, parent, device, root, point, found;
    before >> id >> parent >> device >> root >> point;
    after >> found;
    if (found == type) points.push_back(unescape(point));
  }
  return points;
}

Result<PseudoFs> open_pseudo_fs(const std::string& type) {
  std::string refused;
  int code = 0;
  for (const std::string& point : mount_points(type)) {
    Fd root(::open(point.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (root) return PseudoFs{std::move(root), point};
    code = errno;
    refused = "open " + point + ": " + errno_text(code) + "; ";
  }
  Result<Fd> detached = mount_detached(type);
  if (detached) return PseudoFs{std::move(*detached), ""};
  if (refused.empty()) refused = type + " is not mounted here, and a mount of its own was refused: ";
  return fail(refused + detached.error().message, code != 0 ? code : detached.error().code);
}

Result<std::string> read_file_at(const Fd& root, const std::string& path) {
  const Fd file(::openat(root.get(), path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return fail_errno("open " + path, errno);
  char text[4096];
  const ssize_t size = ::read(file.get(), text, sizeof text);
  if (size < 0) return fail_errno("read " + path, errno);
  std::string content(text, static_cast<std::size_t>(size));
  while (!content.empty() && content.back() == '\n') content.pop_back();
  return content;
}

}  // namespace subfloor::bpf
