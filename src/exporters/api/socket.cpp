// SPDX-License-Identifier: Apache-2.0
#include "exporters/api/socket.h"

#include <fcntl.h>
#include <grp.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <vector>

namespace subfloor::unix_socket {
namespace {

constexpr int backlog = 16;

Result<sockaddr_un> address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path)
    return fail(fmt::format("socket path '{}' must have 1 to {} bytes", path, sizeof address.sun_path - 1),
                ENAMETOOLONG);
  path.copy(address.sun_path, path.size());
  return address;
}

Result<Fd> make_socket() {
  Fd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return fail_errno("socket", errno);
  return fd;
}

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

Result<gid_t> group_id(const std::string& name) {
  std::vector<char> buffer(16384);
  group entry{};
  group* found = nullptr;
  const int error = getgrnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
  if (found == nullptr) return fail(fmt::format("there is no group '{}'", name), error == 0 ? ENOENT : error);
  return found->gr_gid;
}

// Frees the path of a socket file left behind by an agent that was killed.
Result<> make_way(const std::string& path) {
  struct stat status{};
  if (lstat(path.c_str(), &status) != 0) {
    if (errno == ENOENT) return {};
    return fail_errno(path, errno);
  }
  if (!S_ISSOCK(status.st_mode)) return fail(path + " exists and is not a socket", EEXIST);
  const Result<Fd> other = connect_to(path);
  if (other) {
    const pid_t pid = peer_pid(other->get());
    return fail(fmt::format("another agent{} is running at {}", pid > 0 ? fmt::format(" (pid {})", pid) : "", path),
                EADDRINUSE);
  }
  if (other.error().code == EAGAIN) return fail("another agent is running at " + path + ", and busy", EADDRINUSE);
  if (other.error().code != ECONNREFUSED) return Failure(other.error());
  if (unlink(path.c_str()) != 0) return fail_errno("remove stale " + path, errno);
  return {};
}

// Before listen(): so nobody can have connected while the mode was still the umask's.
Result<> set_access(const std::string& path, const std::string& group) {
  if (!group.empty()) {
    TRY_ASSIGN(const gid_t gid, group_id(group));
    if (chown(path.c_str(), static_cast<uid_t>(-1), gid) != 0) return fail_errno("chown " + path, errno);
  }
  if (chmod(path.c_str(), group.empty() ? 0600 : 0660) != 0) return fail_errno("chmod " + path, errno);
  return {};
}

}  // namespace

Result<Fd> connect_to(const std::string& path) {
  TRY_ASSIGN(const sockaddr_un address, address_of(path));
  TRY_ASSIGN(Fd fd, make_socket());
  if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return fail_errno(path, errno);
  return fd;
}

Result<Fd> listen_at(const std::string& path, const std::string& group) {
  TRY_ASSIGN(const sockaddr_un address, address_of(path));
  const std::string folder = folder_of(path);
  if (mkdir(folder.c_str(), 0755) != 0 && errno != EEXIST) return fail_errno("make folder " + folder, errno);
  // Two agents that start at once must not both find the old socket stale: the folder's lock covers looking and
  // binding.
  const Fd lock(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!lock) return fail_errno("open " + folder, errno);
  if (flock(lock.get(), LOCK_EX | LOCK_NB) != 0) return fail("another agent is just starting at " + path, EADDRINUSE);
  TRY(make_way(path));
  TRY_ASSIGN(Fd fd, make_socket());
  if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return fail_errno("bind " + path, errno);
  Result<> ready = set_access(path, group);
  if (ready && listen(fd.get(), backlog) != 0) ready = fail_errno("listen " + path, errno);
  if (!ready) {
    unlink(path.c_str());
    return Failure(ready.error());
  }
  return fd;
}

pid_t peer_pid(int fd) {
  ucred peer{};
  socklen_t size = sizeof peer;
  return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 ? peer.pid : 0;
}

}  // namespace subfloor::unix_socket
