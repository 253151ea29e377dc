// SPDX-License-Identifier: Apache-2.0
// Names that nobody wants to hear of: when the kernel keeps quiet, and above all when it must not.
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <fstream>
#include <thread>

#include "sensors/syscalls/testing.h"

namespace subfloor::sensors {
namespace {

using namespace testing_syscalls;
using testing::IsEmpty;
using testing::SizeIs;

class IgnoredNames : public SyscallsSensorOn {
 protected:
  void SetUp() override {
    std::filesystem::create_directories(place_ / "dir/sub");
    std::ofstream(file_) << "x";
    ASSERT_NO_FATAL_FAILURE(open({SYS_openat}));
  }

  // The paths that were told of when a child opened this one.
  std::vector<std::string> told_of(const std::string& path, int flags = O_RDONLY) {
    return paths(calls_in_child([&] { return ::open(path.c_str(), flags, 0600) < 0; }));
  }
  static std::vector<std::string> paths(const std::vector<HeardCall>& calls) {
    std::vector<std::string> all;
    for (const HeardCall& heard : calls) all.push_back(heard.path);
    return all;
  }
  // What the kernel calls the name of this file.
  FileName name_of(const std::string& path) {
    const auto calls = calls_in_child([&] { return ::open(path.c_str(), O_RDONLY) < 0; });
    EXPECT_THAT(calls, SizeIs(1)) << path;
    return calls.empty() ? FileName{} : calls[0].call.file->name;
  }
  void ignore(const std::string& path, std::uint8_t accesses = access_read) {
    const FileName name = name_of(path);
    ASSERT_TRUE(name.known());
    sensor_->syscall_filter()->ignore(name, accesses);
    ASSERT_THAT(told_of(path), IsEmpty());
  }

  const Place place_;
  const std::string file_ = place_ / "dir/sub/file";
};

INSTANTIATE_TEST_SUITE_P(EachRung, IgnoredNames, testing::Values("tp_btf", "raw_tp"),
                         [](const auto& rung) { return std::string(rung.param); });

TEST_P(IgnoredNames, AreCountedAsFilteredAndNotTold) {
  ASSERT_NO_FATAL_FAILURE(ignore(file_));
  const std::uint64_t before = counters("syscalls_open").filtered;
  EXPECT_THAT(calls_in_child([&] {
                for (int i = 0; i < 100; ++i)
                  if (::open(file_.c_str(), O_RDONLY) < 0) return 1;
                return 0;
              }),
              IsEmpty());
  const family_counters counted = counters("syscalls_open");
  EXPECT_GE(counted.filtered, before + 100);
  EXPECT_EQ(counted.seen, counted.submitted + counted.filtered + counted.ring_full);
}

TEST_P(IgnoredNames, AreToldWhenOpenedForMore) {
  ASSERT_NO_FATAL_FAILURE(ignore(file_));
  EXPECT_THAT(told_of(file_, O_RDWR), SizeIs(1));
  EXPECT_THAT(told_of(file_, O_PATH), SizeIs(1));
  EXPECT_THAT(told_of(file_, O_RDONLY | O_CREAT), SizeIs(1));
  EXPECT_THAT(told_of(file_), IsEmpty());
  sensor_->syscall_filter()->ignore(name_of(place_ / "dir"), 0);  // no access at all: nothing is ignored
  EXPECT_THAT(told_of(place_ / "dir"), SizeIs(1));
}

TEST_P(IgnoredNames, AreToldWhenTruncated) {
  sensor_->syscall_filter()->ignore(name_of(file_), access_read | access_write);
  EXPECT_THAT(told_of(file_, O_RDWR), IsEmpty());
  EXPECT_THAT(told_of(file_, O_RDWR | O_TRUNC), SizeIs(1));
}

TEST_P(IgnoredNames, AreToldAfterTheFileWasRenamed) {
  ASSERT_NO_FATAL_FAILURE(ignore(file_));
  std::filesystem::rename(file_, place_ / "dir/sub/other");
  EXPECT_THAT(told_of(place_ / "dir/sub/other"), testing::ElementsAre(place_ / "dir/sub/other"));
}

TEST_P(IgnoredNames, AreToldAfterADirectoryAboveWasRenamed) {
  ASSERT_NO_FATAL_FAILURE(ignore(file_));
  std::filesystem::rename(place_ / "dir", place_ / "moved");
  EXPECT_THAT(told_of(place_ / "moved/sub/file"), testing::ElementsAre(place_ / "moved/sub/file"));
  std::filesystem::rename(place_ / "moved", place_ / "dir");  // the name that was ignored
  EXPECT_THAT(told_of(file_), IsEmpty());
}

TEST_P(IgnoredNames, AreToldAfterADirectoryAboveWasMovedIntoAnother) {
  ASSERT_NO_FATAL_FAILURE(ignore(file_));
  std::filesystem::create_directory(place_ / "etc");
  std::filesystem::rename(place_ / "dir/sub", place_ / "etc/sub");
  EXPECT_THAT(told_of(place_ / "etc/sub/file"), testing::ElementsAre(place_ / "etc/sub/file"));
}

TEST_P(IgnoredNames, AreToldAfterTwoDirectoriesChangedPlaces) {
  std::filesystem::create_directory(place_ / "etc");
  ASSERT_NO_FATAL_FAILURE(ignore(file_));
  ASSERT_EQ(syscall(SYS_renameat2, AT_FDCWD, (place_ / "dir").c_str(), AT_FDCWD, (place_ / "etc").c_str(), 2), 0);
  EXPECT_THAT(told_of(place_ / "etc/sub/file"), testing::ElementsAre(place_ / "etc/sub/file"));
}

TEST_P(IgnoredNames, AreToldUnderAnotherHardLink) {
  ASSERT_NO_FATAL_FAILURE(ignore(file_));
  std::filesystem::create_hard_link(file_, place_ / "dir/sub/alias");
  EXPECT_THAT(told_of(place_ / "dir/sub/alias"), SizeIs(1));
  EXPECT_THAT(told_of(file_), IsEmpty());
  // The dentry of the first may now serve the second.
  std::filesystem::remove(file_);
  std::filesystem::create_directory(place_ / "etc");
  std::filesystem::create_hard_link(place_ / "dir/sub/alias", place_ / "etc/file");
  EXPECT_THAT(told_of(place_ / "etc/file"), SizeIs(1));
}

TEST_P(IgnoredNames, AreToldWhenAnotherFileTakesTheName) {
  ASSERT_NO_FATAL_FAILURE(ignore(file_));
  const auto calls = calls_in_child([&] {
    return unlink(file_.c_str()) != 0 || ::open(file_.c_str(), O_CREAT | O_WRONLY, 0600) < 0 ||
           ::open(file_.c_str(), O_RDONLY) < 0;
  });
  ASSERT_THAT(calls, SizeIs(2));
  EXPECT_TRUE(calls[0].call.file->created);
  EXPECT_FALSE(calls[1].call.file->created);
}

TEST_P(IgnoredNames, AreToldWhenAFileIsMovedOverThem) {
  ASSERT_NO_FATAL_FAILURE(ignore(file_));
  std::ofstream(place_ / "new") << "y";
  std::filesystem::rename(place_ / "new", file_);
  EXPECT_THAT(told_of(file_), SizeIs(1));
}

TEST_P(IgnoredNames, AreForgottenAllAtOnceAndWhatWasReadBeforeIsNotBelieved) {
  const FileName before = name_of(file_);
  ASSERT_NO_FATAL_FAILURE(ignore(file_));
  sensor_->syscall_filter()->forget_all();
  EXPECT_THAT(told_of(file_), SizeIs(1));
  sensor_->syscall_filter()->ignore(before, access_read);
  EXPECT_THAT(told_of(file_), SizeIs(1));
  ASSERT_NO_FATAL_FAILURE(ignore(file_));
}

// What a child does in a mount namespace of its own, whose mounts go with it: first it opens the file as it is, then in
// another place. The test has the name ignored between the two.
TEST_P(IgnoredNames, AreToldThroughMountsThatPutThemElsewhere) {
  std::filesystem::create_directories(place_ / "bound");
  std::filesystem::create_directories(place_ / "mnt");
  std::filesystem::create_directories(place_ / "moved");
  int go[2], ready[2];
  ASSERT_EQ(pipe(go), 0);
  ASSERT_EQ(pipe(ready), 0);
  const auto step = [&] {
    char byte = 0;
    return write(ready[1], "x", 1) == 1 && read(go[0], &byte, 1) == 1;
  };
  const std::string mnt = place_ / "mnt", moved = place_ / "moved", bound = place_ / "bound";
  const pid_t child = fork();
  if (child == 0) {
    const auto opens = [](const std::string& path) { return close(::open(path.c_str(), O_RDONLY)) == 0; };
    const bool done = unshare(CLONE_NEWNS) == 0 && mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                      mount((place_ / "dir").c_str(), mnt.c_str(), nullptr, MS_BIND, nullptr) == 0 && opens(file_) &&
                      opens(mnt + "/sub/file") && step() && opens(file_) && opens(mnt + "/sub/file") &&
                      mount(mnt.c_str(), moved.c_str(), nullptr, MS_MOVE, nullptr) == 0 && opens(moved + "/sub/file") &&
                      mount((place_ / "dir").c_str(), bound.c_str(), nullptr, MS_BIND, nullptr) == 0 &&
                      opens(bound + "/sub/file") && umount(moved.c_str()) == 0 && umount(bound.c_str()) == 0 &&
                      mount((place_ / "dir").c_str(), moved.c_str(), nullptr, MS_BIND, nullptr) == 0 &&
                      opens(moved + "/sub/file");
    _exit(done ? 0 : 1);
  }
  char byte = 0;
  ASSERT_EQ(read(ready[0], &byte, 1), 1);
  const auto before = calls_of(child);
  ASSERT_EQ(paths(before), (std::vector<std::string>{file_, mnt + "/sub/file"}));
  for (const HeardCall& heard : before) sensor_->syscall_filter()->ignore(heard.call.file->name, access_read);
  ASSERT_EQ(write(go[1], "x", 1), 1);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(paths(calls_of(child)),
            (std::vector<std::string>{moved + "/sub/file", bound + "/sub/file", moved + "/sub/file"}));
  for (const int fd : {go[0], go[1], ready[0], ready[1]}) close(fd);
}

}  // namespace
}  // namespace subfloor::sensors
