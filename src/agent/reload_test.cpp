// SPDX-License-Identifier: Apache-2.0
#include "agent/reload.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace subfloor::agent {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(Reload, TellsWhatCanBeTakenOverFromWhatNeedsARestart) {
  const Config running;
  Config wanted;
  wanted.telemetry.window = 1'000'000'000;
  wanted.log.level = log::Level::debug;
  wanted.capture.rung = "syscall";
  wanted.api.socket = "/elsewhere";
  const ConfigChange change = compare_configs(running, wanted);
  EXPECT_THAT(change.applied, ElementsAre("telemetry.window", "log.level"));
  EXPECT_THAT(change.restart, ElementsAre("capture.rung", "api.socket"));
  EXPECT_EQ(change.effective.telemetry.window, wanted.telemetry.window);
  EXPECT_EQ(change.effective.capture.rung, running.capture.rung) << "what is in force is said to be in force";
  EXPECT_EQ(change.effective.api.socket, running.api.socket);
  EXPECT_TRUE(change.applies("telemetry"));
  EXPECT_TRUE(change.applies("telemetry.window"));
  EXPECT_FALSE(change.applies("tele"));
  EXPECT_FALSE(change.applies("capture"));
}

TEST(Reload, FindsNothingWhereNothingChanged) {
  const ConfigChange change = compare_configs({}, {});
  EXPECT_THAT(change.applied, IsEmpty());
  EXPECT_THAT(change.restart, IsEmpty());
  EXPECT_EQ(change.effective, Config());
}

}  // namespace
}  // namespace subfloor::agent
