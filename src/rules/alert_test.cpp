// SPDX-License-Identifier: Apache-2.0
#include "rules/alert.h"

#include <cstdlib>
#include <ctime>
#include <nlohmann/json.hpp>

#include "rules/testing.h"

namespace subfloor::rules {
namespace {

using namespace testing;

constexpr Nanoseconds when = 1'785'508'411'726'060'287;  // 2026-07-31T14:33:31.726060287Z

class Alerts : public ::testing::Test {
 protected:
  void SetUp() override {
    setenv("TZ", "UTC", 1);
    tzset();
  }
  void TearDown() override {
    unsetenv("TZ");
    tzset();
  }

  static Alert alert_of(const std::string& output, Fields fields) {
    const Loaded loaded = load_text("- rule: A rule\n  condition: evt.type = openat\n  desc: d\n  output: \"" + output +
                                    "\"\n  priority: warning\n  tags: [t2, t1]\n");
    EXPECT_EQ(loaded.report.errors(), 0U);
    Fixture event = make_event(fields);
    Evaluator evaluator(loaded.rules);
    EXPECT_EQ(evaluator.first_match(event), 0U);
    return make_alert(loaded.rules->rules.at(0), evaluator, event, {when, "node1"});
  }

  static std::string message_of(const std::string& output, Fields fields) { return alert_of(output, fields).message; }
};

TEST_F(Alerts, FieldsStandInTheText) {
  EXPECT_EQ(message_of("%proc.name did %evt.type of %fd.name.", {{"proc.name", "cat"}, {"fd.name", "/etc/shadow"}}),
            "cat did openat of /etc/shadow.");
  EXPECT_EQ(message_of("(%proc.aname[2]) %evt.arg.flags,%evt.arg[1]",
                       {{"proc.aname[2]", "sshd"}, {"evt.arg.flags", "O_RDONLY"}}),
            "(sshd) O_RDONLY,<NA>");
  EXPECT_EQ(
      message_of(
          "uid=%user.uid tty=%proc.tty up=%proc.is_exe_upper_layer ip=%fd.sip m=%container.mounts",
          {{"user.uid", "0"}, {"proc.is_exe_upper_layer", "true"}, {"fd.sip", "::1"}, {"container.mounts", "[a b]"}}),
      "uid=0 tty=<NA> up=true ip=::1 m=(a,b)");
}

TEST_F(Alerts, AWidthCutsOrFills) {
  EXPECT_EQ(message_of("[%5proc.name][%2proc.name]", {{"proc.name", "cat"}}), "[cat  ][ca]");
}

TEST_F(Alerts, TransformersStandInTheText) {
  EXPECT_EQ(message_of("%toupper(proc.name) %len(proc.name)", {{"proc.name", "cat"}}), "CAT 3");
}

TEST_F(Alerts, AreALineWithTimeAndPriority) {
  EXPECT_EQ(to_line(alert_of("%proc.name", {{"proc.name", "cat"}})), "14:33:31.726060287: Warning cat");
}

TEST_F(Alerts, StayOneLineWhateverIsInThem) {
  EXPECT_EQ(to_line(alert_of("%proc.args", {{"proc.args", "a\nb\x1b[2J \xff"}})),
            "14:33:31.726060287: Warning a\\nb\\u001b[2J \xef\xbf\xbd");
}

TEST_F(Alerts, AreJsonInFalcosShape) {
  const Alert alert = alert_of("%proc.name %user.uid %container.id %toupper(proc.pname)",
                               {{"proc.name", "cat"}, {"user.uid", "1000"}, {"proc.pname", "bash"}});
  EXPECT_EQ(
      to_json(alert),
      R"({"hostname":"node1","output":"14:33:31.726060287: Warning cat 1000 <NA> BASH","output_fields":)"
      R"({"container.id":null,"evt.time":1785508411726060287,"proc.name":"cat","proc.pname":"bash","user.uid":1000},)"
      R"("priority":"Warning","rule":"A rule","source":"syscall","tags":["t1","t2"],)"
      R"("time":"2026-07-31T14:33:31.726060287Z"})");
}

TEST_F(Alerts, TellTimesOfTheirOwn) {
  EXPECT_EQ(message_of("%evt.time %evt.time.s %evt.time.iso8601 %evt.datetime.s %evt.rawtime.s %evt.hostname", {}),
            "14:33:31.726060287 14:33:31 2026-07-31T14:33:31.726060287Z 2026-07-31 14:33:31 1785508411 node1");
}

}  // namespace
}  // namespace subfloor::rules
