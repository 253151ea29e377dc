// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <memory>

#include "base/fd.h"
#include "cli/bundle.h"

extern char** environ;

namespace subfloor::cli {
namespace {

// A folder that only its owner can enter, gone when this is.
class Scratch {
 public:
  static Result<std::unique_ptr<Scratch>> make() {
    std::error_code error;
    std::string path = (std::filesystem::temp_directory_path(error) / "subfloor-bundle-XXXXXX").string();
    if (error || mkdtemp(path.data()) == nullptr) return fail_errno("make a temporary folder", error ? ENOENT : errno);
    return std::unique_ptr<Scratch>(new Scratch(path));
  }
  ~Scratch() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  explicit Scratch(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;
};

Result<> write_files(const std::filesystem::path& folder, const std::vector<BundleFile>& files) {
  std::error_code error;
  std::filesystem::create_directory(folder, error);
  for (const BundleFile& file : files) {
    std::ofstream out(folder / file.name, std::ios::binary);
    out << file.content;
    if (!out.flush()) return fail_errno("write " + file.name, EIO);
  }
  return {};
}

Result<> run_tar(const std::filesystem::path& folder, const std::string& name, int out) {
  const std::string directory = "--directory=" + folder.string();
  std::string arguments[] = {"tar",       "--create",        "--gzip",  "--file=-", "--owner=0",
                             "--group=0", "--numeric-owner", directory, name};
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
  pid_t pid = 0;
  const int error = posix_spawnp(&pid, "tar", &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return fail_errno("run tar", error);
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) return fail("tar could not write the archive", EIO);
  return {};
}

}  // namespace

Result<> write_archive(const std::string& path, const std::string& name, const std::vector<BundleFile>& files) {
  TRY_ASSIGN(const std::unique_ptr<Scratch> scratch, Scratch::make());
  TRY(write_files(scratch->path() / name, files));
  const Fd out(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!out) return fail_errno(path, errno);
  Result<> written = run_tar(scratch->path(), name, out.get());
  if (written && fsync(out.get()) != 0 && errno != EINVAL) written = fail_errno(path, errno);
  if (!written) unlink(path.c_str());
  return written;
}

}  // namespace subfloor::cli
