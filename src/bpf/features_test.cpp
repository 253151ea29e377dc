// SPDX-License-Identifier: Apache-2.0
#include "bpf/features.h"

#include <bpf/libbpf.h>
#include <gmock/gmock.h>

#include "bpf/libbpf_log.h"

namespace subfloor::bpf {
namespace {

using ::testing::HasSubstr;

TEST(Capabilities, SysAdminStandsForBpfPerfmonAndNetAdminOnly) {
  Capabilities capabilities;
  capabilities.effective = {CAP_SYS_ADMIN};
  EXPECT_TRUE(capabilities.missing({CAP_BPF, CAP_PERFMON, CAP_NET_ADMIN}).empty());
  EXPECT_EQ(to_string(capabilities.missing({CAP_BPF, CAP_SYS_PTRACE})), "CAP_SYS_PTRACE");
}

TEST(Capabilities, DoNotCountInAnotherUserNamespace) {
  Capabilities capabilities;
  capabilities.effective.bits = ~std::uint64_t{0};
  capabilities.initial_user_namespace = false;
  EXPECT_EQ(to_string(capabilities.missing({CAP_BPF, CAP_PERFMON})), "CAP_BPF, CAP_PERFMON");
}

TEST(Features, WithoutCapabilitiesAreUnknownAndNameWhatIsMissing) {
  ProbeOptions none;
  none.capabilities = {};
  std::size_t gated = 0;
  for (const Feature& feature : probe_features(none)) {
    if (feature.needs.empty()) continue;
    ++gated;
    EXPECT_EQ(feature.state, State::unknown) << feature.name;
    EXPECT_EQ(feature.why, "not tried: needs " + feature.needs) << feature.name;
  }
  EXPECT_GT(gated, 40U);
}

TEST(Features, InAnotherUserNamespaceSayWhoseCapabilitiesAreMissing) {
  ProbeOptions nested;
  nested.capabilities.effective.bits = ~std::uint64_t{0};
  nested.capabilities.initial_user_namespace = false;
  for (const Feature& feature : probe_features(nested)) {
    if (feature.group == "privileges") {
      EXPECT_EQ(feature.state, State::no) << feature.name;
    }
    if (feature.name == "ring buffer") {
      EXPECT_EQ(feature.state, State::unknown);
      EXPECT_THAT(feature.why, HasSubstr("initial user namespace"));
    }
  }
}

TEST(VerifierLog, IsCutToTheLineThatSaysWhatIsWrong) {
  EXPECT_EQ(last_meaningful_line("func#0 @0\n0: R1=ctx() R10=fp0\n0: (85) call bpf_override_return#58\n"
                                 "program of this type cannot use helper bpf_override_return#58\n"
                                 "processed 1 insns (limit 1000000) max_states_per_insn 0 total_states 0\n\n"),
            "program of this type cannot use helper bpf_override_return#58");
}

TEST(VerifierLog, IsFoundWithinWhatLibbpfPrints) {
  EXPECT_EQ(last_meaningful_line("libbpf: prog 'on_exec': BPF program load failed: Permission denied\n"
                                 "libbpf: prog 'on_exec': -- BEGIN PROG LOAD LOG --\n0: R1=ctx()\n"
                                 "R1 invalid mem access 'scalar'\nprocessed 3 insns (limit 1000000)\n"
                                 "-- END PROG LOAD LOG --\nlibbpf: prog 'on_exec': failed to load: -13\n"
                                 "libbpf: failed to load object 'process_bpf'\n"
                                 "libbpf: failed to load BPF skeleton 'process_bpf': -13\n"),
            "R1 invalid mem access 'scalar'");
}

TEST(VerifierLog, NamesTheTracepointThatTheKernelDoesNotHave) {
  EXPECT_EQ(
      last_meaningful_line("libbpf: prog 'on_send': failed to find kernel BTF type ID of 'tcp_sendmsg_locked': -3\n"
                           "libbpf: prog 'on_send': failed to prepare load attributes: -3\n"
                           "libbpf: prog 'on_send': failed to load: -3\n"
                           "libbpf: failed to load object 'tcp_bpf'\n"),
      "libbpf: prog 'on_send': failed to find kernel BTF type ID of 'tcp_sendmsg_locked': -3");
}

TEST(LibbpfLog, KeepsWhatLibbpfSaysFromStandardErrorAndGivesThePlaceBack) {
  const auto print = [](libbpf_print_level, const char*, va_list) { return 0; };
  const libbpf_print_fn_t before = libbpf_set_print(print);
  {
    LibbpfLog log;
    EXPECT_EQ(bpf_object__open_mem("no ELF file", 11, nullptr), nullptr);
    EXPECT_THAT(log.take(), HasSubstr("libbpf: "));
    EXPECT_EQ(log.take(), "");
  }
  EXPECT_EQ(libbpf_set_print(before), static_cast<libbpf_print_fn_t>(print));
}

TEST(VerifierLog, OfNothingButInstructionsGivesNothing) {
  EXPECT_EQ(last_meaningful_line("0: (95) exit\nprocessed 1 insns (limit 1000000)\n"), "");
  EXPECT_EQ(last_meaningful_line(""), "");
}

}  // namespace
}  // namespace subfloor::bpf
