// SPDX-License-Identifier: Apache-2.0
// What the probes say must agree with what the kernel says of itself; none of it is pinned to one kernel.
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <gmock/gmock.h>
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <map>
#include <set>

#include "base/fd.h"
#include "bpf/features.h"
#include "bpf/libbpf_log.h"
#include "bpf/pseudo_fs.h"

namespace subfloor::bpf {
namespace {

using ::testing::HasSubstr;

class Features : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { all = probe_features(); }

  void SetUp() override {
    if (!effective_capabilities().missing({CAP_BPF, CAP_PERFMON, CAP_NET_ADMIN, CAP_SYS_ADMIN}).empty())
      GTEST_SKIP() << "missing: CAP_BPF, CAP_PERFMON, CAP_NET_ADMIN, CAP_SYS_ADMIN";
  }

  static const Feature& feature(const std::string& name) {
    static const Feature absent;
    const auto found = std::find_if(all.begin(), all.end(), [&](const Feature& one) { return one.name == name; });
    EXPECT_NE(found, all.end()) << name;
    return found == all.end() ? absent : *found;
  }

  static std::vector<Feature> all;
};

std::vector<Feature> Features::all;

TEST_F(Features, HaveEachANameAUseAndAReasonWhereTheyAreMissing) {
  std::set<std::string> names;
  for (const Feature& one : all) {
    EXPECT_TRUE(names.insert(one.name).second) << one.name << " twice";
    EXPECT_FALSE(one.used_by.empty()) << one.name;
    if (one.state != State::yes) {
      EXPECT_FALSE(one.why.empty()) << one.name;
    }
    EXPECT_EQ(one.why.find('\n'), std::string::npos) << one.name;
  }
}

TEST_F(Features, OfOneGroupFollowEachOther) {
  std::set<std::string> closed;
  std::string open;
  for (const Feature& one : all) {
    if (one.group == open) continue;
    EXPECT_TRUE(closed.insert(one.group).second) << one.group << " in two places";
    open = one.group;
  }
}

TEST_F(Features, ThatTypedTracepointsNeedAreExactlyThoseInTheKernelsTypes) {
  const std::unique_ptr<btf, decltype(&btf__free)> types(btf__load_vmlinux_btf(), btf__free);
  ASSERT_TRUE(types) << "missing: the kernel's BTF";
  std::size_t checked = 0;
  for (const Feature& one : all) {
    if (!one.name.starts_with("tp_btf ") || one.name.find(" with ") != std::string::npos) continue;
    const std::string type = "btf_trace_" + one.name.substr(7);
    const bool known = btf__find_by_name_kind(types.get(), type.c_str(), BTF_KIND_TYPEDEF) > 0;
    EXPECT_EQ(one.state, known ? State::yes : State::no) << one.name << ": " << one.why;
    if (!known) {
      EXPECT_THAT(one.why, HasSubstr("not in the kernel's BTF"));
    }
    ++checked;
  }
  EXPECT_GT(checked, 8U);
}

TEST_F(Features, NeverClaimAMapTypeThatLibbpfCannotCreate) {
  const std::map<std::string, bpf_map_type> types = {{"ring buffer", BPF_MAP_TYPE_RINGBUF},
                                                     {"per-CPU array", BPF_MAP_TYPE_PERCPU_ARRAY},
                                                     {"LRU hash", BPF_MAP_TYPE_LRU_HASH},
                                                     {"task storage", BPF_MAP_TYPE_TASK_STORAGE},
                                                     {"socket storage", BPF_MAP_TYPE_SK_STORAGE},
                                                     {"inode storage", BPF_MAP_TYPE_INODE_STORAGE},
                                                     {"cgroup storage", BPF_MAP_TYPE_CGRP_STORAGE},
                                                     {"LPM trie", BPF_MAP_TYPE_LPM_TRIE},
                                                     {"bloom filter", BPF_MAP_TYPE_BLOOM_FILTER},
                                                     {"sockmap", BPF_MAP_TYPE_SOCKMAP},
                                                     {"sockhash", BPF_MAP_TYPE_SOCKHASH}};
  const LibbpfLog quiet;
  for (const auto& [name, type] : types)
    EXPECT_EQ(feature(name).state == State::yes, libbpf_probe_bpf_map_type(type, nullptr) == 1)
        << name << ": " << feature(name).why;
}

TEST_F(Features, NeverClaimAProgramOfATypeThatLibbpfCannotLoad) {
  const std::map<std::string, bpf_prog_type> types = {{"sk_msg", BPF_PROG_TYPE_SK_MSG},
                                                      {"sk_skb verdict", BPF_PROG_TYPE_SK_SKB},
                                                      {"sk_lookup", BPF_PROG_TYPE_SK_LOOKUP},
                                                      {"sockops", BPF_PROG_TYPE_SOCK_OPS},
                                                      {"cgroup/connect4", BPF_PROG_TYPE_CGROUP_SOCK_ADDR},
                                                      {"cgroup/skb ingress", BPF_PROG_TYPE_CGROUP_SKB},
                                                      {"XDP", BPF_PROG_TYPE_XDP},
                                                      {"tc clsact", BPF_PROG_TYPE_SCHED_CLS},
                                                      {"netfilter link", BPF_PROG_TYPE_NETFILTER},
                                                      {"raw tracepoint", BPF_PROG_TYPE_RAW_TRACEPOINT},
                                                      {"LSM", BPF_PROG_TYPE_LSM}};
  const LibbpfLog quiet;
  for (const auto& [name, type] : types)
    if (feature(name).state == State::yes) {
      EXPECT_EQ(libbpf_probe_bpf_prog_type(type, nullptr), 1) << name;
    }
}

TEST_F(Features, HaveKprobesOnlyWhereTheKernelOffersTheEventSource) {
  const bool offered = std::filesystem::exists("/sys/bus/event_source/devices/kprobe");
  if (!offered) {
    EXPECT_EQ(feature("kprobe tcp_sendmsg").state, State::no);
    EXPECT_THAT(feature("kprobe tcp_sendmsg").why, HasSubstr("without kprobes"));
    EXPECT_NE(feature("bpf_override_return").state, State::yes);
  } else {
    EXPECT_EQ(feature("kprobe tcp_sendmsg").state, State::yes) << feature("kprobe tcp_sendmsg").why;
  }
}

TEST_F(Features, HaveLsmOnlyWhereBpfIsAmongTheActiveSecurityModules) {
  const Result<PseudoFs> security = open_pseudo_fs("securityfs");
  ASSERT_TRUE(security) << security.error().message;
  const Result<std::string> modules = read_file_at(security->root, "lsm");
  const bool active = modules && ("," + *modules + ",").find(",bpf,") != std::string::npos;
  if (!active) {
    EXPECT_EQ(feature("LSM").state, State::no) << feature("LSM").why;
  }
  // Trampolines carry all of them: fentry and LSM programs come together where bpf is active.
  if (active && feature("fentry tcp_sendmsg").state == State::yes) {
    EXPECT_EQ(feature("LSM").state, State::yes) << feature("LSM").why;
  }
}

TEST_F(Features, RefusedByTheKernelSayWhyInWordsAndByName) {
  for (const Feature& one : all)
    if (one.state == State::no && one.why.starts_with("load")) {
      EXPECT_THAT(one.why, HasSubstr("(E")) << one.name;
    }
}

// Programs named as the probes name theirs.
std::size_t probes_in_the_kernel() {
  std::size_t found = 0;
  for (std::uint32_t id = 0; bpf_prog_get_next_id(id, &id) == 0;) {
    const Fd program(bpf_prog_get_fd_by_id(id));
    bpf_prog_info info{};
    std::uint32_t size = sizeof info;
    if (program && bpf_prog_get_info_by_fd(program.get(), &info, &size) == 0)
      found += std::string_view(info.name) == "subfloor_probe" ? 1 : 0;
  }
  for (std::uint32_t id = 0; bpf_map_get_next_id(id, &id) == 0;) {
    const Fd map(bpf_map_get_fd_by_id(id));
    bpf_map_info info{};
    std::uint32_t size = sizeof info;
    if (map && bpf_map_get_info_by_fd(map.get(), &info, &size) == 0)
      found += std::string_view(info.name) == "subfloor_probe" ? 1 : 0;
  }
  return found;
}

TEST_F(Features, AreProbedWithoutATrace) {
  const std::vector<std::string> before = mount_points("tracefs");
  const std::vector<Feature> again = probe_features();
  ASSERT_EQ(again.size(), all.size());
  // A link lets go of its program after a grace period; membarrier waits for one.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (probes_in_the_kernel() > 0 && std::chrono::steady_clock::now() < deadline)
    ::syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
  EXPECT_EQ(probes_in_the_kernel(), 0U);
  EXPECT_EQ(mount_points("tracefs"), before);
  for (const std::string& mount : mount_points("cgroup2"))
    EXPECT_FALSE(std::filesystem::exists(mount + "/subfloor-probe-" + std::to_string(::getpid())));
}

TEST_F(Features, ComeOutTheSameASecondTime) {
  const std::vector<Feature> again = probe_features();
  ASSERT_EQ(again.size(), all.size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(again[i].name, all[i].name);
    EXPECT_EQ(again[i].state, all[i].state) << all[i].name << ": " << all[i].why << " / " << again[i].why;
  }
}

// What a user without privileges is told and should not be; "" where all is well.
std::string mistakes_as_nobody() {
  constexpr uid_t nobody = 65534;
  if (::setresgid(nobody, nobody, nobody) != 0 || ::setresuid(nobody, nobody, nobody) != 0)
    return "cannot become nobody";
  if (!effective_capabilities().effective.empty()) return "capabilities are left";
  std::string mistakes;
  std::size_t unknown = 0;
  for (const Feature& one : probe_features()) {
    const bool right = one.needs.empty() || (one.state == State::unknown && one.why == "not tried: needs " + one.needs);
    if (!right) mistakes += one.name + ": " + one.why + "\n";
    unknown += one.state == State::unknown ? 1 : 0;
  }
  if (unknown <= 40) mistakes += "only " + std::to_string(unknown) + " unknown";
  return mistakes;
}

TEST_F(Features, AreUnknownToAUserWithoutPrivileges) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const Fd from(ends[0]);
  Fd to(ends[1]);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const std::string mistakes = mistakes_as_nobody();
    ::_exit(::write(to.get(), mistakes.data(), mistakes.size()) == static_cast<ssize_t>(mistakes.size()) ? 0 : 1);
  }
  {
    const Fd closed = std::move(to);
  }
  char mistakes[4096];
  const ssize_t size = ::read(from.get(), mistakes, sizeof mistakes);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "crashed: status " << status;
  EXPECT_EQ(std::string(mistakes, static_cast<std::size_t>(std::max<ssize_t>(size, 0))), "");
}

}  // namespace
}  // namespace subfloor::bpf
