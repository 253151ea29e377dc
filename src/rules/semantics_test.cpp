// SPDX-License-Identifier: Apache-2.0
// What conditions mean: above all where it is not what one would think.
#include "rules/testing.h"

namespace subfloor::rules {
namespace {

using namespace testing;

TEST(Semantics, AnAbsentFieldMakesEveryCheckFalse) {
  for (const std::string op : {"= x", "!= x", "< 5", ">= 5", "contains x", "startswith x", "glob x", "regex x",
                               "in (x)", "in ()", "pmatch (/x)", "exists", "= anyof (x)", "!= allof (x)"}) {
    EXPECT_FALSE(matches("proc.name " + op, {})) << op;
    EXPECT_TRUE(matches("not proc.name " + op, {})) << op;
  }
}

TEST(Semantics, ExistsIsTrueOfWhatCanBeExtracted) {
  EXPECT_TRUE(matches("proc.name exists", {{"proc.name", ""}}));
  EXPECT_TRUE(matches("proc.aname[3] exists", {{"proc.aname[3]", "init"}}));
  EXPECT_FALSE(matches("proc.aname[3] exists", {{"proc.aname[2]", "init"}}));
}

TEST(Semantics, OneAndTwoEqualSignsAreTheSame) {
  EXPECT_TRUE(matches("proc.name=cat", {{"proc.name", "cat"}}));
  EXPECT_TRUE(matches("proc.name==cat", {{"proc.name", "cat"}}));
  EXPECT_FALSE(matches("proc.name = cat", {{"proc.name", "cats"}}));
}

TEST(Semantics, TextIsOrderedByLettersAndNumbersByValue) {
  EXPECT_TRUE(matches("proc.name < 5", {{"proc.name", "10"}}));
  EXPECT_FALSE(matches("proc.tty < 5", {{"proc.tty", "10"}}));
  EXPECT_TRUE(matches("proc.tty >= 0xA", {{"proc.tty", "10"}}));
  EXPECT_TRUE(matches("proc.duration <= 1e+3", {{"proc.duration", "1000"}}));
  EXPECT_TRUE(matches("evt.rawres >= -2", {{"evt.rawres", "-1"}}));
  EXPECT_FALSE(matches("user.uid < -1", {{"user.uid", "4294967295"}}));
}

TEST(Semantics, RegularExpressionsMatchTheWholeText) {
  EXPECT_TRUE(matches("proc.name regex 'c.t'", {{"proc.name", "cat"}}));
  EXPECT_FALSE(matches("proc.name regex 'c.t'", {{"proc.name", "cats"}}));
  EXPECT_TRUE(matches("proc.name regex '^c.t$'", {{"proc.name", "cat"}}));
  EXPECT_TRUE(matches("proc.name regex '[[:alpha:]]+'", {{"proc.name", "cat"}}));
}

TEST(Semantics, RegularExpressionsSeeReplacementsOfBytesThatAreNoText) {
  EXPECT_TRUE(matches("proc.name regex 'a.b'", {{"proc.name",
                                                 "a\xff"
                                                 "b"}}));
}

TEST(Semantics, GlobsCrossSlashes) {
  EXPECT_TRUE(matches("fd.name glob '/proc/*/mem'", {{"fd.name", "/proc/1/task/2/mem"}}));
  EXPECT_FALSE(matches("fd.name glob '/PROC/*'", {{"fd.name", "/proc/1"}}));
  EXPECT_TRUE(matches("fd.name iglob '/PROC/*'", {{"fd.name", "/proc/1"}}));
}

TEST(Semantics, IcontainsIgnoresCase) {
  EXPECT_TRUE(matches("proc.args icontains 'begin rsa'", {{"proc.args", "-----BEGIN RSA"}}));
  EXPECT_FALSE(matches("proc.args contains 'begin rsa'", {{"proc.args", "-----BEGIN RSA"}}));
  EXPECT_TRUE(matches("proc.args icontains ''", {{"proc.args", ""}}));
}

TEST(Semantics, PmatchTakesWholeComponents) {
  const auto pmatch = [](const char* path) { return matches("fd.name pmatch (/a/b, /etc/*/x)", {{"fd.name", path}}); };
  EXPECT_TRUE(pmatch("/a/b"));
  EXPECT_TRUE(pmatch("/a/b/c"));
  EXPECT_TRUE(pmatch("/a//b/"));
  EXPECT_FALSE(pmatch("/a/bc"));
  EXPECT_FALSE(pmatch("/a"));
  EXPECT_TRUE(pmatch("/etc/ssh/x/key"));
  EXPECT_FALSE(pmatch("/etc/ssh/y"));
  EXPECT_TRUE(matches("fd.name pmatch (/)", {{"fd.name", "/anything"}}));
}

TEST(Semantics, ListsAreWhollyInOrIntersect) {
  EXPECT_TRUE(matches("container.mounts in (a, b, c)", {{"container.mounts", "[a b]"}}));
  EXPECT_FALSE(matches("container.mounts in (a, c)", {{"container.mounts", "[a b]"}}));
  EXPECT_TRUE(matches("container.mounts intersects (b, z)", {{"container.mounts", "[a b]"}}));
  EXPECT_FALSE(matches("container.mounts intersects (y, z)", {{"container.mounts", "[a b]"}}));
  EXPECT_TRUE(matches("container.mounts exists", {{"container.mounts", "[]"}}));
  EXPECT_TRUE(matches("container.mounts in (a)", {{"container.mounts", "[]"}}));
}

TEST(Semantics, EitherEndOfASocketMatchesAndBothMustDiffer) {
  const Fields socket = {
      {"fd.cip", "10.1.2.3"}, {"fd.sip", "93.184.216.34"}, {"fd.cport", "40000"}, {"fd.sport", "443"}};
  EXPECT_TRUE(matches("fd.ip = 10.1.2.3", socket));
  EXPECT_TRUE(matches("fd.ip = 93.184.216.34", socket));
  EXPECT_FALSE(matches("fd.ip != 10.1.2.3", socket));
  EXPECT_TRUE(matches("fd.ip != 127.0.0.1", socket));
  EXPECT_TRUE(matches("fd.net = 10.0.0.0/8", socket));
  EXPECT_FALSE(matches("fd.net != 10.0.0.0/8", socket));
  EXPECT_TRUE(matches("fd.port in (443, 80)", socket));
  EXPECT_TRUE(matches("fd.port = https", socket));
  EXPECT_TRUE(matches("fd.port < 1024", socket));
}

TEST(Semantics, NetworksOfTheOtherFamilyAreNotEqual) {
  EXPECT_FALSE(matches("fd.snet = 10.0.0.0/8", {{"fd.sip", "::1"}}));
  EXPECT_TRUE(matches("fd.snet != 10.0.0.0/8", {{"fd.sip", "::1"}}));
  EXPECT_TRUE(matches("fd.snet in (10.0.0.0/8, fd00::/8)", {{"fd.sip", "fd12::1"}}));
  EXPECT_TRUE(matches("fd.snet = 10.1.2.0/23", {{"fd.sip", "10.1.3.255"}}));
  EXPECT_FALSE(matches("fd.snet = 10.1.2.0/23", {{"fd.sip", "10.1.4.0"}}));
  EXPECT_FALSE(matches("fd.sip = 10.0.0.1", {{"fd.sip", "::ffff:10.0.0.1"}}));
}

TEST(Semantics, BytesAreSoughtByHexadecimal) {
  EXPECT_TRUE(matches("evt.buffer bcontains 6361", {{"evt.buffer", "a cat"}}));
  EXPECT_FALSE(matches("evt.buffer bstartswith 6361", {{"evt.buffer", "a cat"}}));
  EXPECT_TRUE(matches("evt.buffer contains cat", {{"evt.buffer", "a cat"}}));
}

TEST(Semantics, FlagsAreText) {
  EXPECT_TRUE(matches("evt.arg.flags contains O_TRUNC", {{"evt.arg.flags", "O_CREAT|O_TRUNC|O_WRONLY"}}));
  EXPECT_TRUE(matches("evt.arg.flags contains \"O_TRUNC\"", {{"evt.arg.flags", "O_TRUNC"}}));
}

TEST(Semantics, AnyAncestorMatchesWithoutNumber) {
  const Fields event = {{"proc.name", "cat"}, {"proc.pname", "bash"}, {"proc.aname[2]", "sshd"}};
  EXPECT_TRUE(matches("proc.aname = sshd", event));
  EXPECT_TRUE(matches("proc.aname in (sshd, cron)", event));
  EXPECT_TRUE(matches("proc.aname != sshd", event)) << "one of them is another";
  EXPECT_FALSE(matches("proc.aname = cat", event)) << "a process is no ancestor of its own";
  EXPECT_TRUE(matches("proc.aname[0] = cat", event));
  EXPECT_TRUE(matches("proc.aname[1] = bash", event));
  EXPECT_TRUE(matches("proc.aname endswith d", event));
}

TEST(Semantics, EventsCountFromOneAndAreToldAtTheirEnd) {
  EXPECT_FALSE(matches("evt.num = 0", {{"evt.num", "5"}}));
  EXPECT_TRUE(matches("evt.num >= 0", {}));
  EXPECT_TRUE(matches("evt.num != 0", {}));
  EXPECT_TRUE(matches("evt.num > 4", {{"evt.num", "5"}}));
  EXPECT_TRUE(matches("evt.dir = <", {}));
  EXPECT_FALSE(matches("evt.dir = >", {}));
}

TEST(Semantics, AnUnsetLoginIsMinusOne) { EXPECT_TRUE(matches("user.loginuid = -1", {{"user.loginuid", "-1"}})); }

TEST(Semantics, ModifiersCountWhatMatches) {
  const auto ask_of = [](const char* condition) { return matches(condition, {{"proc.name", "nginx"}}); };
  EXPECT_TRUE(ask_of("proc.name startswith anyof (ng, ap)"));
  EXPECT_TRUE(ask_of("proc.name startswith oneof (ng, ap)"));
  EXPECT_FALSE(ask_of("proc.name startswith oneof (ng, ngi)"));
  EXPECT_TRUE(ask_of("proc.name contains allof (n, g, x)"));
  EXPECT_FALSE(ask_of("proc.name contains allof (n, z)"));
  EXPECT_TRUE(ask_of("proc.name != allof (a, b)"));
  EXPECT_FALSE(ask_of("proc.name != allof (a, nginx)"));
  EXPECT_TRUE(ask_of("proc.name = anyof (a, nginx)"));
  EXPECT_FALSE(ask_of("proc.name startswith anyof ()"));
  EXPECT_TRUE(ask_of("proc.name regex anyof ('n.*', 'a.*')"));
  EXPECT_FALSE(ask_of("proc.name = oneof"));
  EXPECT_TRUE(matches("proc.name = oneof and fd.num = 1", {{"proc.name", "oneof"}, {"fd.num", "1"}}));
}

TEST(Semantics, TransformersChangeWhatIsCompared) {
  EXPECT_TRUE(matches("tolower(proc.name) = cat", {{"proc.name", "CAT"}}));
  EXPECT_TRUE(matches("toupper(proc.name) = CAT", {{"proc.name", "cat"}}));
  EXPECT_TRUE(matches("basename(proc.exepath) = cat", {{"proc.exepath", "/usr/bin/cat"}}));
  EXPECT_TRUE(matches("b64(proc.args) contains secret", {{"proc.args", "YSBzZWNyZXQ="}}));
  EXPECT_FALSE(matches("b64(proc.args) exists", {{"proc.args", "!!"}}));
  EXPECT_TRUE(matches("len(proc.name) = 3", {{"proc.name", "cat"}}));
  EXPECT_TRUE(matches("len(container.mounts) > 1", {{"container.mounts", "[a b]"}}));
  EXPECT_TRUE(matches("join('-', container.mounts) = a-b", {{"container.mounts", "[a b]"}}));
  EXPECT_TRUE(matches("concat(proc.pname, '/', proc.name) = sh/cat", {{"proc.pname", "sh"}, {"proc.name", "cat"}}));
  EXPECT_FALSE(matches("concat(proc.pname, proc.name) exists", {{"proc.name", "cat"}}));
}

TEST(Semantics, GetoptReadsOptions) {
  const Fields event = {{"proc.args[0]", "-nt"}, {"proc.args[1]", "value"}, {"proc.args[2]", "rest"}};
  const std::string arguments = "(proc.args[0], proc.args[1], proc.args[2])";
  EXPECT_TRUE(matches("getopt(" + arguments + ", 'nt:')[t] = value", event));
  EXPECT_TRUE(matches("getopt(" + arguments + ", 'nt:')[n] = n", event));
  EXPECT_FALSE(matches("getopt(" + arguments + ", 'nt:')[x] exists", event));
  EXPECT_TRUE(matches("getopt(" + arguments + ", 'nt:') intersects (n)", event));
}

TEST(Semantics, AFieldCanBeComparedWithAnother) {
  EXPECT_TRUE(matches("proc.name = val(proc.pname)", {{"proc.name", "a"}, {"proc.pname", "a"}}));
  EXPECT_TRUE(matches("proc.name != val(proc.pname)", {{"proc.name", "a"}, {"proc.pname", "b"}}));
  EXPECT_FALSE(matches("proc.name != val(proc.pname)", {{"proc.name", "a"}}));
  EXPECT_TRUE(matches("proc.name = tolower(proc.pname)", {{"proc.name", "a"}, {"proc.pname", "A"}}));
  EXPECT_TRUE(matches("proc.pid > val(proc.ppid)", {{"proc.pid", "5"}, {"proc.ppid", "4"}}));
  EXPECT_TRUE(matches("proc.pid >= len(proc.name)", {{"proc.pid", "5"}, {"proc.name", "abc"}}));
}

TEST(Semantics, NotBindsTighterThanAndThanOr) {
  EXPECT_TRUE(matches("fd.num = 1 or fd.num = 2 and fd.num = 3", {{"fd.num", "1"}}));
  EXPECT_FALSE(matches("(fd.num = 1 or fd.num = 2) and fd.num = 3", {{"fd.num", "1"}}));
  EXPECT_TRUE(matches("not fd.num = 1 and fd.num = 2", {{"fd.num", "2"}}));
  EXPECT_TRUE(matches("not not fd.num = 2", {{"fd.num", "2"}}));
  EXPECT_TRUE(matches("not(fd.num = 1)and(fd.num = 2)", {{"fd.num", "2"}}));
}

TEST(Semantics, TheFirstRuleThatMatchesWinsOrAllAreTold) {
  std::string text;
  for (const std::string name : {"one", "two", "three"})
    text += "- rule: " + name +
            "\n  desc: d\n  output: o\n  priority: INFO\n  condition: evt.type = openat and fd.num " +
            (name == "one" ? "> 5" : "> 1") + "\n";
  const Loaded loaded = load_text(text);
  Evaluator evaluator(loaded.rules);
  Fixture event = make_event({{"fd.num", "3"}});
  EXPECT_EQ(evaluator.first_match(event), 1U);
  std::vector<std::size_t> all;
  evaluator.all_matches(event, all);
  EXPECT_EQ(all, (std::vector<std::size_t>{1, 2}));
}

TEST(Semantics, ADisabledRuleIsLoadedAndNotAsked) {
  const Loaded loaded = load_text(rule_text("evt.type = openat") + "  enabled: false\n");
  Evaluator evaluator(loaded.rules);
  Fixture event = make_event({});
  EXPECT_EQ(loaded.rules->rules.size(), 1U);
  EXPECT_FALSE(evaluator.first_match(event));
}

}  // namespace
}  // namespace subfloor::rules
