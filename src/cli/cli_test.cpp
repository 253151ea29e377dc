// SPDX-License-Identifier: Apache-2.0
// The program as a whole, as far as it goes without a kernel: exit codes, and views of an agent that is played by the
// test.
#include "cli/cli.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <thread>
#include <vector>

#include "exporters/api/server.h"

namespace subfloor::cli {
namespace {

using testing::HasSubstr;

struct Outcome {
  int code;
  std::string out, err;
};

Outcome subfloor(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "subfloor");
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  const int code = run(static_cast<int>(arguments.size()), arguments.data());
  std::fflush(stdout);
  std::string out = testing::internal::GetCapturedStdout();
  return {code, std::move(out), testing::internal::GetCapturedStderr()};
}

class CommandLine : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/subfloor-cli-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    folder_ = name;
    config_ = write("good.yaml", "api:\n  socket: " + folder_ + "/api.sock\n");
  }
  void TearDown() override {
    stop_agent();
    for (const std::string& file : files_) std::remove(file.c_str());
    std::remove(folder_.c_str());
  }
  std::string write(const std::string& name, const std::string& text) {
    files_.push_back(folder_ + "/" + name);
    std::ofstream(files_.back()) << text;
    return files_.back();
  }

  // Delivers `calls` calls to each observer, as soon as there is one.
  void play_agent(int calls) {
    auto reactor = Reactor::make();
    ASSERT_TRUE(reactor);
    reactor_ = std::move(*reactor);
    const auto format = [](std::string& out, const Observation& observation) {
      out += R"({"time":"2026-01-31T12:34:56.789123456Z","kind":"server","url.path":")" + observation.call.path + "\"}";
    };
    const auto status = [] {
      return nlohmann::json::parse(R"({"pid":42,"completeness":{"total":1.0},"losses":{"tcp":{"ring_full":0}}})");
    };
    auto server = ApiServer::make(*reactor_, folder_ + "/api.sock", "", {status, format});
    ASSERT_TRUE(server) << server.error().message;
    server_ = std::move(*server);
    ASSERT_TRUE(reactor_->every(1'000'000, [this, calls] {
      for (; server_->observers() > 0 && delivered_ < calls; ++delivered_) publish("/" + std::to_string(delivered_));
    }));
    thread_ = std::thread([this] { reactor_->run(); });
  }
  void publish(const std::string& path) {
    Call call;
    call.path = path;
    call.status = 200;
    server_->publish({call, Connection{}, Process{}, nullptr, "", "", "", ""});
  }
  void stop_agent() {
    if (!thread_.joinable()) return;
    reactor_->stop();
    thread_.join();
    server_.reset();
  }

  std::string folder_, config_;
  std::vector<std::string> files_;
  std::unique_ptr<Reactor> reactor_;
  std::unique_ptr<ApiServer> server_;
  int delivered_ = 0;
  std::thread thread_;
};

TEST_F(CommandLine, TellsVersionAndHelpOnStandardOutput) {
  const Outcome version = subfloor({"--version"});
  EXPECT_EQ(version.code, 0);
  EXPECT_THAT(version.out, HasSubstr("subfloor "));
  for (const char* command : {"agent", "observe", "doctor", "status", "config", "rules"}) {
    const Outcome help = subfloor({command, "--help"});
    EXPECT_EQ(help.code, 0);
    EXPECT_THAT(help.out, HasSubstr("Examples:")) << command;
    EXPECT_EQ(help.err, "");
  }
}

TEST_F(CommandLine, EndsWith2WhenItIsMisused) {
  const std::vector<std::vector<const char*>> misuses{{},
                                                      {"no-such-command"},
                                                      {"observe", "--no-such-flag"},
                                                      {"observe", "--status", "9x"},
                                                      {"observe", "--trace", "xyz"},
                                                      {"observe", "--for", "soon"},
                                                      {"observe", "--for", "0"},
                                                      {"observe", "--ports", "http"},
                                                      {"observe", "--limit", "0"},
                                                      {"observe", "--pid", "0"},
                                                      {"observe", "--rung", "uprobe"},
                                                      {"observe", "-o", "xml"},
                                                      {"status", "-o", "xml"},
                                                      {"config"},
                                                      {"config", "explain", "no.such.key"},
                                                      {"rules"},
                                                      {"rules", "check"},
                                                      {"rules", "check", "/nonexistent.yaml"},
                                                      {"rules", "fields", "no.such"}};
  for (const auto& arguments : misuses) {
    const Outcome outcome = subfloor(arguments);
    EXPECT_EQ(outcome.code, 2) << (arguments.empty() ? "" : arguments.back());
    EXPECT_NE(outcome.err, "");
    EXPECT_EQ(outcome.out, "");
  }
}

TEST_F(CommandLine, PlacesMistakesOfTheConfigurationAndEndsWith2) {
  const std::string bad = write("bad.yaml", "capture:\n  prots: auto\napi:\n  socket: /nonexistent/api.sock\n");
  const std::string place = bad + ":2:3: unknown key 'prots'";
  for (const std::vector<const char*>& arguments :
       std::vector<std::vector<const char*>>{{"config", "check", bad.c_str()},
                                             {"config", "dump", bad.c_str()},
                                             {"agent", "--config", bad.c_str()},
                                             {"--config", bad.c_str(), "agent"},
                                             {"observe", "--config", bad.c_str()},
                                             {"status", "--config", bad.c_str()}}) {
    const Outcome outcome = subfloor(arguments);
    // status goes on to ask the agent, which may have refused this very file, and here there is none.
    EXPECT_EQ(outcome.code, std::string_view(arguments[0]) == "status" ? 4 : 2) << arguments[0];
    EXPECT_THAT(outcome.err, HasSubstr(place)) << arguments[0];
  }
}

TEST_F(CommandLine, ChecksAndDumpsAGoodConfiguration) {
  const Outcome check = subfloor({"config", "check", config_.c_str()});
  EXPECT_EQ(check.code, 0);
  EXPECT_EQ(check.out, "ok: " + config_ + "\n");
  const Outcome dump = subfloor({"config", "dump", config_.c_str()});
  EXPECT_THAT(dump.out, HasSubstr("  socket: " + folder_ + "/api.sock\n"));
  const std::string dumped = write("dumped.yaml", dump.out);
  EXPECT_EQ(subfloor({"config", "dump", dumped.c_str()}).out, dump.out);
}

TEST_F(CommandLine, EndsWith4WhereNoAgentAnswersStatus) {
  const Outcome outcome = subfloor({"status", "--config", config_.c_str()});
  EXPECT_EQ(outcome.code, 4);
  EXPECT_THAT(outcome.err, HasSubstr("no agent answers at " + folder_ + "/api.sock"));
}

TEST_F(CommandLine, ShowsTheAgentsStatus) {
  play_agent(0);
  EXPECT_THAT(subfloor({"status", "--config", config_.c_str()}).out, HasSubstr("pid 42"));
  const Outcome json = subfloor({"status", "--config", config_.c_str(), "-o", "json"});
  EXPECT_EQ(nlohmann::json::parse(json.out)["pid"], 42);
}

TEST_F(CommandLine, ObservesThroughTheAgentUpToTheLimit) {
  play_agent(5);
  const Outcome outcome = subfloor({"observe", "--config", config_.c_str(), "-o", "json", "--limit", "3"});
  EXPECT_EQ(outcome.code, 0);
  std::string expected;
  for (const char* path : {"/0", "/1", "/2"})
    expected +=
        R"({"time":"2026-01-31T12:34:56.789123456Z","kind":"server","url.path":")" + std::string(path) + "\"}\n";
  EXPECT_EQ(outcome.out, expected);
  EXPECT_THAT(outcome.err, HasSubstr("3 calls · 0 lost · completeness 1.0000\n"));
}

TEST_F(CommandLine, EndsAnObservationAfterItsTime) {
  play_agent(0);
  const Outcome outcome = subfloor({"observe", "--config", config_.c_str(), "--for", "20ms"});
  EXPECT_EQ(outcome.code, 0);
  EXPECT_THAT(outcome.out, HasSubstr("CLIENT"));
  EXPECT_THAT(outcome.err, HasSubstr("0 calls"));
}

TEST_F(CommandLine, RefusesToForceARungOnARunningAgent) {
  play_agent(0);
  for (const auto& [flag, value] : {std::pair{"--rung", "syscall"}, std::pair{"--ports", "80"}}) {
    const Outcome outcome = subfloor({"observe", "--config", config_.c_str(), flag, value});
    EXPECT_EQ(outcome.code, 2);
    EXPECT_THAT(outcome.err, HasSubstr("an agent is running"));
  }
}

constexpr const char* rule =
    "- rule: r\n  condition: evt.type = openat and fd.name = /etc/shadow\n  desc: d\n  output: o\n  priority: INFO\n";

TEST_F(CommandLine, ChecksRules) {
  const std::string good = write("good_rules.yaml", rule);
  const Outcome outcome = subfloor({"rules", "check", good.c_str()});
  EXPECT_EQ(outcome.code, 0);
  EXPECT_EQ(outcome.out, "1 rule, 0 macros, 0 lists\n");
  EXPECT_EQ(outcome.err, "");
}

TEST_F(CommandLine, EndsWith1WhereARuleHasAMistake) {
  const std::string good = write("good_rules.yaml", rule);
  const std::string bad = write("bad_rules.yaml",
                                "- macro: m\n  condition: fd.nme = x\n- rule: s\n  condition: m\n"
                                "  desc: d\n  output: o\n  priority: INFO\n");
  const Outcome outcome = subfloor({"rules", "check", good.c_str(), bad.c_str()});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_EQ(outcome.out, "1 rule, 1 macro, 0 lists, 2 errors\n");
  EXPECT_THAT(outcome.err,
              HasSubstr(bad + ":2:14: error: unknown field 'fd.nme' (did you mean 'fd.name'?) (macro 'm')\n"
                              "    2 |   condition: fd.nme = x\n      |              ^\n"));
  const auto json = nlohmann::json::parse(subfloor({"rules", "check", "-o", "json", bad.c_str()}).out);
  EXPECT_EQ(json["errors"], 2);
  EXPECT_EQ(json["mistakes"][0]["file"], bad);
  EXPECT_EQ(json["mistakes"][0]["line"], 2);
  EXPECT_EQ(json["mistakes"][0]["column"], 14);
  EXPECT_EQ(json["mistakes"][0]["of"], "macro 'm'");
}

TEST_F(CommandLine, ExplainsRules) {
  const std::string good = write("good_rules.yaml", rule);
  const Outcome outcome = subfloor({"rules", "explain", good.c_str(), "--rule", "r"});
  EXPECT_EQ(outcome.code, 0);
  EXPECT_THAT(outcome.out, HasSubstr("  events     openat\n  fields     fd.name\n"
                                     "  condition  evt.type = openat and fd.name = /etc/shadow\n"));
  EXPECT_EQ(subfloor({"rules", "explain", good.c_str(), "--rule", "x"}).code, 2);
  const auto json = nlohmann::json::parse(subfloor({"rules", "explain", "-o", "json", good.c_str()}).out);
  EXPECT_EQ(json["events"], nlohmann::json::array({"openat"}));
  EXPECT_EQ(json["fields"], nlohmann::json::array({"fd.name"}));
}

TEST_F(CommandLine, TestsRules) {
  const std::string good = write("good_rules.yaml", rule);
  const std::string cases = write("cases.yaml",
                                  "- test: r\n  cases:\n  - match: {evt.type: openat, fd.name: /etc/shadow}\n"
                                  "  - no_match: {evt.type: openat, fd.name: /tmp/x}\n");
  const Outcome passed = subfloor({"rules", "test", good.c_str(), cases.c_str()});
  EXPECT_EQ(passed.code, 0);
  EXPECT_EQ(passed.out, "ok      r: match: case 1\nok      r: no match: case 2\n2 cases, 0 failed\n");
  const std::string wrong =
      write("wrong.yaml", "- test: r\n  cases:\n  - match: {evt.type: openat, fd.name: /tmp/x}\n");
  const Outcome failed = subfloor({"rules", "test", good.c_str(), wrong.c_str()});
  EXPECT_EQ(failed.code, 1);
  EXPECT_EQ(failed.out, "FAILED  r: match: case 1\n        " + wrong +
                            ":3: the rule does not match this event\n"
                            "1 case, 1 failed\n");
  EXPECT_EQ(subfloor({"rules", "test", good.c_str()}).code, 0) << "no test is no failure";
}

}  // namespace
}  // namespace subfloor::cli
