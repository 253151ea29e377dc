// SPDX-License-Identifier: Apache-2.0
// Libraries: which files hold TLS libraries, who maps them, and what is attached to them. For one thread.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_set>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "bpf/link.h"
#include "elf/elf_file.h"
#include "sensors/sensor.h"
#include "sensors/tls/attacher.h"
#include "sensors/tls/functions.h"
#include "sensors/tls/mapped_files.h"

namespace subfloor::sensors::tls {

class Libraries final : public ProcessWatcher {
 public:
  struct Settings {
    Attacher attacher;
    std::function<bpf_program*(std::string_view name)> program;
    std::function<bool()> can_attach;
    int since_map = -1;     // `attached_since`
    int followed_map = -1;  // `followed_since`
    Nanoseconds grace = 10'000'000'000;  // for which a file that nobody maps any more stays attached to
  };

  explicit Libraries(Settings settings) : settings_(std::move(settings)) {}

  // What there is at the start: the libraries of this host, used or not, and those of every process.
  void take_stock();

  void on_exec(std::uint32_t pid) override;
  void on_exit(std::uint32_t pid) override;
  void on_tls(std::uint32_t pid) override;
  void follow_calls(bool wanted) override;
  void work(Nanoseconds now) override;
  [[nodiscard]] std::string why_opaque(std::uint32_t pid) const override;
  [[nodiscard]] std::vector<WatchedFile> files() const override;
  // All that is attached; for the end.
  [[nodiscard]] std::vector<bpf::Link> take_links();
  [[nodiscard]] bool can_attach() const override { return settings_.can_attach(); }

 private:
  // How much of a process is looked at: files with names of TLS libraries and what its executable exports, or the
  // symbols of all its code.
  enum class Look : std::uint8_t { quick, thorough };

  struct Target {
    std::string path;
    Library library = Library::openssl;
    std::uint32_t number = 0;  // in `attached_since`
    std::vector<bpf::Link> links;
    // What is only attached while traces are followed.
    std::vector<Placement> following;
    std::vector<bpf::Link> following_links;
    bool followed = false;  // or it was tried
    Fd file;                // to attach it to
    std::unordered_set<std::uint32_t> users;
    bool of_host = false;  // what its path names for everybody: stays, for programs that run for a moment
    Nanoseconds unused_since = 0;
  };
  struct File {
    std::unique_ptr<Target> target;  // where it is attached to
    std::string path;
    std::string refused;  // why it is not, though it is such a library
    Look examined = Look::quick;
  };
  struct Task {
    std::uint32_t pid;
    Look look;
    Nanoseconds due;
    bool settles;  // the last look after an exec: what was not found by now is not to be waited for
    bool sweeps = false;  // is one of those that a sweep waits for
  };

  void attach_to_installed();
  void look_at(std::uint32_t pid, Look look);
  void examine(std::uint32_t pid, const MappedFile& mapped, Look look, bool executable);
  [[nodiscard]] bool look_into(int fd, const FileId& id, const std::string& path, Look look);
  [[nodiscard]] Result<std::unique_ptr<Target>> attach(int fd, const Functions& found);
  [[nodiscard]] Result<std::vector<bpf::Link>> attach_all(int fd, std::uint32_t number,
                                                          std::span<const Placement> placements) const;
  [[nodiscard]] Result<> begin_to_follow(Target& target) const;
  void catch_up_with_following(Nanoseconds until);
  [[nodiscard]] std::uint32_t free_number() const;
  void leave(std::uint32_t pid);
  void let_go(Nanoseconds now);
  void detach_meanwhile(std::vector<bpf::Link>&& links);
  void sweep(Nanoseconds now);

  Settings settings_;
  std::map<FileId, File> files_;  // those looked into; most are nothing
  std::map<FileId, Nanoseconds> executables_;  // when a process of it showed nothing new
  std::deque<Task> tasks_;
  std::unordered_set<std::uint32_t> thorough_;  // processes that were looked at so
  bool follow_ = false;
  bool behind_ = false;  // not of all files is what is attached what follow_ asks for
  std::set<std::uint32_t> numbers_;
  Nanoseconds next_sweep_ = 0;
  bool sweeping_ = false;
  std::size_t to_sweep_ = 0;  // processes not looked at yet
  std::jthread detaching_;  // what was let go of: this thread has no time for it
};

}  // namespace subfloor::sensors::tls
