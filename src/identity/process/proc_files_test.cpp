// SPDX-License-Identifier: Apache-2.0
#include "identity/process/proc_files.h"

#include <gmock/gmock.h>

#include "identity/process/proc_tree.h"

namespace subfloor::identity {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const std::string id = "7be92808767a667f35c8505cbf40d14e931ef6db5b0210329cf193b15ba9d605";

struct ProcFilesIn : testing::Test {
  ProcTree tree;
  ProcFiles proc{tree.root()};

  Process read(const ProcTree::Fake& fake) {
    tree.add(42, fake);
    const auto process = proc.read(42);
    EXPECT_TRUE(process);
    return process.value_or(Process{});
  }
};

TEST_F(ProcFilesIn, TellsAllOfAProcess) {
  const Process process = read({});
  EXPECT_EQ(process.pid, 42U);
  EXPECT_EQ(process.parent_pid, 1U);
  EXPECT_EQ(process.uid, 1000U);
  EXPECT_TRUE(process.uid_known);
  EXPECT_EQ(process.start_time, ProcTree::ticks(5000));
  EXPECT_EQ(process.comm, "app");
  EXPECT_EQ(process.executable, "/usr/bin/app");
  EXPECT_THAT(process.arguments, ElementsAre("app", "-v"));
  EXPECT_FALSE(process.arguments_truncated);
  EXPECT_EQ(process.cgroup, "/system.slice/app.service");
  EXPECT_EQ(process.container_id, "");
  EXPECT_EQ(process.language, Language::unknown);
}

TEST_F(ProcFilesIn, ReadsACommWithParenthesesBlanksAndNewlines) {
  const Process process = read({.comm = "a) R 99 (b\n", .parent = 7});
  EXPECT_EQ(process.comm, "a) R 99 (b\n");
  EXPECT_EQ(process.parent_pid, 7U);
  EXPECT_EQ(process.start_time, ProcTree::ticks(5000));
}

TEST_F(ProcFilesIn, TellsNothingOfWhoIsNotThere) { EXPECT_FALSE(proc.read(43)); }

TEST_F(ProcFilesIn, TellsNothingFromADamagedStat) {
  for (const char* stat : {"", "42", "42 (app", "42 )app( S 1", "42 (app) S 1 2 3", "42 (app) S"}) {
    tree.add(42, {});
    tree.write(42, "stat", stat);
    EXPECT_FALSE(proc.read(42)) << stat;
  }
}

TEST_F(ProcFilesIn, StripsTheMarkOfADeletedExecutable) {
  EXPECT_EQ(read({.executable = "/tmp/x (deleted)"}).executable, "/tmp/x");
}

TEST_F(ProcFilesIn, LeavesOutWhatAKernelThreadDoesNotHave) {
  const Process process = read({.comm = "kthreadd", .executable = "", .cmdline = ""});
  EXPECT_EQ(process.comm, "kthreadd");
  EXPECT_EQ(process.executable, "");
  EXPECT_THAT(process.arguments, IsEmpty());
}

TEST_F(ProcFilesIn, CutsLongArgumentsAndSaysSo) {
  const Process fits = read({.cmdline = std::string(1023, 'x') + '\0'});
  EXPECT_FALSE(fits.arguments_truncated);
  EXPECT_THAT(fits.arguments, ElementsAre(std::string(1023, 'x')));
  const Process cut = read({.cmdline = std::string(4096, 'x') + '\0'});
  EXPECT_TRUE(cut.arguments_truncated);
  EXPECT_THAT(cut.arguments, ElementsAre(std::string(4096, 'x')));
}

TEST_F(ProcFilesIn, KeepsEmptyArguments) {
  EXPECT_THAT(read({.cmdline = std::string("a\0\0b\0\0", 6)}).arguments, ElementsAre("a", "", "b", ""));
}

TEST_F(ProcFilesIn, DoesNotKnowTheUserWithoutItsLine) {
  tree.add(42, {});
  tree.write(42, "status", "Name:\tapp\n");
  const auto process = proc.read(42);
  ASSERT_TRUE(process);
  EXPECT_FALSE(process->uid_known);
}

TEST_F(ProcFilesIn, PrefersTheUnifiedCgroup) {
  EXPECT_EQ(read({.cgroup = "8:pids:/v1\n1:name=systemd:/s\n0::/v2\n"}).cgroup, "/v2");
}

TEST_F(ProcFilesIn, TakesAV1CgroupWhereTheUnifiedOneIsTheRoot) {
  EXPECT_EQ(read({.cgroup = "9:name=systemd:/s\n8:pids:/\n4:memory:/m\n1:cpu:/c\n0::/\n"}).cgroup, "/m");
  EXPECT_EQ(read({.cgroup = "4:memory:/m\n8:pids:/p\n0::/\n"}).cgroup, "/p");
  EXPECT_EQ(read({.cgroup = "9:name=systemd:/s\n8:pids:/\n0::/\n"}).cgroup, "/s");
  EXPECT_EQ(read({.cgroup = "8:pids:/\n0::/\n"}).cgroup, "/");
}

TEST_F(ProcFilesIn, FindsTheContainerInAnyLine) {
  const Process process = read({.cgroup = "9:cpuset:/docker/" + id + "\n8:pids:/other\n0::/system.slice\n"});
  EXPECT_EQ(process.cgroup, "/system.slice");
  EXPECT_EQ(process.container_id, id);
}

TEST_F(ProcFilesIn, ReadsACgroupPathWithColons) {
  EXPECT_EQ(read({.cgroup = "0::/kubepods.slice:cri-containerd:" + id + "\n"}).container_id, id);
}

TEST_F(ProcFilesIn, ListsPidsInOrder) {
  for (const std::uint32_t pid : {300U, 5U, 42U}) tree.add(pid, {});
  std::filesystem::create_directory(tree.root() + "/sys");
  EXPECT_THAT(proc.pids(), ElementsAre(5, 42, 300));
}

TEST(ProcFilesHere, TellsOfThisProcess) {
  const auto process = ProcFiles("/proc").read(static_cast<std::uint32_t>(::getpid()));
  ASSERT_TRUE(process);
  EXPECT_EQ(process->parent_pid, static_cast<std::uint32_t>(::getppid()));
  EXPECT_EQ(process->uid, ::getuid());
  EXPECT_EQ(process->executable, std::filesystem::read_symlink("/proc/self/exe").string());
  EXPECT_GT(process->start_time, 0U);
  EXPECT_TRUE(process->cgroup.starts_with('/'));
}

TEST(SameStart, AllowsForRoundingToTicks) {
  EXPECT_TRUE(same_start(ProcTree::ticks(5000), ProcTree::ticks(5001) - 1));
  EXPECT_TRUE(same_start(ProcTree::ticks(5001) - 1, ProcTree::ticks(5000)));
  EXPECT_FALSE(same_start(ProcTree::ticks(5000), ProcTree::ticks(5002)));
}

}  // namespace
}  // namespace subfloor::identity
