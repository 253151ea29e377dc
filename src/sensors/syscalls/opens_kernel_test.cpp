// SPDX-License-Identifier: Apache-2.0
// Opened files: which file it was, by every way there is to open one.
#include <fcntl.h>
#include <linux/openat2.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <atomic>
#include <cerrno>
#include <fstream>
#include <thread>

#include "sensors/syscalls/testing.h"

namespace subfloor::sensors {
namespace {

using namespace testing_syscalls;
using testing::IsEmpty;
using testing::SizeIs;

class Opens : public SyscallsSensorOn {};
INSTANTIATE_TEST_SUITE_P(EachRung, Opens, testing::Values("tp_btf", "raw_tp"),
                         [](const auto& rung) { return std::string(rung.param); });

std::string made(const Place& place, const std::string& name) {
  std::ofstream(place / name) << "x";
  return place / name;
}

int opened(const std::string& path, int flags = O_RDONLY) { return ::open(path.c_str(), flags) < 0; }

TEST_P(Opens, TellsOneOpenWithItsFile) {
  const Place place;
  const std::string path = made(place, "file");
  struct stat expected{};
  ASSERT_EQ(stat(path.c_str(), &expected), 0);
  ASSERT_NO_FATAL_FAILURE(open({SYS_openat}));
  const auto calls = calls_in_child([&] { return opened(path, O_RDWR | O_APPEND); });
  ASSERT_THAT(calls, SizeIs(1));
  const HeardCall& heard = calls[0];
  EXPECT_EQ(heard.call.number, SYS_openat);
  EXPECT_FALSE(heard.call.ia32);
  EXPECT_FALSE(heard.call.path_unverified);
  EXPECT_GE(heard.call.result, 0);
  EXPECT_EQ(static_cast<int>(heard.call.args[0]), AT_FDCWD);
  EXPECT_EQ(heard.call.args[2], O_RDWR | O_APPEND);
  EXPECT_EQ(heard.call.uid, getuid());
  EXPECT_EQ(heard.call.tid, heard.call.pid);
  EXPECT_GT(heard.call.process_start, Nanoseconds{});
  EXPECT_EQ(heard.text[0], path);
  EXPECT_EQ(heard.directory[0], "");
  ASSERT_TRUE(heard.call.file);
  const SyscallFile& file = *heard.call.file;
  EXPECT_EQ(heard.path, path);
  EXPECT_FALSE(file.path_truncated || file.path_foreign || file.pseudo || file.unlinked || file.created);
  EXPECT_EQ(file.inode, expected.st_ino);
  EXPECT_EQ(file.device, expected.st_dev);
  EXPECT_EQ(file.mode, expected.st_mode);
  EXPECT_EQ(file.links, 1U);
  EXPECT_EQ(file.owner, getuid());
  EXPECT_EQ(file.flags & (O_RDWR | O_APPEND), static_cast<unsigned>(O_RDWR | O_APPEND));
  EXPECT_EQ(file.accesses, access_read | access_write);
  EXPECT_FALSE(heard.call.socket);
}

TEST_P(Opens, TellsAnOpenThatFailedWithWhatTheCallerGave) {
  const Place place;
  ASSERT_NO_FATAL_FAILURE(open({SYS_openat}));
  const auto calls =
      calls_in_child([&] { return chdir(place.path().c_str()) != 0 || ::open("not/there", O_RDONLY) >= 0; });
  ASSERT_THAT(calls, SizeIs(1));
  EXPECT_EQ(calls[0].call.result, -ENOENT);
  EXPECT_FALSE(calls[0].call.file);
  EXPECT_EQ(calls[0].text[0], "not/there");
  EXPECT_EQ(calls[0].directory[0], place.path());
  EXPECT_FALSE(calls[0].call.directory_truncated[0]);
}

TEST_P(Opens, SeesThroughLinksDotsAndProc) {
  const Place place;
  std::filesystem::create_directories(place / "real/deep");
  const std::string path = made(place, "real/deep/file");
  std::filesystem::create_symlink(path, place / "link");
  std::filesystem::create_directory_symlink(place / "real", place / "other");
  ASSERT_NO_FATAL_FAILURE(open({SYS_openat}));
  for (const std::string& way : {place / "link", place / "real/../other/./deep//file", "/proc/self/root" + path}) {
    const auto calls = calls_in_child([&] { return opened(way); });
    ASSERT_THAT(calls, SizeIs(1)) << way;
    EXPECT_EQ(calls[0].text[0], way);
    EXPECT_EQ(calls[0].path, path);
  }
}

TEST_P(Opens, ShowsAHardLinkUnderTheNameThatWasOpenedAndTheInodeOfBoth) {
  const Place place;
  const std::string path = made(place, "file");
  std::filesystem::create_hard_link(path, place / "alias");
  ASSERT_NO_FATAL_FAILURE(open({SYS_openat}));
  const auto calls = calls_in_child([&] { return opened(path) + opened(place / "alias"); });
  ASSERT_THAT(calls, SizeIs(2));
  EXPECT_EQ(calls[0].path, path);
  EXPECT_EQ(calls[1].path, place / "alias");
  EXPECT_EQ(calls[0].call.file->inode, calls[1].call.file->inode);
  EXPECT_EQ(calls[1].call.file->links, 2U);
  EXPECT_NE(calls[0].call.file->name, calls[1].call.file->name);
}

TEST_P(Opens, TellsTheWholePathOfManyComponents) {
  const Place place;
  std::string deep = place.path();
  for (int i = 0; i < 150; ++i) deep += "/" + std::to_string(i);
  std::filesystem::create_directories(deep);
  deep += "/file";
  std::ofstream(deep) << "x";
  ASSERT_NO_FATAL_FAILURE(open({SYS_openat}));
  const auto calls = calls_in_child([&] { return opened(deep); });
  ASSERT_THAT(calls, SizeIs(1));
  EXPECT_EQ(calls[0].path, deep);
  EXPECT_FALSE(calls[0].call.file->path_truncated);
  EXPECT_FALSE(calls[0].call.file->name.known());  // too deep to be remembered
}

TEST_P(Opens, SaysThatThePathIsLongerThanItCanTell) {
  const Place place;
  const std::string name(250, 'n');
  ASSERT_NO_FATAL_FAILURE(open({SYS_openat}));
  const auto calls = calls_in_child([&] {
    if (chdir(place.path().c_str()) != 0) return 1;
    for (int i = 0; i < 20; ++i)
      if (mkdir(name.c_str(), 0700) != 0 || chdir(name.c_str()) != 0) return 1;
    return static_cast<int>(::open("file", O_CREAT | O_WRONLY, 0600) < 0);
  });
  ASSERT_THAT(calls, SizeIs(1));
  EXPECT_TRUE(calls[0].call.file->path_truncated);
  EXPECT_TRUE(calls[0].call.file->created);
  EXPECT_THAT(calls[0].path, testing::EndsWith(name + "/file"));
  EXPECT_THAT(calls[0].path, testing::StartsWith(name));
  EXPECT_GT(calls[0].path.size(), 3800U);
  EXPECT_TRUE(calls[0].call.directory_truncated[0]);
  EXPECT_THAT(calls[0].directory[0], testing::StartsWith(name));
}

#if defined(__x86_64__)
TEST_P(Opens, TellsOpenAndCreat) {
  const Place place;
  ASSERT_NO_FATAL_FAILURE(open({SYS_open, SYS_creat}));
  const auto calls = calls_in_child([&] {
    return syscall(SYS_creat, (place / "new").c_str(), 0755) < 0 ||
           syscall(SYS_open, (place / "new").c_str(), O_WRONLY | O_TRUNC) < 0;
  });
  ASSERT_THAT(calls, SizeIs(2));
  EXPECT_EQ(calls[0].call.number, SYS_creat);
  EXPECT_TRUE(calls[0].call.file->created);
  EXPECT_EQ(calls[1].call.number, SYS_open);
  EXPECT_FALSE(calls[1].call.file->created);
  EXPECT_EQ(calls[1].call.file->accesses, access_write | access_truncate);
  for (const HeardCall& heard : calls) EXPECT_EQ(heard.path, place / "new");
}

// A call by the 32-bit table, from a 64-bit program: pointers must lie below 4 GiB.
long call_ia32(long number, long first, long second, long third) {
  long result = 0;
  asm volatile("int $0x80"
               : "=a"(result)
               : "a"(number), "b"(first), "c"(second), "d"(third)
               : "memory", "r8", "r9", "r10", "r11");
  return result;
}

TEST_P(Opens, TellsCallsByThe32BitTable) {
  constexpr long ia32_open = 5;
  const Place place;
  const std::string path = made(place, "file");
  ASSERT_NO_FATAL_FAILURE(open({SYS_open}));
  const auto calls = calls_in_child([&] {
    void* low = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
    if (low == MAP_FAILED) return 1;
    path.copy(static_cast<char*>(low), path.size());
    return static_cast<int>(call_ia32(ia32_open, reinterpret_cast<long>(low), O_RDONLY, 0) < 0);
  });
  ASSERT_THAT(calls, SizeIs(1));
  EXPECT_TRUE(calls[0].call.ia32);
  EXPECT_EQ(calls[0].call.number, SYS_open);
  EXPECT_EQ(calls[0].text[0], path);
  EXPECT_EQ(calls[0].path, path);
}

TEST_P(Opens, DoesNotTakeA32BitCallForTheNativeOneOfItsNumber) {
  constexpr long ia32_getpid = 20;
  ASSERT_NO_FATAL_FAILURE(open({20, SYS_fstat}));  // writev; fstat is 5, as open is of the other table
  const auto calls = calls_in_child([] { return call_ia32(ia32_getpid, 0, 0, 0) != getpid(); });
  EXPECT_THAT(calls, IsEmpty());
}
#endif

TEST_P(Opens, TellsOpenat2WithItsStruct) {
  const Place place;
  const std::string path = made(place, "file");
  ASSERT_NO_FATAL_FAILURE(open({SYS_openat2}));
  const auto calls = calls_in_child([&] {
    const open_how how{.flags = O_PATH | O_NOFOLLOW, .mode = 0, .resolve = RESOLVE_NO_SYMLINKS};
    return syscall(SYS_openat2, AT_FDCWD, path.c_str(), &how, sizeof how) < 0;
  });
  ASSERT_THAT(calls, SizeIs(1));
  EXPECT_EQ(calls[0].path, path);
  EXPECT_EQ(calls[0].call.file->accesses, access_path);
  ASSERT_EQ(calls[0].content.size(), sizeof(open_how));
  open_how how{};
  calls[0].content.copy(reinterpret_cast<char*>(&how), sizeof how);
  EXPECT_EQ(how.flags, static_cast<unsigned>(O_PATH | O_NOFOLLOW));
  EXPECT_EQ(how.resolve, RESOLVE_NO_SYMLINKS);
}

TEST_P(Opens, TellsThePathOfAFileOpenedByItsHandle) {
  const Place place;
  const std::string path = made(place, "file");
  union {
    file_handle handle;
    char room[sizeof(file_handle) + MAX_HANDLE_SZ];
  } named{};
  named.handle.handle_bytes = MAX_HANDLE_SZ;
  int mount_id = 0;
  if (name_to_handle_at(AT_FDCWD, path.c_str(), &named.handle, &mount_id, 0) != 0)
    GTEST_SKIP() << "missing: file handles of the file system below " << place.path();
  ASSERT_NO_FATAL_FAILURE(open({SYS_open_by_handle_at}));
  const auto calls = calls_in_child([&] {
    const int directory = ::open(place.path().c_str(), O_RDONLY | O_DIRECTORY);
    return directory < 0 || open_by_handle_at(directory, &named.handle, O_RDONLY) < 0;
  });
  ASSERT_THAT(calls, SizeIs(1));
  EXPECT_EQ(calls[0].path, path);
  EXPECT_FALSE(calls[0].call.file->path_truncated);
}

TEST_P(Opens, TellsThatTheNameIsGone) {
  const Place place;
  const std::string path = made(place, "file");
  ASSERT_NO_FATAL_FAILURE(open({SYS_openat}));
  const auto calls = calls_in_child([&] {
    const int file = ::open(path.c_str(), O_RDONLY);
    return file < 0 || unlink(path.c_str()) != 0 || opened("/proc/self/fd/" + std::to_string(file));
  });
  ASSERT_THAT(calls, SizeIs(2));
  EXPECT_FALSE(calls[0].call.file->unlinked);
  EXPECT_TRUE(calls[1].call.file->unlinked);
  EXPECT_EQ(calls[1].path, path);
  EXPECT_EQ(calls[1].call.file->links, 0U);
}

// Makes `root` the root of a mount namespace of its own, as container runtimes do.
bool become_contained(const std::string& root) {
  return unshare(CLONE_NEWNS) == 0 && mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
         mount(root.c_str(), root.c_str(), nullptr, MS_BIND, nullptr) == 0 && chdir(root.c_str()) == 0 &&
         syscall(SYS_pivot_root, ".", ".") == 0 && umount2(".", MNT_DETACH) == 0 && chdir("/") == 0;
}

TEST_P(Opens, TellsThePathAsItIsInTheContainer) {
  const Place place;
  made(place, "file");
  std::filesystem::create_directory(place / "dir");
  ASSERT_NO_FATAL_FAILURE(open({SYS_openat}));
  int refused = 0;
  const pid_t child = fork();
  if (child == 0) _exit(become_contained(place.path()) ? opened("/dir/../file") : 77);
  ASSERT_EQ(waitpid(child, &refused, 0), child);
  if (WEXITSTATUS(refused) == 77) GTEST_SKIP() << "missing: a root that pivot_root can move";
  ASSERT_EQ(refused, 0);
  const auto calls = calls_of(child);
  ASSERT_THAT(calls, SizeIs(1));
  EXPECT_EQ(calls[0].path, "/file");
  EXPECT_FALSE(calls[0].call.file->path_foreign);
}

TEST_P(Opens, SaysThatThePathIsOfAnotherMountNamespace) {
  const Place place;
  const std::string path = made(place, "file"), through = "/proc/" + std::to_string(getpid()) + "/root" + path;
  ASSERT_NO_FATAL_FAILURE(open({SYS_openat}));
  const auto calls = calls_in_child([&] { return unshare(CLONE_NEWNS) != 0 || opened(path) || opened(through); });
  ASSERT_THAT(calls, SizeIs(2));
  EXPECT_EQ(calls[0].path, path);
  EXPECT_FALSE(calls[0].call.file->path_foreign);
  EXPECT_EQ(calls[1].path, path);
  EXPECT_TRUE(calls[1].call.file->path_foreign);
}

// The text that the kernel read and the text that is there when the call returns differ: the file tells which it was.
TEST_P(Opens, IsNotMisledByAThreadThatChangesThePathMeanwhile) {
  constexpr int opens = 20'000;
  const Place place;
  const std::string one = made(place, "one"), two = made(place, "two");
  struct stat first{};
  ASSERT_EQ(stat(one.c_str(), &first), 0);
  ASSERT_NO_FATAL_FAILURE(open({SYS_openat}, 128 << 20));
  const auto calls = calls_in_child([&] {
    std::string path = one;
    std::atomic<bool> over{false};
    std::thread flips([&, last = path.size() - 3] {
      while (!over) {
        std::ranges::copy(std::string_view("two"), path.data() + last);
        std::ranges::copy(std::string_view("one"), path.data() + last);
      }
    });
    int done = 0;
    for (int i = 0; done < opens && i < 4 * opens; ++i) {
      const int file = ::open(path.c_str(), O_RDONLY);
      if (file < 0) continue;  // "twe"
      close(file);
      ++done;
    }
    over = true;
    flips.join();
    return static_cast<int>(done != opens);
  });
  int wrong = 0, misled = 0, told = 0;
  for (const HeardCall& heard : calls) {
    if (heard.call.result < 0) continue;
    ++told;
    wrong += heard.path != (heard.call.file->inode == first.st_ino ? one : two);
    misled += heard.text[0] != heard.path;
  }
  EXPECT_EQ(told, opens);
  EXPECT_EQ(wrong, 0);
  RecordProperty("texts_that_lied", misled);
}

TEST_P(Opens, SaysWhereAThreadHadClosedTheFileBeforeItCouldBeLookedAt) {
  const Place place;
  const std::string path = made(place, "file");
  ASSERT_NO_FATAL_FAILURE(open({SYS_openat}, 64 << 20));
  const auto calls = calls_in_child([&] {
    std::atomic<bool> over{false};
    const int lowest = dup(0);  // the number that each gets
    if (lowest < 0) return 1;
    std::thread closes([&over, lowest] {
      while (!over) close(lowest);
    });
    for (int i = 0; i < 5'000; ++i) {
      const int file = ::open(path.c_str(), O_RDONLY);
      if (file < 0) return 1;
      close(file);
    }
    over = true;
    closes.join();
    return 0;
  });
  EXPECT_THAT(calls, SizeIs(5'000));
  for (const HeardCall& heard : calls) {
    ASSERT_NE(heard.call.file.has_value(), heard.call.path_unverified);
    ASSERT_EQ(heard.text[0], path);
    ASSERT_TRUE(heard.call.path_unverified || heard.path == path);
  }
}

TEST_P(Opens, CountsEachAsSubmittedFilteredOrLost) {
  const Place place;
  const std::string path = made(place, "file");
  ASSERT_NO_FATAL_FAILURE(open({SYS_openat}, 4096));
  in_child([&] {
    for (int i = 0; i < 100; ++i) opened(path);
    return 0;
  });
  const family_counters counted = counters("syscalls_open");
  EXPECT_GE(counted.seen, 100U);
  EXPECT_GT(counted.ring_full, 0U);
  EXPECT_EQ(counted.seen, counted.submitted + counted.filtered + counted.ring_full);
}

}  // namespace
}  // namespace subfloor::sensors
