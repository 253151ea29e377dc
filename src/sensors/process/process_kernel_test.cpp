// SPDX-License-Identifier: Apache-2.0
// The sensor against the running kernel, on each rung. waitpid() orders everything: the exit record is in the ring
// before a parent can reap.
#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "sensors/sensor.h"

namespace subfloor::sensors {

extern const Descriptor process_descriptor;

namespace {

using testing::ElementsAre;
using testing::SizeIs;

class Heard final : public Events {
 public:
  struct Life {
    std::vector<Process> execs;
    std::vector<std::pair<std::uint32_t, Process>> forks;  // whose copy, the child
    std::vector<Nanoseconds> exits;
  };

  void on_exec(Process&& process, Nanoseconds) override { lives[process.pid].execs.push_back(std::move(process)); }
  void on_fork(std::uint32_t parent, Process&& child, Nanoseconds) override {
    lives[child.pid].forks.emplace_back(parent, std::move(child));
  }
  void on_exit(std::uint32_t pid, Nanoseconds when) override { lives[pid].exits.push_back(when); }

  std::map<std::uint32_t, Life> lives;
};

// The sensor on one rung with its own rings; drain() hears all that has happened so far.
class ProcessSensorOn : public testing::TestWithParam<const char*> {
 protected:
  void open(std::size_t control_bytes = 8 << 20) {
    auto made = bpf::Rings::make(control_bytes, 4096);
    ASSERT_TRUE(made) << made.error().message;
    rings_ = std::make_unique<bpf::Rings>(std::move(*made));
    settings_.rung = GetParam();
    const Context context{*rings_, heard_, settings_, 3};
    auto sensor = process_descriptor.open(context, report_);
    ASSERT_TRUE(sensor) << sensor.error().message;
    sensor_ = std::move(*sensor);
    const auto handle = [this](const record_header& header, std::span<const std::byte> record) {
      EXPECT_EQ(header.sensor, 3);
      sensor_->handle(header, record);
    };
    auto reader = bpf::RingReader::make(*rings_, handle);
    ASSERT_TRUE(reader) << reader.error().message;
    reader_ = std::move(*reader);
  }

  const Heard::Life& life(pid_t pid) {
    reader_->drain();
    EXPECT_EQ(reader_->malformed(), 0U);
    return heard_.lives[static_cast<std::uint32_t>(pid)];
  }

  family_counters counters(const std::string& family) {
    for (const FamilyCounters& one : sensor_->counters())
      if (one.family == family) return one.counters;
    ADD_FAILURE() << "no family " << family;
    return {};
  }

  std::unique_ptr<bpf::Rings> rings_;
  Heard heard_;
  Settings settings_;
  bpf::LadderReport report_;
  std::unique_ptr<Sensor> sensor_;
  std::unique_ptr<bpf::RingReader> reader_;
};

INSTANTIATE_TEST_SUITE_P(EachRung, ProcessSensorOn, testing::Values("tp_btf", "raw_tp"),
                         [](const auto& rung) { return std::string(rung.param); });

// Runs a program to its end; its pid. 127 tells that it could not be run.
pid_t run(const std::string& path, std::vector<std::string> arguments) {
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  pid_t pid = -1;
  EXPECT_EQ(posix_spawn(&pid, path.c_str(), nullptr, nullptr, argv.data(), environ), 0) << path;
  EXPECT_EQ(waitpid(pid, nullptr, 0), pid);
  return pid;
}

// The value of a line of /proc/self/status.
std::string status_line(const std::string& name) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with(name + ":\t")) return line.substr(name.size() + 2);
  return {};
}

// An overlay with a copy of /bin/true in its lower layer, and another in its upper layer.
struct Overlay {
  Overlay() {
    char name[] = "/tmp/subfloor-overlay-XXXXXX";
    root = mkdtemp(name);
    merged = root + "/merged";
    if (mount("tmpfs", root.c_str(), "tmpfs", 0, nullptr) != 0) return;
    for (const char* part : {"/lower", "/upper", "/work", "/merged"}) std::filesystem::create_directory(root + part);
    std::filesystem::copy_file("/bin/true", root + "/lower/true");
    const std::string options = fmt::format("lowerdir={0}/lower,upperdir={0}/upper,workdir={0}/work", root);
    mounted = mount("overlay", merged.c_str(), "overlay", 0, options.c_str()) == 0;
    if (mounted) std::filesystem::copy_file("/bin/true", merged + "/other");
  }
  ~Overlay() {
    umount2(merged.c_str(), MNT_DETACH);
    umount2(root.c_str(), MNT_DETACH);
    rmdir(root.c_str());
  }
  Overlay(const Overlay&) = delete;
  Overlay& operator=(const Overlay&) = delete;

  std::string root, merged;
  bool mounted = false;
};

// Runs f in a fork of this process, which ends when f returns.
template <class F>
pid_t in_child(F f) {
  const pid_t pid = fork();
  if (pid == 0) {
    f();
    _exit(126);
  }
  EXPECT_EQ(waitpid(pid, nullptr, 0), pid);
  return pid;
}

std::string real_path(const std::string& path) { return std::filesystem::canonical(path).string(); }

TEST_P(ProcessSensorOn, TellsOneForkOneExecAndOneExitOfAProgram) {
  ASSERT_NO_FATAL_FAILURE(open());
  const pid_t pid = run("/bin/true", {"true"});
  const auto& life = this->life(pid);
  ASSERT_THAT(life.forks, SizeIs(1));
  ASSERT_THAT(life.execs, SizeIs(1));
  ASSERT_THAT(life.exits, SizeIs(1));

  const Process& process = life.execs[0];
  EXPECT_EQ(process.parent_pid, static_cast<std::uint32_t>(getpid()));
  EXPECT_EQ(process.uid, getuid());
  EXPECT_TRUE(process.uid_known);
  EXPECT_EQ(process.comm, "true");
  EXPECT_EQ(process.executable, real_path("/bin/true"));
  EXPECT_THAT(process.arguments, ElementsAre("true"));
  EXPECT_FALSE(process.arguments_truncated);
  EXPECT_EQ(life.forks[0].first, static_cast<std::uint32_t>(getpid()));
  EXPECT_EQ(life.forks[0].second.start_time, process.start_time);
  EXPECT_EQ(report_.rung, GetParam());
}

TEST_P(ProcessSensorOn, TellsTheStartTimeThatProcHas) {
  ASSERT_NO_FATAL_FAILURE(open());
  int block[2];
  ASSERT_EQ(pipe(block), 0);
  const pid_t pid = fork();
  if (pid == 0) {
    close(block[1]);
    char byte = 0;
    (void)!read(block[0], &byte, 1);
    _exit(0);
  }
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  std::string line, field;
  std::getline(stat, line);
  std::istringstream after_comm(line.substr(line.rfind(')') + 2));
  for (int i = 3; i <= 22; ++i) after_comm >> field;
  const auto tick = static_cast<Nanoseconds>(1'000'000'000 / sysconf(_SC_CLK_TCK));
  close(block[1]);
  ASSERT_EQ(waitpid(pid, nullptr, 0), pid);
  close(block[0]);
  ASSERT_THAT(life(pid).forks, SizeIs(1));
  EXPECT_EQ(life(pid).forks[0].second.start_time / tick, std::stoull(field));
}

TEST_P(ProcessSensorOn, CutsArgumentsAtTheLimitAndSaysSo) {
  ASSERT_NO_FATAL_FAILURE(open());
  std::vector<std::string> arguments{"true"};
  for (int i = 0; i < 500; ++i) arguments.push_back("argument" + std::to_string(i));
  const auto& life = this->life(run("/bin/true", arguments));
  ASSERT_THAT(life.execs, SizeIs(1));
  const Process& process = life.execs[0];
  EXPECT_TRUE(process.arguments_truncated);
  std::size_t bytes = 0;
  ASSERT_GT(process.arguments.size(), 50U);
  for (std::size_t i = 0; i + 1 < process.arguments.size(); ++i) {
    EXPECT_EQ(process.arguments[i], arguments[i]);
    bytes += process.arguments[i].size() + 1;
  }
  bytes += process.arguments.back().size();
  EXPECT_TRUE(bytes == 4096 || bytes == 4095) << bytes;  // 4095: the cut came behind a NUL
}

TEST_P(ProcessSensorOn, KeepsArgumentsThatJustFit) {
  ASSERT_NO_FATAL_FAILURE(open());
  const std::string longest(4096 - sizeof "true" - 1, 'x');
  const auto& life = this->life(run("/bin/true", {"true", longest}));
  ASSERT_THAT(life.execs, SizeIs(1));
  EXPECT_THAT(life.execs[0].arguments, ElementsAre("true", longest));
  EXPECT_FALSE(life.execs[0].arguments_truncated);
}

TEST_P(ProcessSensorOn, KeepsEmptyArguments) {
  ASSERT_NO_FATAL_FAILURE(open());
  const auto& life = this->life(run("/bin/true", {"true", "", "b", ""}));
  ASSERT_THAT(life.execs, SizeIs(1));
  EXPECT_THAT(life.execs[0].arguments, ElementsAre("true", "", "b", ""));
}

TEST_P(ProcessSensorOn, TellsOfAProcessThatLivesTwentyMilliseconds) {
  ASSERT_NO_FATAL_FAILURE(open());
  const auto& life = this->life(run("/bin/sleep", {"sleep", "0.02"}));
  ASSERT_THAT(life.execs, SizeIs(1));
  ASSERT_THAT(life.exits, SizeIs(1));
  EXPECT_EQ(life.execs[0].comm, "sleep");
  EXPECT_THAT(life.execs[0].arguments, ElementsAre("sleep", "0.02"));
}

TEST_P(ProcessSensorOn, TellsOfAForkWithoutExec) {
  ASSERT_NO_FATAL_FAILURE(open());
  const auto& life = this->life(in_child([] {}));
  ASSERT_THAT(life.forks, SizeIs(1));
  EXPECT_THAT(life.execs, SizeIs(0));
  EXPECT_THAT(life.exits, SizeIs(1));
  EXPECT_EQ(life.forks[0].second.parent_pid, static_cast<std::uint32_t>(getpid()));
  std::string comm;
  std::getline(std::ifstream("/proc/self/comm"), comm);
  EXPECT_EQ(life.forks[0].second.comm, comm);
}

TEST_P(ProcessSensorOn, TellsTheRealUser) {
  if (getuid() != 0) GTEST_SKIP() << "only root can become somebody else";
  ASSERT_NO_FATAL_FAILURE(open());
  const auto& life = this->life(in_child([] {
    if (setresuid(12345, 0, 0) == 0) execl("/bin/true", "true", nullptr);
  }));
  ASSERT_THAT(life.execs, SizeIs(1));
  EXPECT_EQ(life.execs[0].uid, 12345U);
}

// Each against what the process can say of itself.
TEST_P(ProcessSensorOn, TellsWhatRulesAskOfAProcess) {
  open();
  struct stat status{};
  ASSERT_EQ(stat("/bin/true", &status), 0);
  const pid_t pid = in_child([] {
    if (setsid() < 0 || chdir("/bin") != 0) _exit(126);
    execl("/bin/true", "true", nullptr);
  });
  ASSERT_THAT(life(pid).execs, SizeIs(1));
  ASSERT_TRUE(life(pid).execs[0].facts);
  const ExecFacts& facts = *life(pid).execs[0].facts;
  EXPECT_EQ(facts.effective_uid, geteuid());
  EXPECT_EQ(facts.effective_gid, getegid());
  EXPECT_EQ(facts.session, static_cast<std::uint32_t>(pid));
  EXPECT_EQ(facts.group, static_cast<std::uint32_t>(pid));
  EXPECT_EQ(facts.own_pid, static_cast<std::uint32_t>(pid));
  EXPECT_EQ(facts.terminal, 0U);
  EXPECT_EQ(facts.directory, std::filesystem::canonical("/bin"));
  EXPECT_EQ(facts.inode, status.st_ino);
  EXPECT_EQ(facts.modified, static_cast<Nanoseconds>(status.st_mtim.tv_sec) * 1'000'000'000 + status.st_mtim.tv_nsec);
  EXPECT_EQ(facts.changed, static_cast<Nanoseconds>(status.st_ctim.tv_sec) * 1'000'000'000 + status.st_ctim.tv_nsec);
  EXPECT_FALSE(facts.memory_file);
  const auto own = status_line("CapEff");
  EXPECT_EQ(fmt::format("{:016x}", facts.effective), own);
  EXPECT_EQ(fmt::format("{:016x}", facts.permitted), status_line("CapPrm"));
  EXPECT_EQ(fmt::format("{:016x}", facts.inheritable), status_line("CapInh"));
}

TEST_P(ProcessSensorOn, TellsTheTerminal) {
  open();
  const int controller = posix_openpt(O_RDWR | O_NOCTTY);
  if (controller < 0) GTEST_SKIP() << "missing: pseudo terminals";
  ASSERT_EQ(grantpt(controller), 0);
  ASSERT_EQ(unlockpt(controller), 0);
  const std::string name = ptsname(controller);
  struct stat status{};
  ASSERT_EQ(stat(name.c_str(), &status), 0);
  const pid_t pid = in_child([&] {
    if (setsid() < 0 || ::open(name.c_str(), O_RDWR) < 0) _exit(126);  // the first that it opens is its own
    execl("/bin/true", "true", nullptr);
  });
  close(controller);
  ASSERT_THAT(life(pid).execs, SizeIs(1));
  EXPECT_EQ(life(pid).execs[0].facts->terminal, static_cast<std::uint32_t>(status.st_rdev));
}

TEST_P(ProcessSensorOn, TellsOfAnExecutableThatIsOnlyInMemory) {
  open();
  const pid_t pid = in_child([] {
    const int memory = memfd_create("payload", MFD_CLOEXEC);
    const int program = ::open("/bin/true", O_RDONLY);
    struct stat status{};
    if (fstat(program, &status) != 0 || sendfile(memory, program, nullptr, static_cast<size_t>(status.st_size)) < 0)
      _exit(126);
    char* const argv[] = {const_cast<char*>("true"), nullptr};
    fexecve(memory, argv, environ);
  });
  ASSERT_THAT(life(pid).execs, SizeIs(1));
  EXPECT_EQ(life(pid).execs[0].executable, "memfd:payload");
  EXPECT_TRUE(life(pid).execs[0].facts->memory_file);
  EXPECT_FALSE(life(pid).execs[0].facts->upper_layer);
}

TEST_P(ProcessSensorOn, TellsWhetherAnExecutableIsOfTheUpperLayer) {
  open();
  const Overlay overlay;
  if (!overlay.mounted) GTEST_SKIP() << "missing: overlayfs";
  const pid_t lower = run(overlay.merged + "/true", {"true"});
  const pid_t upper = run(overlay.merged + "/other", {"true"});
  ASSERT_THAT(life(lower).execs, SizeIs(1));
  ASSERT_THAT(life(upper).execs, SizeIs(1));
  EXPECT_FALSE(life(lower).execs[0].facts->upper_layer);
  EXPECT_TRUE(life(upper).execs[0].facts->upper_layer);
}

TEST_P(ProcessSensorOn, TellsOfOneExitWhereManyThreadsEndTogether) {
  ASSERT_NO_FATAL_FAILURE(open());
  for (int round = 0; round < 50; ++round) {
    const pid_t pid = in_child([] {
      std::atomic<int> arrived = 0;
      const auto leave = [&] {
        ++arrived;
        while (arrived < 8) {
        }
        syscall(SYS_exit, 0);  // this thread alone, at once
      };
      for (int i = 0; i < 7; ++i) std::thread(leave).detach();
      leave();
    });
    const auto& life = this->life(pid);
    ASSERT_THAT(life.forks, SizeIs(1));
    ASSERT_THAT(life.exits, SizeIs(1));
  }
}

TEST_P(ProcessSensorOn, TellsOfAnExecByAnotherThreadUnderTheProcessOwnPid) {
  ASSERT_NO_FATAL_FAILURE(open());
  const pid_t pid = in_child([] { std::thread([] { execl("/bin/true", "true", "from-thread", nullptr); }).join(); });
  const auto& life = this->life(pid);
  ASSERT_THAT(life.execs, SizeIs(1));
  EXPECT_THAT(life.execs[0].arguments, ElementsAre("true", "from-thread"));
  EXPECT_EQ(life.execs[0].comm, "true");
  EXPECT_EQ(life.execs[0].start_time, life.forks.at(0).second.start_time);
  EXPECT_THAT(life.exits, SizeIs(1));
}

TEST_P(ProcessSensorOn, SaysNothingOfAnExecThatFailed) {
  ASSERT_NO_FATAL_FAILURE(open());
  const auto& life = this->life(in_child([] { execl("/nonexistent", "x", nullptr); }));
  EXPECT_THAT(life.forks, SizeIs(1));
  EXPECT_THAT(life.execs, SizeIs(0));
  EXPECT_THAT(life.exits, SizeIs(1));
}

class Scratch {
 public:
  Scratch() {
    std::string name = (std::filesystem::temp_directory_path() / "subfloor-process-XXXXXX").string();
    path_ = mkdtemp(name.data());
  }
  ~Scratch() { std::filesystem::remove_all(path_); }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

TEST_P(ProcessSensorOn, NamesTheInterpreterOfAScript) {
  ASSERT_NO_FATAL_FAILURE(open());
  const Scratch scratch;
  const auto script = scratch.path() / "script";
  std::ofstream(script) << "#!/bin/sh\nexit 0\n";
  std::filesystem::permissions(script, std::filesystem::perms::owner_all);
  const auto& life = this->life(run(script, {"script", "a"}));
  ASSERT_THAT(life.execs, SizeIs(1));
  EXPECT_EQ(life.execs[0].executable, real_path("/bin/sh"));
  EXPECT_THAT(life.execs[0].arguments, ElementsAre("/bin/sh", script.string(), "a"));
  EXPECT_EQ(life.execs[0].comm, "script");
}

TEST_P(ProcessSensorOn, FollowsLinksToTheFileThatRuns) {
  ASSERT_NO_FATAL_FAILURE(open());
  const Scratch scratch;
  const auto link = scratch.path() / "link";
  std::filesystem::create_symlink("/bin/true", link);
  const auto& life = this->life(run(link, {"anything"}));
  ASSERT_THAT(life.execs, SizeIs(1));
  EXPECT_EQ(life.execs[0].executable, real_path("/bin/true"));
}

// Copies /bin/true below `depth` folders; its path.
std::filesystem::path true_below(const std::filesystem::path& top, int depth) {
  std::filesystem::path folder = top;
  for (int i = 0; i < depth; ++i) folder /= "d" + std::to_string(i);
  std::filesystem::create_directories(folder);
  std::filesystem::copy_file("/bin/true", folder / "program");
  return folder / "program";
}

TEST_P(ProcessSensorOn, ReadsThePathOfADeepFile) {
  ASSERT_NO_FATAL_FAILURE(open());
  const Scratch scratch;
  const auto program = true_below(scratch.path(), 120);
  const auto& life = this->life(run(program, {"program"}));
  ASSERT_THAT(life.execs, SizeIs(1));
  EXPECT_EQ(life.execs[0].executable, real_path(program));
}

TEST_P(ProcessSensorOn, TellsTheNameAsGivenForAFileThatIsTooDeep) {
  ASSERT_NO_FATAL_FAILURE(open());
  const Scratch scratch;
  const auto program = true_below(scratch.path(), 300);
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(program.parent_path());
  const auto& life = this->life(run("./program", {"program"}));
  std::filesystem::current_path(before);
  ASSERT_THAT(life.execs, SizeIs(1));
  EXPECT_EQ(life.execs[0].executable, "./program");
}

// Where cgroup v2 is mounted with its root visible, "" where it is not.
std::string cgroup2_mount() {
  std::ifstream mounts("/proc/self/mountinfo");
  std::string line;
  while (std::getline(mounts, line)) {
    std::istringstream fields(line);
    std::string number, parent, device, root, point;
    fields >> number >> parent >> device >> root >> point;
    if (line.find(" - cgroup2 ") != std::string::npos && root == "/") return point;
  }
  return "";
}

TEST_P(ProcessSensorOn, TellsTheWholeCgroupPath) {
  const std::string mount = cgroup2_mount();
  if (mount.empty()) GTEST_SKIP() << "no cgroup v2 root is mounted";
  const std::string top = "/subfloor-test-" + std::to_string(getpid());
  const std::string cgroup = top + "/kubepods.slice/pod.slice";
  std::error_code error;
  std::filesystem::create_directories(mount + cgroup, error);
  if (error) GTEST_SKIP() << "cgroups cannot be made here: " << error.message();
  ASSERT_NO_FATAL_FAILURE(open());
  const pid_t pid = in_child([&] {
    std::ofstream(mount + cgroup + "/cgroup.procs") << getpid() << std::flush;
    execl("/bin/true", "true", nullptr);
  });
  for (std::filesystem::path folder = mount + cgroup; folder != mount; folder = folder.parent_path())
    rmdir(folder.c_str());
  const auto& life = this->life(pid);
  ASSERT_THAT(life.execs, SizeIs(1));
  EXPECT_EQ(life.execs[0].cgroup, cgroup);
}

// The path of this process in the v1 hierarchy of a controller, or in v2 for ""; "" where it is mounted in none.
std::string own_cgroup(const std::string& controller) {
  std::ifstream file("/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    const std::size_t first = line.find(':') + 1, second = line.find(':', first);
    std::istringstream controllers(line.substr(first, second - first) + ",");
    for (std::string one; std::getline(controllers, one, ',');)
      if (one == controller) return line.substr(second + 1);
  }
  return "";
}

TEST_P(ProcessSensorOn, TellsTheV1CgroupWhereTheV2OneIsTheRoot) {
  std::string expected;
  for (const char* controller : {"pids", "memory", "cpu"})
    if (expected.size() < 2) expected = own_cgroup(controller);
  if (own_cgroup("") != "/" || expected.size() < 2)
    GTEST_SKIP() << "missing: a v1 cgroup of pids, memory or cpu that this process is in";
  ASSERT_NO_FATAL_FAILURE(open());
  const auto& life = this->life(run("/bin/true", {"true"}));
  ASSERT_THAT(life.execs, SizeIs(1));
  EXPECT_EQ(life.execs[0].cgroup, expected);
}

TEST_P(ProcessSensorOn, LosesNothingOfTwoThousandRapidExecs) {
  ASSERT_NO_FATAL_FAILURE(open());
  std::vector<pid_t> pids;
  for (int i = 0; i < 2000; ++i) {
    pids.push_back(run("/bin/true", {"true", std::to_string(i)}));
    if (i % 500 == 0) reader_->drain();
  }
  life(pids.back());
  std::map<pid_t, std::vector<std::string>> expected;  // a pid may come round again
  for (std::size_t i = 0; i < pids.size(); ++i) expected[pids[i]].push_back(std::to_string(i));
  for (const auto& [pid, numbers] : expected) {
    const auto& life = heard_.lives[static_cast<std::uint32_t>(pid)];
    ASSERT_EQ(life.execs.size(), numbers.size()) << pid;
    ASSERT_EQ(life.exits.size(), numbers.size()) << pid;
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      ASSERT_THAT(life.execs[i].arguments, ElementsAre("true", numbers[i]));
      ASSERT_EQ(life.execs[i].parent_pid, static_cast<std::uint32_t>(getpid()));
    }
  }
  for (const FamilyCounters& family : sensor_->counters()) {
    EXPECT_GE(family.counters.seen, 2000U) << family.family;
    EXPECT_EQ(family.counters.seen, family.counters.submitted) << family.family;
    EXPECT_EQ(family.missed, 0U) << family.family;
  }
}

TEST_P(ProcessSensorOn, CountsEachRecordThatFindsTheRingFull) {
  ASSERT_NO_FATAL_FAILURE(open(4096));
  for (int i = 0; i < 100; ++i) run("/bin/true", {"true"});
  for (const char* family : {"process_exec", "process_fork", "process_exit"}) {
    const family_counters counters = this->counters(family);
    EXPECT_GT(counters.ring_full, 0U) << family;
    EXPECT_EQ(counters.seen, counters.submitted + counters.ring_full) << family;
  }
  reader_->drain();
  const auto& life = this->life(run("/bin/true", {"true"}));
  EXPECT_THAT(life.execs, SizeIs(1));
}

TEST_P(ProcessSensorOn, RefusesARungThatItDoesNotHave) {
  auto rings = bpf::Rings::make(4096, 4096);
  ASSERT_TRUE(rings);
  settings_.rung = "kprobe";
  const auto sensor = process_descriptor.open(Context{*rings, heard_, settings_, 0}, report_);
  ASSERT_FALSE(sensor);
  EXPECT_THAT(sensor.error().message, testing::HasSubstr("tp_btf, raw_tp"));
}

}  // namespace
}  // namespace subfloor::sensors
