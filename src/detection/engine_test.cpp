// SPDX-License-Identifier: Apache-2.0
#include "detection/engine.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <map>

#include "rules/load.h"

namespace subfloor::detection {
namespace {

using rules::operator""_event;
using testing::ElementsAre;
using testing::IsEmpty;

// Processes by pid, and what an engine tells of their execs.
class World {
 public:
  explicit World(const std::string& text) { load({rules::Source("r.yaml", text)}); }
  explicit World(rules::Sources sources) { load(std::move(sources)); }

  Process& process(std::uint32_t pid, std::uint32_t parent, const std::string& comm) {
    Process& process = processes[pid];
    process.pid = pid;
    process.parent_pid = parent;
    process.start_time = 1'000'000'000 + pid;
    process.comm = comm;
    process.executable = "/usr/bin/" + comm;
    process.arguments = {comm};
    process.facts.emplace();
    return process;
  }

  std::vector<std::string> exec(std::uint32_t pid) {
    messages.clear();
    engine.on_event({.type = "execve"_event, .when = 5'000'000'000, .process = find(pid), .workload = workload});
    return messages;
  }

  std::map<std::uint32_t, Process> processes;
  WorkloadRef workload;
  std::vector<std::string> messages;
  Engine engine{[this](std::uint32_t pid) { return find(pid); }, "host",
                [this](const rules::Alert& alert) { messages.push_back(alert.rule + ": " + alert.message); }};

 private:
  void load(rules::Sources sources) {
    const rules::Loaded loaded = rules::load(std::move(sources));
    EXPECT_EQ(loaded.report.errors(), 0U);
    engine.set_rules(loaded.rules);
  }
  ProcessRef find(std::uint32_t pid) {
    const auto found = processes.find(pid);
    if (found != processes.end()) return std::make_shared<const Process>(found->second);
    Process nobody;
    nobody.pid = pid;
    return std::make_shared<const Process>(nobody);
  }
};

std::string rule(const std::string& condition, const std::string& output) {
  return "- rule: r\n  condition: evt.type = execve and (" + condition + ")\n  desc: d\n  output: \"" + output +
         "\"\n  priority: INFO\n";
}

TEST(Engine, TellsOfAProcessAndItsAncestors) {
  World world(rule("proc.pname = bash", "%proc.cmdline by %proc.pname of %proc.aname[2], %proc.aname[3]"));
  world.process(1, 0, "systemd");
  world.process(20, 1, "sshd");
  world.process(30, 20, "bash");
  world.process(40, 30, "cat").arguments = {"/bin/cat", "/etc/shadow"};
  EXPECT_THAT(world.exec(40), ElementsAre("r: cat /etc/shadow by bash of sshd, systemd"));
  EXPECT_THAT(world.exec(30), IsEmpty());
}

TEST(Engine, AnyAncestorMayMatch) {
  World world(rule("proc.aname = sshd", "%proc.name"));
  world.process(20, 1, "sshd");
  world.process(30, 20, "bash");
  world.process(40, 30, "cat");
  EXPECT_THAT(world.exec(40), ElementsAre("r: cat"));
  EXPECT_THAT(world.exec(20), IsEmpty());  // itself is not its ancestor
}

TEST(Engine, WhatNobodyKnowsIsNotMadeUp) {
  World world(rule("proc.name exists", "%proc.pname %proc.cwd %proc.tty %user.loginuid %container.name"));
  Process& process = world.process(40, 39, "cat");
  process.facts.reset();
  EXPECT_THAT(world.exec(40), ElementsAre("r: <NA> <NA> <NA> <NA> <NA>"));
}

TEST(Engine, TellsWhatIsKnownOfTheExecutableAndTheUser) {
  World world(
      rule("proc.is_exe_from_memfd = true", "%proc.cwd %proc.tty %user.uid %user.loginuid %thread.cap_effective"));
  ExecFacts& facts = *world.process(40, 1, "payload").facts;
  facts.memory_file = true;
  facts.directory = "/tmp";
  facts.terminal = 34816;
  facts.effective_uid = 1000;
  facts.effective = 1 << 1 | 1 << 21;
  EXPECT_THAT(world.exec(40), ElementsAre("r: /tmp/ 34816 1000 -1 CAP_DAC_OVERRIDE CAP_SYS_ADMIN"));
}

TEST(Engine, TakesAnImageApart) {
  World world(rule("container", "%container.id %container.image.repository %container.image.tag %k8s.pod.name") +
              "- macro: container\n  condition: container.id != host\n");
  EXPECT_FALSE(world.engine.rules()->rules.empty());
  world.process(40, 1, "sh").container_id = std::string(64, 'a');
  Workload workload;
  workload.image = "registry:5000/team/web:1.2@sha256:0123";
  workload.pod_name = "web-0";
  world.workload = std::make_shared<const Workload>(workload);
  EXPECT_THAT(world.exec(40), ElementsAre("r: aaaaaaaaaaaa registry:5000/team/web 1.2 web-0"));
  workload.image = "registry:5000/team/web";
  world.workload = std::make_shared<const Workload>(workload);
  EXPECT_THAT(world.exec(40), ElementsAre("r: aaaaaaaaaaaa registry:5000/team/web <NA> web-0"));
}

// Falco's own rules.
TEST(Engine, StockRulesFireOnAShellInAContainer) {
  const auto folder = std::filesystem::path(SUBFLOOR_SOURCE_DIR).parent_path() / "shared/data/falco-rules";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "missing data: " << folder.string();
  auto sources = rules::read_sources({(folder / "falco_rules.yaml").string()});
  ASSERT_TRUE(sources);
  World world(std::move(*sources));
  world.process(1, 0, "systemd");
  world.process(20, 1, "containerd-shim");
  world.process(30, 20, "runc");
  Process& shell = world.process(40, 30, "sh");
  shell.container_id = std::string(64, 'a');
  shell.facts->terminal = 34816;
  shell.facts->own_pid = 7;
  const auto told = world.exec(40);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_THAT(told[0], testing::StartsWith("Terminal shell in container: A shell was spawned in a container"));
  shell.facts->terminal = 0;
  EXPECT_THAT(world.exec(40), IsEmpty());
}

}  // namespace
}  // namespace subfloor::detection
