// SPDX-License-Identifier: Apache-2.0
// Calls that change names, files, namespaces, identities and other processes: each as exactly one record.
#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <cerrno>
#include <fstream>

#include "sensors/syscalls/testing.h"

namespace subfloor::sensors {
namespace {

using namespace testing_syscalls;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class Calls : public SyscallsSensorOn {
 protected:
  // What a child told in one call of these.
  template <class F>
  HeardCall one(std::vector<WantedSyscall> wanted, F f) {
    if (sensor_) {
      settings_.syscalls = std::move(wanted);
      EXPECT_TRUE(sensor_->reconfigure(settings_));
    } else {
      open(std::move(wanted));
    }
    std::vector<HeardCall> calls;
    if (sensor_) calls = calls_in_child(f);
    EXPECT_THAT(calls, SizeIs(1));
    calls.resize(1);
    return calls[0];
  }

  const Place place_;
  const std::string file_ = [this] {
    std::ofstream(place_ / "file") << "x";
    return place_ / "file";
  }();
};

INSTANTIATE_TEST_SUITE_P(EachRung, Calls, testing::Values("tp_btf", "raw_tp"),
                         [](const auto& rung) { return std::string(rung.param); });

#if defined(__x86_64__)
TEST_P(Calls, TellPathsRelativeToTheWorkingDirectory) {
  const auto in_place = [this](auto call) {
    return [this, call] { return chdir(place_.path().c_str()) != 0 || call() != 0; };
  };
  HeardCall heard = one({SYS_mkdir}, in_place([] { return syscall(SYS_mkdir, "new", 0700); }));
  EXPECT_EQ(heard.call.result, 0);
  EXPECT_EQ(heard.text[0], "new");
  EXPECT_EQ(heard.directory[0], place_.path());
  EXPECT_EQ(heard.call.args[1], 0700U);
  EXPECT_FALSE(heard.call.file);

  heard = one({SYS_rename}, in_place([] { return syscall(SYS_rename, "new", "/tmp/../tmp/nowhere/there") == 0; }));
  EXPECT_EQ(heard.call.result, -ENOENT);
  EXPECT_EQ(heard.text[0], "new");
  EXPECT_EQ(heard.text[1], "/tmp/../tmp/nowhere/there");
  EXPECT_EQ(heard.directory[0], place_.path());
  EXPECT_EQ(heard.directory[1], "");

  heard = one({SYS_rename}, in_place([] { return syscall(SYS_rename, "new", "newer"); }));
  EXPECT_EQ(heard.directory[1], place_.path());
  heard = one({SYS_rmdir}, in_place([] { return syscall(SYS_rmdir, "newer"); }));
  EXPECT_EQ(heard.text[0], "newer");
  heard = one({SYS_symlink}, in_place([] { return syscall(SYS_symlink, "../etc/shadow", "link"); }));
  EXPECT_EQ(heard.text[0], "../etc/shadow");
  EXPECT_EQ(heard.directory[0], "");  // a target is what it says, wherever it leads from
  EXPECT_EQ(heard.text[1], "link");
  EXPECT_EQ(heard.directory[1], place_.path());
  heard = one({SYS_link}, in_place([] { return syscall(SYS_link, "file", "alias"); }));
  EXPECT_EQ(heard.text[1], "alias");
  heard = one({SYS_unlink}, in_place([] { return syscall(SYS_unlink, "alias"); }));
  EXPECT_EQ(heard.text[0], "alias");
  heard = one({SYS_chmod}, in_place([] { return syscall(SYS_chmod, "file", 04755); }));
  EXPECT_EQ(heard.call.args[1], 04755U);
  heard = one({SYS_chown}, in_place([] { return syscall(SYS_chown, "file", 1, 2); }));
  EXPECT_EQ(heard.call.args[1], 1U);
  EXPECT_EQ(heard.call.args[2], 2U);
  heard = one({SYS_mknod}, in_place([] { return syscall(SYS_mknod, "fifo", S_IFIFO | 0600, 0); }));
  EXPECT_EQ(heard.text[0], "fifo");
}
#endif

TEST_P(Calls, TellPathsRelativeToDirectoriesThatAreOpen) {
  std::filesystem::create_directory(place_ / "other");
  const auto from = [this](auto call) {
    return [this, call] {
      return call(::open(place_.path().c_str(), O_PATH), ::open((place_ / "other").c_str(), O_PATH)) != 0;
    };
  };
  HeardCall heard = one({SYS_linkat}, from([](int a, int b) { return linkat(a, "file", b, "alias", 0); }));
  EXPECT_EQ(heard.call.number, SYS_linkat);
  EXPECT_EQ(heard.text[0], "file");
  EXPECT_EQ(heard.directory[0], place_.path());
  EXPECT_EQ(heard.text[1], "alias");
  EXPECT_EQ(heard.directory[1], place_ / "other");
  heard = one({SYS_renameat, SYS_renameat2}, from([](int a, int b) { return renameat(b, "alias", a, "moved"); }));
  EXPECT_EQ(heard.directory[0], place_ / "other");
  EXPECT_EQ(heard.text[1], "moved");
  EXPECT_EQ(heard.directory[1], place_.path());
  heard = one({SYS_symlinkat}, from([](int, int b) { return symlinkat("to", b, "link"); }));
  EXPECT_EQ(heard.text[0], "to");
  EXPECT_EQ(heard.text[1], "link");
  EXPECT_EQ(heard.directory[1], place_ / "other");
  heard = one({SYS_mkdirat}, from([](int, int b) { return mkdirat(b, "sub", 0700); }));
  EXPECT_EQ(heard.text[0], "sub");
  EXPECT_EQ(heard.directory[0], place_ / "other");
  heard = one({SYS_unlinkat}, from([](int, int b) { return unlinkat(b, "sub", AT_REMOVEDIR); }));
  EXPECT_EQ(heard.text[0], "sub");
  EXPECT_EQ(heard.call.args[2], static_cast<unsigned>(AT_REMOVEDIR));
  heard = one({SYS_fchmodat}, from([](int a, int) { return fchmodat(a, "file", 0600, 0); }));
  EXPECT_EQ(heard.text[0], "file");
  heard = one({SYS_fchownat}, from([](int a, int) { return fchownat(a, "file", 3, 4, 0); }));
  EXPECT_EQ(heard.call.args[2], 3U);
  heard = one({SYS_mknodat}, from([](int a, int) { return mknodat(a, "fifo", S_IFIFO | 0600, 0); }));
  EXPECT_EQ(heard.text[0], "fifo");
}

TEST_P(Calls, TellWhichFileADescriptorIs) {
  const std::string parameters = "key=value";
  const auto with_file = [this](auto call) {
    return [this, call] { return call(::open(file_.c_str(), O_RDWR)) != 0; };
  };
  for (const HeardCall& heard : {one({SYS_fchmod}, with_file([](int fd) { return fchmod(fd, 0777); })),
                                 one({SYS_fchown}, with_file([](int fd) { return fchown(fd, 5, 6); })),
                                 one({SYS_ftruncate}, with_file([](int fd) { return ftruncate(fd, 0); })),
                                 one({SYS_dup}, with_file([](int fd) { return dup(fd) < 0; })),
                                 one({SYS_dup3}, with_file([](int fd) { return dup3(fd, 0, O_CLOEXEC); })),
                                 one({SYS_fcntl}, with_file([](int fd) { return fcntl(fd, F_DUPFD, 1) < 0; })),
                                 one({SYS_finit_module}, with_file([&](int fd) {
                                       return syscall(SYS_finit_module, fd, parameters.c_str(), 0) == 0;
                                     }))}) {
    EXPECT_EQ(heard.path, file_) << heard.call.number;
    ASSERT_TRUE(heard.call.file) << heard.call.number;
    EXPECT_TRUE(S_ISREG(heard.call.file->mode));
    EXPECT_EQ(heard.text[0], heard.call.number == SYS_finit_module ? parameters : "");
  }
  EXPECT_EQ(one({SYS_truncate}, [this] { return truncate(file_.c_str(), 3) != 0; }).text[0], file_);
}

TEST_P(Calls, TellAnonymousFilesByTheirNames) {
  const HeardCall memory = one({SYS_memfd_create}, [] { return memfd_create("hidden", MFD_CLOEXEC) < 0; });
  EXPECT_EQ(memory.text[0], "hidden");
  EXPECT_EQ(memory.path, "memfd:hidden");
  ASSERT_TRUE(memory.call.file);
  EXPECT_TRUE(memory.call.file->pseudo);
  const HeardCall faults = one({SYS_userfaultfd}, [] { return syscall(SYS_userfaultfd, O_CLOEXEC) < 0; });
  EXPECT_THAT(faults.path, testing::HasSubstr("userfaultfd"));
  char params[120] = {};
  const HeardCall ring = one({SYS_io_uring_setup}, [&] { return syscall(SYS_io_uring_setup, 4, params) < 0; });
  EXPECT_THAT(ring.path, testing::HasSubstr("io_uring"));
}

TEST_P(Calls, TellMemoryThatMayBeExecutedAndTheFileItIsOf) {
  const auto executable = [](std::uint16_t number) {
    WantedSyscall wanted(number);
    wanted.checks = {{.argument = 2, .values = {PROT_EXEC}, .mask = PROT_EXEC}};
    return wanted;
  };
  const HeardCall mapped = one({executable(SYS_mmap)}, [this] {
    const int fd = ::open(file_.c_str(), O_RDONLY);
    return mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED ||
           mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0) == MAP_FAILED;
  });
  EXPECT_EQ(mapped.path, file_);
  EXPECT_EQ(mapped.call.args[2], static_cast<unsigned>(PROT_READ | PROT_EXEC));
  EXPECT_GT(counters("syscalls_control").filtered, 0U);
  const HeardCall anonymous = one({executable(SYS_mmap)}, [this] {
    const int fd = ::open(file_.c_str(), O_RDONLY);
    return mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, fd, 0) == MAP_FAILED;
  });
  EXPECT_FALSE(anonymous.call.file || anonymous.call.path_unverified);
  const HeardCall protection = one({executable(SYS_mprotect)}, [] {
    void* memory = mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return mprotect(memory, 4096, PROT_READ | PROT_WRITE) != 0 || mprotect(memory, 4096, PROT_READ | PROT_EXEC) != 0;
  });
  EXPECT_FALSE(protection.call.file);
  EXPECT_EQ(protection.call.args[2], static_cast<unsigned>(PROT_READ | PROT_EXEC));
}

TEST_P(Calls, TellWhatIsDoneToOtherProcesses) {
  const HeardCall traced = one({SYS_ptrace}, [] { return ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0; });
  EXPECT_EQ(traced.call.args[0], static_cast<unsigned>(PTRACE_TRACEME));
  WantedSyscall attach(SYS_ptrace);
  attach.checks = {{.argument = 0, .values = {PTRACE_ATTACH, PTRACE_SEIZE}}};
  const HeardCall seized = one({attach}, [] {
    return ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0 || ptrace(PTRACE_SEIZE, 0x7fffffff, nullptr, nullptr) == 0;
  });
  EXPECT_EQ(seized.call.args[0], static_cast<unsigned>(PTRACE_SEIZE));
  EXPECT_EQ(seized.call.args[1], 0x7fffffffU);
  EXPECT_LT(seized.call.result, 0);
  const HeardCall written = one({SYS_process_vm_writev}, [] {
    return syscall(SYS_process_vm_writev, getppid(), nullptr, 0, nullptr, 0, 0) != 0;
  });
  EXPECT_EQ(written.call.args[0], static_cast<unsigned>(getpid()));
}

TEST_P(Calls, TellOnlyThoseWithOtherArgumentsThanGiven) {
  WantedSyscall wanted(SYS_prctl);
  wanted.checks = {{.argument = 0, .values = {PR_SET_NAME, PR_SET_DUMPABLE}, .negated = true}};
  const HeardCall heard = one({wanted}, [] {
    return prctl(PR_SET_NAME, "other") != 0 || prctl(PR_SET_DUMPABLE, 0) != 0 ||
           prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0;
  });
  EXPECT_EQ(heard.call.args[0], static_cast<unsigned>(PR_SET_NO_NEW_PRIVS));
}

TEST_P(Calls, TellWhatIsDoneToNamespacesAndMounts) {
  const std::string mnt = place_.path();
  const auto apart = [](auto call) {
    return [call] {
      return unshare(CLONE_NEWNS) != 0 || mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 || call() != 0;
    };
  };
  EXPECT_EQ(one({SYS_unshare}, apart([] { return 0; })).call.args[0], static_cast<unsigned>(CLONE_NEWNS));
  WantedSyscall tmpfs(SYS_mount);
  tmpfs.checks = {{.argument = 3, .values = {MS_NOSUID}}};
  const HeardCall mounted =
      one({tmpfs}, apart([&] { return mount("from", mnt.c_str(), "tmpfs", MS_NOSUID, nullptr); }));
  EXPECT_THAT(mounted.text, ElementsAre("from", mnt, "tmpfs"));
  EXPECT_EQ(one({SYS_umount2}, apart([&] {
                  return mount("from", mnt.c_str(), "tmpfs", 0, nullptr) != 0 || umount2(mnt.c_str(), MNT_DETACH) != 0;
                }))
                .text[0],
            mnt);
  EXPECT_THAT(one({SYS_pivot_root}, apart([&] { return syscall(SYS_pivot_root, mnt.c_str(), "there") == 0; })).text,
              ElementsAre(mnt, "there", ""));
  EXPECT_EQ(one({SYS_chroot}, [&] { return chroot(mnt.c_str()) != 0; }).text[0], mnt);
  const HeardCall joined =
      one({SYS_setns}, [] { return setns(::open("/proc/self/ns/uts", O_RDONLY), CLONE_NEWUTS) != 0; });
  EXPECT_EQ(joined.call.args[1], static_cast<unsigned>(CLONE_NEWUTS));
  ASSERT_TRUE(joined.call.file);
  EXPECT_TRUE(joined.call.file->pseudo);
}

TEST_P(Calls, TellChangesOfIdentity) {
  EXPECT_EQ(one({SYS_setuid}, [] { return syscall(SYS_setuid, 1000) != 0; }).call.args[0], 1000U);
  EXPECT_EQ(one({SYS_setresgid}, [] { return syscall(SYS_setresgid, 7, 8, 9) != 0; }).call.args[2], 9U);
  EXPECT_EQ(one({SYS_prctl}, [] { return prctl(PR_SET_DUMPABLE, 0) != 0; }).call.args[0],
            static_cast<unsigned>(PR_SET_DUMPABLE));
}

TEST_P(Calls, TellProgramsThatCouldNotBeExecuted) {
  WantedSyscall failed(SYS_execve);
  failed.successes = false;
  const HeardCall heard = one({failed}, [] {
    execl("/not/there", "there", nullptr);
    execl("/bin/true", "true", nullptr);
    return 1;
  });
  EXPECT_EQ(heard.text[0], "/not/there");
  EXPECT_EQ(heard.call.result, -ENOENT);
}

TEST_P(Calls, TellOthersRaw) {
  const HeardCall heard = one({SYS_getpriority}, [] { return syscall(SYS_getpriority, 1, 2, 3, 4, 5, 6) == 0; });
  EXPECT_EQ(heard.call.number, SYS_getpriority);
  EXPECT_EQ(std::vector(heard.call.args.begin(), heard.call.args.end()),
            (std::vector<std::uint64_t>{1, 2, 3, 4, 5, 6}));
}

TEST_P(Calls, SayThatATextIsLongerOrCannotBeRead) {
  const std::string longer(5000, 'a');
  const HeardCall cut = one({SYS_delete_module}, [&] { return syscall(SYS_delete_module, longer.c_str(), 0) == 0; });
  EXPECT_TRUE(cut.call.text[0].truncated);
  EXPECT_EQ(cut.text[0], longer.substr(0, 4095));
  const HeardCall unread = one({SYS_delete_module}, [] { return syscall(SYS_delete_module, 16, 0) == 0; });
  EXPECT_TRUE(unread.call.text[0].unreadable);
  EXPECT_EQ(unread.text[0], "");
  EXPECT_EQ(counters("syscalls_control").unreadable, 1U);
}

TEST_P(Calls, AreToldOnlyWhileTheyAreWanted) {
  ASSERT_NO_FATAL_FAILURE(open({}));
  const auto both = [] { return syscall(SYS_getpriority, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0) != 0; };
  EXPECT_THAT(calls_in_child(both), IsEmpty());
  settings_.syscalls = {SYS_getpriority};
  ASSERT_TRUE(sensor_->reconfigure(settings_));
  EXPECT_THAT(calls_in_child(both), SizeIs(1));
  settings_.syscalls = {SYS_prctl};
  ASSERT_TRUE(sensor_->reconfigure(settings_));
  const auto calls = calls_in_child(both);
  ASSERT_THAT(calls, SizeIs(1));
  EXPECT_EQ(calls[0].call.number, SYS_prctl);
  settings_.syscalls = {};
  ASSERT_TRUE(sensor_->reconfigure(settings_));
  const std::uint64_t seen = counters("syscalls_control").seen;
  EXPECT_THAT(calls_in_child(both), IsEmpty());
  EXPECT_EQ(counters("syscalls_control").seen, seen);
}

TEST_P(Calls, RefuseWhatTheProgramsCannotHold) {
  ASSERT_NO_FATAL_FAILURE(open({}));
  settings_.syscalls = {std::uint16_t{512}};
  EXPECT_FALSE(sensor_->reconfigure(settings_));
  WantedSyscall wanted(SYS_prctl);
  wanted.checks = {{.argument = 0, .values = {}}};
  settings_.syscalls = {wanted};
  EXPECT_FALSE(sensor_->reconfigure(settings_));
}

}  // namespace
}  // namespace subfloor::sensors
