// SPDX-License-Identifier: Apache-2.0
#include "cli/doctor.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <sstream>

namespace subfloor::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

constexpr Look plain{0, false, false};

SensorFinding attached(const std::string& name, const std::string& rung) {
  SensorFinding finding;
  finding.report.sensor = name;
  finding.report.rung = rung;
  return finding;
}

SensorFinding refused(const std::string& name, const std::string& why) {
  SensorFinding finding;
  finding.report.sensor = name;
  finding.why = why;
  return finding;
}

Diagnosis healthy() {
  Diagnosis diagnosis;
  diagnosis.kernel = "6.18.0";
  diagnosis.machine = "x86_64, 4 CPUs";
  diagnosis.sensors = {attached("process", "tp_btf"), attached("tcp", "tracepoint")};
  diagnosis.sensors[1].report.lost = "bytes of splice";
  diagnosis.sensors[1].report.refused = {{"fentry", "load: Operation not permitted (EPERM)"}};
  diagnosis.features = {
      {"ring buffer", "maps", bpf::State::yes, "", "CAP_BPF", "all records"},
      {"LSM", "enforcement", bpf::State::no, "load: Operation not permitted (EPERM)", "CAP_BPF, CAP_PERFMON", "deny"},
      {"XDP", "network", bpf::State::unknown, "not tried: needs CAP_NET_ADMIN", "CAP_NET_ADMIN", "floods dropped"}};
  diagnosis.capabilities.effective = {CAP_BPF, CAP_PERFMON};
  return diagnosis;
}

TEST(Doctor, SaysThatObservingWorksWhereBothItsSensorsAttach) {
  EXPECT_THAT(healthy().observing_lacks(), IsEmpty());
  EXPECT_EQ(exit_code(healthy()), 0);
  EXPECT_THAT(to_table(healthy(), plain), StartsWith("This kernel can: observe +\n"));
}

TEST(Doctor, NamesTheSensorThatObservingLacks) {
  Diagnosis diagnosis = healthy();
  diagnosis.sensors[1] = refused("tcp", "no rung");
  EXPECT_THAT(diagnosis.observing_lacks(), ElementsAre("sensor tcp: no rung"));
  EXPECT_EQ(exit_code(diagnosis), 3);
  EXPECT_THAT(to_table(diagnosis, plain), StartsWith("This kernel can: observe -\n  lacking  sensor tcp: no rung\n"));
}

TEST(Doctor, DoesNotCallAKernelUnableThatItCouldNotTry) {
  Diagnosis diagnosis = healthy();
  diagnosis.sensors = {refused("process", "not tried: needs CAP_BPF"), refused("tcp", "not tried: needs CAP_BPF")};
  EXPECT_EQ(exit_code(diagnosis), 3);
  EXPECT_THAT(to_table(diagnosis, plain), StartsWith("This kernel can: observe ?\n"));
}

TEST(Doctor, MissesASensorThatTheBuildDoesNotHave) {
  Diagnosis diagnosis = healthy();
  diagnosis.sensors.erase(diagnosis.sensors.begin());
  EXPECT_THAT(diagnosis.observing_lacks(), ElementsAre("sensor process: not in this build"));
}

TEST(Doctor, TellsForEachSensorItsRungWhatIsLostAndWhyBetterOnesWereRefused) {
  const std::string table = to_table(healthy(), plain);
  EXPECT_THAT(table, HasSubstr("  + tcp      by tracepoint\n"
                               "             lost by it: bytes of splice\n"
                               "             refused: fentry: load: Operation not permitted (EPERM)\n"));
  EXPECT_THAT(table, HasSubstr("  + process  by tp_btf\n             nothing is lost\n"));
}

TEST(Doctor, TellsOfRefusedFeaturesWhyAndWhatIsLost) {
  const std::string table = to_table(healthy(), plain);
  EXPECT_THAT(table, HasSubstr("  - LSM          load: Operation not permitted (EPERM) | lost: deny\n"));
  EXPECT_THAT(table, HasSubstr("  ? XDP          not tried: needs CAP_NET_ADMIN | for: floods dropped\n"));
}

TEST(Doctor, UsesPlainAsciiWithoutColoursUnlessTold) {
  for (const char c : to_table(healthy(), plain))
    ASSERT_TRUE(c == '\n' || (c >= 0x20 && c < 0x7f)) << static_cast<int>(c);
  const std::string rich = to_table(healthy(), Look{0, true, true});
  EXPECT_THAT(rich, HasSubstr("\x1b[32m✓\x1b[0m"));
  EXPECT_THAT(rich, HasSubstr("\x1b[31m✗\x1b[0m"));
}

TEST(Doctor, BreaksLinesAtTheTerminalsWidth) {
  std::istringstream lines(to_table(healthy(), Look{60, false, false}));
  std::string line;
  std::size_t broken = 0;
  while (std::getline(lines, line)) {
    EXPECT_LE(line.size(), 60U) << line;
    broken += line.starts_with("                 ") ? 1 : 0;
  }
  EXPECT_GT(broken, 0U);
}

TEST(Doctor, KeepsControlBytesInReasonsFromTheTerminal) {
  Diagnosis diagnosis = healthy();
  diagnosis.features[1].why = "bad\x1b[2J\nreason";
  EXPECT_THAT(to_table(diagnosis, plain), Not(HasSubstr("\x1b")));
}

TEST(Doctor, WritesOneJsonObjectWithEverythingInIt) {
  const std::string text = to_json(healthy());
  EXPECT_THAT(text, Not(HasSubstr("\n")));
  const auto json = nlohmann::json::parse(text);
  EXPECT_EQ(json["kernel"], "6.18.0");
  EXPECT_EQ(json["machine"], "x86_64, 4 CPUs");
  EXPECT_EQ(json["verdict"]["observe"], true);
  EXPECT_EQ(json["sensors"][1]["rung"], "tracepoint");
  EXPECT_EQ(json["sensors"][1]["lost"], "bytes of splice");
  EXPECT_EQ(json["sensors"][1]["refused"][0]["rung"], "fentry");
  EXPECT_EQ(json["features"][1]["state"], "no");
  EXPECT_EQ(json["features"][1]["needs"], "CAP_BPF, CAP_PERFMON");
  EXPECT_EQ(json["features"][2]["state"], "unknown");
  EXPECT_EQ(json["capabilities"]["CAP_BPF"], true);
  EXPECT_EQ(json["capabilities"]["CAP_SYS_ADMIN"], false);
}

TEST(Doctor, WritesJsonOfReasonsThatAreNoUtf8) {
  Diagnosis diagnosis = healthy();
  diagnosis.features[1].why = "bad \xff byte";
  EXPECT_TRUE(nlohmann::json::accept(to_json(diagnosis)));
}

TEST(Doctor, DoesNotOpenSensorsWithoutTheCapabilities) {
  const sensors::Descriptor descriptor{
      "tcp", [](const sensors::Context&, bpf::LadderReport&) -> Result<std::unique_ptr<sensors::Sensor>> {
        ADD_FAILURE() << "opened";
        return fail("opened");
      }};
  const sensors::Descriptor* const all[] = {&descriptor};
  bpf::ProbeOptions none;
  none.capabilities = {};
  const Diagnosis diagnosis = diagnose(all, none);
  ASSERT_EQ(diagnosis.sensors.size(), 1U);
  EXPECT_EQ(diagnosis.sensors[0].report.sensor, "tcp");
  EXPECT_EQ(diagnosis.sensors[0].why, "not tried: needs CAP_BPF, CAP_PERFMON");
  EXPECT_EQ(exit_code(diagnosis), 3);
}

}  // namespace
}  // namespace subfloor::cli
