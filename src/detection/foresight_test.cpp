// SPDX-License-Identifier: Apache-2.0
#include "detection/foresight.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <memory>

#include "rules/load.h"

namespace subfloor::detection {
namespace {

using rules::operator""_event;

std::unique_ptr<rules::Evaluator> evaluator(const std::string& condition) {
  const std::string text = "- rule: r\n  condition: " + condition + "\n  desc: d\n  output: o\n  priority: INFO\n";
  rules::Loaded loaded = rules::load({rules::Source("r.yaml", text)});
  EXPECT_EQ(loaded.report.errors(), 0U);
  return std::make_unique<rules::Evaluator>(loaded.rules);
}

// Whether a rule could match opens of that path for these accesses.
bool could_match(const std::string& condition, std::string_view path, std::uint8_t accesses) {
  const auto rules = evaluator(condition);
  Syscall call;
  call.file.emplace();
  call.file->path = path;
  call.file->mode = S_IFREG;
  call.file->accesses = accesses;
  const Event event{
      .type = "openat"_event, .syscall = &call, .process = std::make_shared<const Process>(), .workload = nullptr};
  EventFacts facts([](std::uint32_t) { return std::make_shared<const Process>(); });
  facts.begin(event);
  return name_could_match(*rules, facts, *call.file);
}

const char* const write_below_etc =
    "evt.type in (open, openat) and evt.is_open_write = true and fd.name startswith /etc/";

TEST(Foresight, ANameThatNoRuleIsAboutCannotMatch) {
  EXPECT_TRUE(could_match(write_below_etc, "/etc/passwd", access_read | access_write));
  EXPECT_FALSE(could_match(write_below_etc, "/home/notes", access_read | access_write));
}

TEST(Foresight, NorCanOneThatIsOpenedForSomethingElse) {
  EXPECT_FALSE(could_match(write_below_etc, "/etc/passwd", access_read));
}

// A verdict for reading and writing holds for reading alone, too.
TEST(Foresight, WhatItIsOpenedForMayBeLess) {
  const std::string only_read = "evt.type = openat and evt.is_open_write = false and fd.name = /etc/passwd";
  EXPECT_TRUE(could_match(only_read, "/etc/passwd", access_read | access_write));
}

TEST(Foresight, WhoeverItIsAndHoweverItIsDone) {
  EXPECT_TRUE(could_match("evt.type = openat and proc.name = cat", "/etc/passwd", access_read));
  EXPECT_TRUE(could_match("evt.type = openat and fd.nameraw contains ..", "/etc/passwd", access_read));
  EXPECT_TRUE(could_match("evt.type = open and fd.name = /etc/passwd", "/etc/passwd", access_read));  // not openat
  EXPECT_TRUE(could_match("evt.type = openat and not proc.name exists", "/etc/passwd", access_read));
}

TEST(Foresight, OpensThatFailedAreWantedWhereARuleAsksForThem) {
  const auto read = evaluator("evt.type = openat and evt.is_open_read = true and fd.num >= 0 and proc.name = cat");
  const auto failed = evaluator("evt.type = openat and evt.failed = true");
  ASSERT_EQ(wanted_calls(*read).size(), 1U);
  EXPECT_FALSE(wanted_calls(*read)[0].failures);
  EXPECT_TRUE(wanted_calls(*failed)[0].failures);
}

TEST(Foresight, SendsWithoutAnAddressAreWantedWhereARuleAsksForThem) {
  const auto changed = evaluator("evt.type = sendto and fd.name_changed = true and fd.sport = 53");
  const auto any = evaluator("evt.type = sendto and fd.sport = 53");
  EXPECT_TRUE(wanted_calls(*changed)[0].addressed_only);
  EXPECT_FALSE(wanted_calls(*any)[0].addressed_only);
}

TEST(Foresight, ExecsAreToldOfAnyhow) {
  EXPECT_TRUE(wanted_calls(*evaluator("evt.type in (execve, execveat) and proc.name = cat")).empty());
}

}  // namespace
}  // namespace subfloor::detection
