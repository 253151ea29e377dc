// SPDX-License-Identifier: Apache-2.0
#include "agent/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "agent/config_keys.h"
#include "agent/config_units.h"

namespace subfloor::agent {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Config good(std::string_view yaml) {
  const auto config = parse_config(yaml, "f");
  EXPECT_TRUE(config) << config.error().message;
  return config ? *config : Config{};
}

std::string error_of(std::string_view yaml) {
  const auto config = parse_config(yaml, "f");
  return config ? "no error" : config.error().message;
}

TEST(Config, IsAllDefaultsForAnEmptyFile) {
  for (const char* empty :
       {"", "\n", "# nothing\n", "---\n", "capture:\n", "capture:\n  # ports: auto\n", "capture: {}\n"})
    EXPECT_EQ(good(empty), Config{}) << empty;
}

TEST(Config, ReadsEveryKey) {
  const Config config = good(R"(
capture:
  ports: [8080, 80, 80]
  unix_sockets: off
  rung: syscall
  header_limit: 1KiB
  data_ring: 64MiB
  control_ring: 4096
  drain_interval: 2.5ms
redaction:
  headers: [X-Secret]
  query: []
telemetry:
  aggregation: off
  window: 1m
  max_groups: 12
metrics:
  convention: otel
prometheus:
  enabled: false
  listen: "[::1]:9999"
json:
  spans: "-"
api:
  socket: ""
  group: adm
log:
  level: debug
)");
  EXPECT_THAT(config.capture.ports.resolve(), ElementsAre(80, 8080));
  EXPECT_FALSE(config.capture.unix_sockets);
  EXPECT_EQ(config.capture.rung, "syscall");
  EXPECT_EQ(config.capture.header_limit, 1024U);
  EXPECT_EQ(config.capture.data_ring, 64U << 20);
  EXPECT_EQ(config.capture.control_ring, 4096U);
  EXPECT_EQ(config.capture.drain_interval, 2'500'000U);
  EXPECT_THAT(config.redaction.headers, ElementsAre("X-Secret"));
  EXPECT_TRUE(config.redaction.query.empty());
  EXPECT_EQ(config.telemetry.effective_window(), 0U);
  EXPECT_EQ(config.telemetry.window, 60'000'000'000U);
  EXPECT_EQ(config.telemetry.max_groups, 12U);
  EXPECT_EQ(config.metrics.convention, MetricConvention::otel);
  EXPECT_FALSE(config.prometheus.enabled);
  EXPECT_EQ(config.prometheus.listen, (Listen{"::1", 9999}));
  EXPECT_EQ(config.json.spans, "-");
  EXPECT_EQ(config.api.socket, "");
  EXPECT_EQ(config.api.group, "adm");
  EXPECT_EQ(config.log.level, log::Level::debug);
}

TEST(Config, DumpsWhatItReadsBack) {
  EXPECT_EQ(good(dump_config(Config{})), Config{});
  Config config;
  config.capture.ports = *parse_ports("classic");
  EXPECT_EQ(good(dump_config(config)), config);
  config.capture.ports = *parse_ports("9,10");
  config.redaction.headers = {"a b", "\"", "\n", "null", "\xc3\xa9", "#x", "a: b", "-"};
  config.redaction.query.clear();
  config.json.spans = "-";
  config.api.socket = "@odd: path";
  config.prometheus.listen = {"::1", 1};
  config.telemetry.window = 123'456'789;
  config.telemetry.aggregation = false;
  config.metrics.convention = MetricConvention::otel;
  EXPECT_EQ(good(dump_config(config)), config) << dump_config(config);
}

TEST(Config, PlacesEachMistake) {
  EXPECT_EQ(error_of("capture:\n  prots: auto\n"),
            "f:2:3: unknown key 'prots' in section 'capture' (did you mean 'ports'?)");
  EXPECT_EQ(error_of("captur:\n  ports: auto\n"), "f:1:1: unknown section 'captur' (did you mean 'capture'?)");
  EXPECT_EQ(error_of("listen: 1\n"), "f:1:1: unknown section 'listen' (did you mean 'prometheus.listen'?)");
  EXPECT_EQ(error_of("metrics:\n  aggregation: off\n"),
            "f:2:3: unknown key 'aggregation' in section 'metrics' (did you mean 'telemetry.aggregation'?)");
  EXPECT_EQ(error_of("capture:\n  xyzzy: 1\n"), "f:2:3: unknown key 'xyzzy' in section 'capture'");
  EXPECT_EQ(error_of("capture: 7\n"), "f:1:10: 'capture' must be a section with keys below it");
  EXPECT_EQ(error_of("- a\n"), "f:1:1: the file must consist of sections, like \"capture:\"");
  EXPECT_EQ(error_of("capture:\n  rung: uprobe\n"),
            "f:2:9: 'uprobe' is not \"\", fentry, tracepoint, kprobe or syscall");
  EXPECT_EQ(error_of("capture:\n  rung:\n"), "f:2:3: 'rung' has no value (an empty one is written \"\")");
  EXPECT_EQ(error_of("capture:\n  header_limit: 100\n"), "f:2:17: 100 is out of range: 256 to 4KiB");
  EXPECT_EQ(error_of("capture:\n  data_ring: 2GiB\n"), "f:2:14: 2GiB is out of range: 4KiB to 1GiB");
  EXPECT_EQ(error_of("capture:\n  data_ring: big\n"), "f:2:14: 'big' is not a size like 4096, 512KiB or 8MiB");
  EXPECT_EQ(error_of("capture:\n  drain_interval: 10\n"), "f:2:19: '10' is not a duration like 10ms, 5s or 2m");
  EXPECT_EQ(error_of("capture:\n  drain_interval: 1s\n"), "f:2:19: 1s is out of range: 1ms to 100ms");
  EXPECT_EQ(error_of("capture:\n  unix_sockets: maybe\n"), "f:2:17: 'maybe' is neither on nor off");
  EXPECT_EQ(error_of("capture:\n  unix_sockets: [on]\n"),
            "f:2:17: one value is expected here, not a list or a section");
  EXPECT_EQ(error_of("capture:\n  ports: [80, 99999]\n"), "f:2:15: port 99999 is out of range: 1 to 65535");
  EXPECT_EQ(error_of("capture:\n  ports:\n    - 80\n    - http\n"), "f:4:7: port 'http' is not a whole number");
  EXPECT_EQ(error_of("capture:\n  ports: some\n"), "f:2:10: 'some' is none of: auto, classic, port numbers");
  EXPECT_EQ(error_of("capture:\n  ports: []\n"),
            "f:2:10: an empty list of ports captures nothing; every port is 'auto'");
  EXPECT_EQ(error_of("redaction:\n  headers: Cookie\n"), "f:2:12: a list is expected here, like [a, b]");
  EXPECT_EQ(error_of("prometheus:\n  listen: 9464\n"),
            "f:2:11: '9464' is not an address with a port, like 127.0.0.1:9464");
  EXPECT_EQ(error_of("prometheus:\n  listen: ::1:9464\n"),
            "f:2:11: '::1:9464': an IPv6 address goes in brackets, like [::1]:9464");
  EXPECT_EQ(error_of("telemetry:\n  max_groups: -1\n"), "f:2:15: '-1' is not a whole number");
  EXPECT_EQ(error_of("log:\n  level: loud\n"), "f:2:10: 'loud' is not debug, info, warn or error");
  EXPECT_EQ(error_of("log:\n  level: info\n  level: warn\n"), "f:3:3: 'level' is given twice");
  EXPECT_EQ(error_of("? [a]\n: b\n"), "f:1:3: a key must be a name");
  EXPECT_EQ(error_of("api:\n  socket: " + std::string(108, 'x') + "\n"), "f:2:11: longer than 107 bytes");
  EXPECT_THAT(error_of("capture: {ports: [80\n"), HasSubstr("f:2:1: "));
  EXPECT_THAT(error_of("a: b: c\n"), HasSubstr("f:1:5: "));
  EXPECT_THAT(error_of("capture:\n---\nlog:\n"), HasSubstr(": a second document"));
  EXPECT_THAT(error_of(",m"), HasSubstr(": a second document"));  // of which yaml-cpp finds ever more
  EXPECT_THAT(error_of("json:\n  spans: \xc3\xa4\xcb|\n"), HasSubstr("f:2:11: this is not UTF-8"));
}

TEST(Config, ListsAllMistakesOfAFile) {
  EXPECT_EQ(error_of("capture:\n  prots: auto\n  rung: x\nlog:\n  level: y\n"),
            "f:2:3: unknown key 'prots' in section 'capture' (did you mean 'ports'?)\n"
            "f:3:9: 'x' is not \"\", fentry, tracepoint, kprobe or syscall\n"
            "f:5:10: 'y' is not debug, info, warn or error");
}

TEST(Config, SurvivesBytesThatAreNoYaml) {
  for (const char* bytes :
       {"\xff\xff", "a\tb: [", "{{{{", "*a", "&a *a", "!!binary x", "%TAG", "\"\\x\"", "a: &x [*x]"})
    EXPECT_NE(error_of(bytes), "no error") << bytes;
}

TEST(Config, TakesSettingsFromTheEnvironment) {
  Config config;
  const auto set = [](const char* name) -> const char* {
    const std::string_view n = name;
    return n == "OTEL_LOG_LEVEL"                  ? "warn"
           : n == "OTEL_EXPORTER_PROMETHEUS_PORT" ? "1234"
           : n == "OTEL_EXPORTER_PROMETHEUS_HOST" ? "::"
                                                  : nullptr;
  };
  ASSERT_TRUE(apply_environment(config, set));
  EXPECT_EQ(config.log.level, log::Level::warn);
  EXPECT_EQ(config.prometheus.listen, (Listen{"::", 1234}));

  Config untouched;
  ASSERT_TRUE(apply_environment(untouched, [](const char*) { return ""; }));
  EXPECT_EQ(untouched, Config{});
}

TEST(Config, NamesTheEnvironmentVariableThatIsWrong) {
  Config config;
  const auto bad_level =
      apply_environment(config, [](const char* n) { return std::string_view(n) == "OTEL_LOG_LEVEL" ? "loud" : ""; });
  ASSERT_FALSE(bad_level);
  EXPECT_EQ(bad_level.error().message, "environment OTEL_LOG_LEVEL: 'loud' is not debug, info, warn or error");
  const auto bad_port = apply_environment(
      config, [](const char* n) { return std::string_view(n) == "OTEL_EXPORTER_PROMETHEUS_PORT" ? "0" : ""; });
  ASSERT_FALSE(bad_port);
  EXPECT_EQ(bad_port.error().message, "environment OTEL_EXPORTER_PROMETHEUS_PORT: 0 is out of range: 1 to 65535");
}

TEST(Config, ExplainsEveryKeyWithTypeAndDefault) {
  const auto all = explain_config();
  ASSERT_TRUE(all);
  for (const Section& section : config_sections())
    for (const Key& key : section.keys) {
      EXPECT_THAT(*all, HasSubstr(section.name + "." + key.name));
      EXPECT_FALSE(key.doc.empty());
    }
  const auto one = explain_config("capture.data_ring");
  ASSERT_TRUE(one);
  EXPECT_THAT(*one, HasSubstr("type: size, 4KiB to 1GiB"));
  EXPECT_THAT(*one, HasSubstr("default: 16MiB"));
  EXPECT_THAT(*one, HasSubstr("reload: needs a restart"));
  EXPECT_THAT(*explain_config("capture.ports"), HasSubstr("reload: at once"));
  EXPECT_THAT(*one, testing::Not(HasSubstr("control_ring")));
  EXPECT_EQ(explain_config("nope").error().message, "there is no section or key 'nope'");
}

TEST(Config, ReadsThePortsOfDns) {
  EXPECT_THAT(Config{}.capture.dns_ports, ElementsAre(53));
  EXPECT_THAT(parse_config("capture: {dns_ports: [5300, 53, 53]}", "f")->capture.dns_ports, ElementsAre(53, 5300));
  EXPECT_THAT(parse_config("capture: {dns_ports: []}", "f")->capture.dns_ports, ElementsAre());
  EXPECT_EQ(error_of("capture: {dns_ports: 53}"), "f:1:22: a list is expected here, like [53]");
  EXPECT_EQ(error_of("capture: {dns_ports: [0]}"), "f:1:23: port 0 is out of range: 1 to 65535");
}

TEST(Config, WatchesTheTcpPortsOfDnsWhereOnlySomeAreWatched) {
  EXPECT_THAT(Config{}.capture.stream_ports(), ElementsAre());  // all
  EXPECT_THAT(parse_config("capture: {ports: [80]}", "f")->capture.stream_ports(), ElementsAre(80, 53));
  EXPECT_THAT(parse_config("capture: {ports: [80], dns_ports: []}", "f")->capture.stream_ports(), ElementsAre(80));
}

TEST(Config, ReportsAFileThatCannotBeRead) {
  EXPECT_EQ(load_config("/nonexistent/x.yaml").error().message,
            "/nonexistent/x.yaml: No such file or directory (ENOENT)");
  EXPECT_EQ(load_config("/").error().message, "/: Is a directory (EISDIR)");
}

TEST(Config, KeepsWhatItUnderstoodOfAFileWithMistakesForWhoAsksLeniently) {
  const std::string path = testing::TempDir() + "subfloor_lenient.yaml";
  std::ofstream(path) << "api: {socket: /x}\nlog: {level: loud}\n";
  std::string mistakes;
  EXPECT_EQ(load_config_leniently(path, mistakes)->api.socket, "/x");
  EXPECT_THAT(mistakes, HasSubstr(path + ":2:14: "));
  std::remove(path.c_str());
  EXPECT_EQ(load_config_leniently(path, mistakes).error().code, ENOENT);
}

TEST(ConfigUnits, ReadBackWhatTheyWrite) {
  for (const Nanoseconds duration :
       {0ULL, 1ULL, 1'000ULL, 1'500'000ULL, 5'000'000'000ULL, 90'000'000'000ULL, 7'200'000'000'000ULL})
    EXPECT_EQ(*parse_duration(format_duration(duration)), duration);
  for (const std::uint64_t size : {0ULL, 1ULL, 1023ULL, 1024ULL, 1536ULL, 8ULL << 20, 3ULL << 30})
    EXPECT_EQ(*parse_size(format_size(size)), size);
  EXPECT_EQ(format_duration(10'000'000), "10ms");
  EXPECT_EQ(format_size(8U << 20), "8MiB");
  EXPECT_EQ(*parse_size("1.5KiB"), 1536U);
  EXPECT_EQ(*parse_size("2kB"), 2000U);
}

TEST(ConfigUnits, RefuseWhatIsNotAValue) {
  for (const char* bad :
       {"", "s", "1", "-1s", "1.s", ".5s", "1.2.3s", "1 s", "99999999999999999h", "1.0000000001s", "0.5ns", "1S"})
    EXPECT_FALSE(parse_duration(bad)) << bad;
  for (const char* bad : {"", "K", "-1", "0.5", "1.5", "99999999999999999999", "1TiB", "1 MiB"})
    EXPECT_FALSE(parse_size(bad)) << bad;
  for (const char* bad : {"", "80,", ",80", "0", "65536", "80-90", "AUTO"}) EXPECT_FALSE(parse_ports(bad)) << bad;
  for (const char* bad : {"", ":", ":80", "a:", "a:b", "a:0", "1.2.3.4"}) EXPECT_FALSE(parse_listen(bad)) << bad;
}

}  // namespace
}  // namespace subfloor::agent
