// SPDX-License-Identifier: Apache-2.0
// For tests: a directory that looks like /proc, removed when it goes.
#pragma once

#include <stdlib.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace subfloor::identity {

class ProcTree {
 public:
  struct Fake {
    std::string comm = "app";
    std::uint32_t parent = 1, uid = 1000;
    std::uint64_t start_ticks = 5000;
    std::string executable = "/usr/bin/app";
    std::string cmdline = std::string("app\0-v\0", 7);
    std::string cgroup = "0::/system.slice/app.service\n";
    std::string maps = "";
  };

  ProcTree() {
    std::string name = (std::filesystem::temp_directory_path() / "subfloor-proc-XXXXXX").string();
    root_ = ::mkdtemp(name.data());
  }
  ~ProcTree() { std::filesystem::remove_all(root_); }
  ProcTree(const ProcTree&) = delete;
  ProcTree& operator=(const ProcTree&) = delete;

  [[nodiscard]] std::string root() const { return root_.string(); }

  // Makes, or makes anew, the files of a process.
  void add(std::uint32_t pid, const Fake& fake) {
    remove(pid);
    const auto folder = folder_of(pid);
    std::filesystem::create_directory(folder);
    std::string stat = std::to_string(pid) + " (" + fake.comm + ") S " + std::to_string(fake.parent);
    for (int field = 5; field < 22; ++field) stat += " 0";
    write(pid, "stat", stat + " " + std::to_string(fake.start_ticks) + " 0 0\n");
    const std::string uid = std::to_string(fake.uid);
    write(pid, "status", "Name:\t" + fake.comm + "\nUid:\t" + uid + "\t0\t0\t0\nGid:\t0\t0\t0\t0\n");
    write(pid, "cmdline", fake.cmdline);
    write(pid, "cgroup", fake.cgroup);
    write(pid, "maps", fake.maps);
    if (!fake.executable.empty()) std::filesystem::create_symlink(fake.executable, folder / "exe");
  }
  void write(std::uint32_t pid, std::string_view file, std::string_view content) {
    std::ofstream(folder_of(pid) / file) << content;
  }
  void remove(std::uint32_t pid) { std::filesystem::remove_all(folder_of(pid)); }

  // Nanoseconds of so many clock ticks.
  [[nodiscard]] static std::uint64_t ticks(std::uint64_t n) {
    return n * (1'000'000'000 / static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK)));
  }

 private:
  [[nodiscard]] std::filesystem::path folder_of(std::uint32_t pid) const { return root_ / std::to_string(pid); }
  std::filesystem::path root_;
};

}  // namespace subfloor::identity
