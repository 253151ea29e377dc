// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <vector>

#include "cli/doctor.h"

namespace subfloor::cli {
namespace {

using ::testing::HasSubstr;

struct Finished {
  int exit_code = -1;  // -1: crashed
  std::string output;
};

// In a process of its own, which first does what `before` says.
Finished doctor_in_a_child(bool json, bool (*before)()) {
  Finished run;
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> out(std::tmpfile(), std::fclose);
  if (!out) return run;
  const pid_t child = ::fork();
  if (child == 0) ::_exit(before() ? doctor(json, out.get()) : 99);
  int status = 0;
  if (child < 0 || ::waitpid(child, &status, 0) != child || !WIFEXITED(status)) return run;
  run.exit_code = WEXITSTATUS(status);
  std::rewind(out.get());
  std::vector<char> buffer(1 << 20);
  run.output.assign(buffer.data(), std::fread(buffer.data(), 1, buffer.size(), out.get()));
  return run;
}

bool become_nobody() {
  constexpr uid_t nobody = 65534;
  return ::setresgid(nobody, nobody, nobody) == 0 && ::setresuid(nobody, nobody, nobody) == 0;
}

bool stay() { return true; }

TEST(DoctorOnThisKernel, TellsAUserWithoutPrivilegesWhatItCouldNotProbe) {
  const Finished run = doctor_in_a_child(true, become_nobody);
  ASSERT_EQ(run.exit_code, 3) << run.output;
  const auto json = nlohmann::json::parse(run.output);
  EXPECT_EQ(json["verdict"]["observe"], false);
  for (const auto& sensor : json["sensors"]) {
    EXPECT_TRUE(sensor["rung"].is_null());
    EXPECT_EQ(sensor["why"], "not tried: needs CAP_BPF, CAP_PERFMON");
  }
  const auto& features = json["features"];
  EXPECT_GT(std::count_if(features.begin(), features.end(), [](const auto& one) { return one["state"] == "unknown"; }),
            40);
  EXPECT_EQ(json["capabilities"]["CAP_BPF"], false);
}

TEST(DoctorOnThisKernel, GivesTheSameVerdictInTableJsonAndExitCode) {
  const Finished table = doctor_in_a_child(false, stay), text = doctor_in_a_child(true, stay);
  const auto json = nlohmann::json::parse(text.output);
  EXPECT_EQ(table.exit_code, text.exit_code);
  EXPECT_EQ(text.exit_code, json["verdict"]["observe"].get<bool>() ? 0 : 3);
  EXPECT_EQ(json["verdict"]["missing"].empty(), json["verdict"]["observe"].get<bool>());
  EXPECT_THAT(table.output, HasSubstr("This kernel can: observe"));
  for (const auto& sensor : json["sensors"]) {
    EXPECT_THAT(table.output, HasSubstr(sensor["name"].get<std::string>()));
    // With a rung or with a reason, and with a reason for each better rung.
    EXPECT_EQ(sensor["rung"].is_null(), !sensor["why"].get<std::string>().empty()) << sensor;
    for (const auto& refusal : sensor["refused"]) EXPECT_FALSE(refusal["why"].get<std::string>().empty()) << sensor;
  }
}

}  // namespace
}  // namespace subfloor::cli
