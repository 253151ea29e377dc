// SPDX-License-Identifier: Apache-2.0
#include "identity/process/process_table.h"

#include <gmock/gmock.h>

#include "identity/process/proc_tree.h"

namespace subfloor::identity {
namespace {

using testing::ElementsAre;

constexpr Nanoseconds second = 1'000'000'000;
const std::string id = "7be92808767a667f35c8505cbf40d14e931ef6db5b0210329cf193b15ba9d605";

Process curl(std::uint32_t pid, Nanoseconds start = ProcTree::ticks(6000) + 123) {
  Process process;
  process.pid = pid;
  process.parent_pid = 42;
  process.uid = 7;
  process.uid_known = true;
  process.start_time = start;
  process.comm = "curl";
  process.executable = "/usr/bin/no-such-curl";
  process.arguments = {"curl", "http://x"};
  process.cgroup = "/docker/" + id;
  return process;
}

Process child(std::uint32_t pid) {
  Process process;
  process.pid = pid;
  process.parent_pid = 42;
  process.uid = 7;
  process.uid_known = true;
  process.start_time = ProcTree::ticks(7000) + 5;
  process.comm = "thread-name";
  return process;
}

struct ProcessTableWith : testing::Test {
  ProcTree tree;
  ProcessTable::Settings settings{.proc = tree.root(), .grace = 30 * second, .max_exited = 100, .max_processes = 1000};
  ProcessTable table{settings};
};

TEST_F(ProcessTableWith, KnowsWhoWasThereBefore) {
  tree.add(42, {});
  tree.add(43, {.comm = "other"});
  table.scan();
  tree.remove(42);
  EXPECT_EQ(table.find(42)->comm, "app");
  EXPECT_EQ(table.find(43)->comm, "other");
  EXPECT_EQ(table.size(), 2U);
}

TEST_F(ProcessTableWith, KnowsAProcessByItsExecAlone) {
  table.on_exec(curl(50), second);
  const ProcessRef process = table.find(50);
  EXPECT_EQ(process->comm, "curl");
  EXPECT_EQ(process->executable, "/usr/bin/no-such-curl");
  EXPECT_THAT(process->arguments, ElementsAre("curl", "http://x"));
  EXPECT_EQ(process->container_id, id);
  EXPECT_EQ(process->start_time, ProcTree::ticks(6000) + 123);
}

TEST_F(ProcessTableWith, RemembersAnExitedProcessForTheGracePeriodOnly) {
  table.on_exec(curl(50), second);
  table.on_exit(50, 2 * second);
  table.on_exec(curl(51), 32 * second);
  EXPECT_EQ(table.find(50)->comm, "curl");
  table.on_exec(curl(52), 32 * second + 1);
  EXPECT_EQ(table.find(50)->comm, "");
}

TEST_F(ProcessTableWith, RemembersSoManyExitedProcessesOnly) {
  for (std::uint32_t pid = 1; pid <= 150; ++pid) {
    table.on_exec(curl(pid), pid);
    table.on_exit(pid, pid);
  }
  EXPECT_EQ(table.size(), 100U);
  EXPECT_EQ(table.find(150)->comm, "curl");
  EXPECT_EQ(table.find(50)->comm, "");
}

TEST_F(ProcessTableWith, GivesAForkItsParentsDataAndItsOwn) {
  tree.add(42, {.cgroup = "0::/docker/" + id + "\n"});
  table.scan();
  table.on_fork(42, child(60), second);
  const ProcessRef process = table.find(60);
  EXPECT_EQ(process->pid, 60U);
  EXPECT_EQ(process->parent_pid, 42U);
  EXPECT_EQ(process->start_time, ProcTree::ticks(7000) + 5);
  EXPECT_EQ(process->uid, 7U);
  EXPECT_EQ(process->comm, "thread-name");
  EXPECT_EQ(process->executable, "/usr/bin/app");
  EXPECT_THAT(process->arguments, ElementsAre("app", "-v"));
  EXPECT_EQ(process->container_id, id);
}

TEST_F(ProcessTableWith, GivesAForkTheDataOfAParentItReadsJustNow) {
  tree.add(42, {});
  table.on_fork(42, child(60), second);
  EXPECT_EQ(table.find(60)->executable, "/usr/bin/app");
}

TEST_F(ProcessTableWith, KnowsAForkWhoseParentIsUnknown) {
  table.on_fork(42, child(60), second);
  EXPECT_EQ(table.find(60)->comm, "thread-name");
  EXPECT_EQ(table.find(60)->executable, "");
}

TEST_F(ProcessTableWith, SeesThatAForkedWorkerChangedItsUserAndCgroup) {
  tree.add(42, {.uid = 0});
  table.scan();
  table.on_fork(42, child(60), second);
  tree.add(60, {.comm = "worker", .uid = 33, .start_ticks = 7000, .cgroup = "0::/moved\n"});
  const ProcessRef process = table.find(60);
  EXPECT_EQ(process->uid, 33U);
  EXPECT_EQ(process->comm, "worker");
  EXPECT_EQ(process->cgroup, "/moved");
}

TEST_F(ProcessTableWith, DoesNotTakeTheDataOfWhoeverHasThePidNow) {
  table.on_fork(42, child(60), second);
  tree.add(60, {.comm = "stranger", .uid = 33, .start_ticks = 9000});
  const ProcessRef process = table.find(60);
  EXPECT_EQ(process->comm, "thread-name");
  EXPECT_EQ(process->uid, 7U);
  EXPECT_EQ(process->executable, "");
}

TEST_F(ProcessTableWith, CompletesWhatTheKernelCouldNotTell) {
  Process process = curl(50);
  process.executable = "./curl";
  process.arguments = {};
  process.arguments_truncated = true;
  process.cgroup = "leaf/of/a/deep/one";
  tree.add(50, {.start_ticks = 6000});
  table.on_exec(std::move(process), second);
  const ProcessRef found = table.find(50);
  EXPECT_EQ(found->executable, "/usr/bin/app");
  EXPECT_THAT(found->arguments, ElementsAre("app", "-v"));
  EXPECT_FALSE(found->arguments_truncated);
  EXPECT_EQ(found->cgroup, "/system.slice/app.service");
}

TEST_F(ProcessTableWith, KeepsWhatTheKernelToldOverWhatProcSaysLater) {
  tree.add(50, {.comm = "renamed", .uid = 99, .start_ticks = 6000});
  table.on_exec(curl(50), second);
  EXPECT_EQ(table.find(50)->comm, "curl");
  EXPECT_EQ(table.find(50)->uid, 7U);
}

TEST_F(ProcessTableWith, ReadsAnUnknownPidOnce) {
  tree.add(42, {});
  EXPECT_EQ(table.find(42)->comm, "app");
  tree.add(42, {.comm = "changed"});
  EXPECT_EQ(table.find(42)->comm, "app");
}

TEST_F(ProcessTableWith, GivesAPidThatNobodyKnowsThePidAndNothingElse) {
  const ProcessRef process = table.find(999);
  ASSERT_NE(process, nullptr);
  EXPECT_EQ(process->pid, 999U);
  EXPECT_EQ(process->comm, "");
  EXPECT_EQ(process->start_time, 0U);
  EXPECT_FALSE(process->uid_known);
}

TEST_F(ProcessTableWith, LearnsAPidThatNobodyHadFromItsNextEvent) {
  EXPECT_EQ(table.find(50)->comm, "");
  table.on_exec(curl(50), second);
  EXPECT_EQ(table.find(50)->comm, "curl");
}

TEST_F(ProcessTableWith, ReplacesTheHolderOfAPid) {
  table.on_exec(curl(50), second);
  const ProcessRef first = table.find(50);
  table.on_exit(50, 2 * second);
  tree.add(42, {});
  table.on_fork(42, child(50), 3 * second);
  EXPECT_EQ(table.find(50)->comm, "thread-name");
  EXPECT_EQ(first->comm, "curl");
  // The grace period of the first holder does not end the second.
  table.on_exec(curl(51), 100 * second);
  EXPECT_EQ(table.find(50)->comm, "thread-name");
}

TEST_F(ProcessTableWith, ForgetsTheLongestExitedFirstWhenFull) {
  ProcessTable small({.proc = tree.root(), .grace = 30 * second, .max_exited = 100, .max_processes = 2});
  small.on_exec(curl(1), 1);
  small.on_exec(curl(2), 2);
  small.on_exit(1, 3);
  small.on_exec(curl(3), 4);
  EXPECT_EQ(small.size(), 2U);
  EXPECT_EQ(small.find(3)->comm, "curl");
  EXPECT_EQ(small.not_kept(), 0U);
}

TEST_F(ProcessTableWith, CountsWhatItCouldNotKeep) {
  ProcessTable small({.proc = tree.root(), .grace = 30 * second, .max_exited = 100, .max_processes = 1});
  small.on_exec(curl(1), 1);
  small.on_exec(curl(2), 2);
  EXPECT_EQ(small.size(), 1U);
  EXPECT_EQ(small.not_kept(), 1U);
  tree.add(9, {});
  EXPECT_EQ(small.find(9)->comm, "app");  // still answered
  EXPECT_EQ(small.size(), 1U);
}

TEST_F(ProcessTableWith, FindsOutWhoLeftUnheard) {
  tree.add(42, {});
  table.scan();
  table.on_exec(curl(50), second);
  table.reconcile(2 * second);
  table.on_exec(curl(51), 40 * second);
  EXPECT_EQ(table.size(), 2U);  // 42 and 51
  EXPECT_EQ(table.find(42)->comm, "app");
}

TEST_F(ProcessTableWith, IgnoresExitsOfWhomItDoesNotKnow) {
  table.on_exit(77, second);
  table.on_exec(curl(50), second);
  table.on_exit(50, second);
  table.on_exit(50, second);
  EXPECT_EQ(table.size(), 1U);
}

TEST_F(ProcessTableWith, DetectsTheLanguageByTheExecutable) {
  tree.add(42, {.executable = "/usr/bin/python3.11"});
  table.scan();
  EXPECT_EQ(table.find(42)->language, Language::python);
  table.on_fork(42, child(60), second);
  EXPECT_EQ(table.find(60)->language, Language::python);
}

TEST_F(ProcessTableWith, TakesAChildThatIsGoneToBeNamedAsItsParent) {
  tree.add(42, {});
  tree.write(42, "environ", std::string("OTEL_SERVICE_NAME=shop\0", 23));
  table.scan();
  table.on_fork(42, child(60), second);
  table.on_exit(60, 2 * second);
  EXPECT_EQ(table.find(60)->declared_service, "shop");
  EXPECT_EQ(table.find(42)->declared_service, "shop");
}

TEST(ProcessTableOfARecording, KnowsWhatItWasToldAndAsksNobody) {
  ProcessTable table({.proc = ""});
  const auto own = static_cast<std::uint32_t>(::getpid());
  Process known;
  known.pid = own;
  EXPECT_EQ(*table.find(own), known);  // this process is not one of the recording's
  known.comm = "recorded";
  known.executable = "/usr/bin/python3.11";
  table.on_known(Process(known));
  EXPECT_EQ(*table.find(own), known);  // no language: nobody has found one
  known.language = Language::ruby;
  table.on_known(Process(known));
  EXPECT_EQ(*table.find(own), known);
  table.reconcile(second);
  EXPECT_EQ(table.find(own)->comm, "recorded");
}

}  // namespace
}  // namespace subfloor::identity
