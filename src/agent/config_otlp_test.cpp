// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "agent/config.h"
#include "agent/origin.h"

namespace subfloor::agent {
namespace {

using otlp::Protocol;
using otlp::Signal;
using otlp::Temporality;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::Pair;

constexpr Nanoseconds second = 1'000'000'000;

Config good(std::string_view yaml) {
  const auto config = parse_config(yaml, "f");
  EXPECT_TRUE(config) << config.error().message;
  return config ? *config : Config{};
}

std::string error_of(std::string_view yaml) {
  const auto config = parse_config(yaml, "f");
  return config ? "no error" : config.error().message;
}

std::map<std::string, std::string> variables;

// "" where it went well.
std::string apply(Config& config, std::map<std::string, std::string> given) {
  variables = std::move(given);
  const auto applied = apply_environment(config, [](const char* name) -> const char* {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  });
  return applied ? "" : applied.error().message;
}

Config with(std::map<std::string, std::string> given, Config config = {}) {
  EXPECT_EQ(apply(config, std::move(given)), "");
  return config;
}

TEST(OtlpConfig, IsOffUntilAnEndpointIsGivenOrItIsTurnedOn) {
  EXPECT_FALSE(Config{}.otlp.exports(Signal::traces));
  EXPECT_FALSE(Config{}.otlp.exports(Signal::metrics));
  const Config base = good("otlp: {endpoint: 'http://c:4318'}");
  EXPECT_TRUE(base.otlp.exports(Signal::traces));
  EXPECT_TRUE(base.otlp.exports(Signal::metrics));
  const Config own = good("otlp: {traces: {endpoint: 'http://c:4318/v1/traces'}}");
  EXPECT_TRUE(own.otlp.exports(Signal::traces));
  EXPECT_FALSE(own.otlp.exports(Signal::metrics));
  EXPECT_FALSE(good("otlp: {endpoint: 'http://c', metrics: {enabled: off}}").otlp.exports(Signal::metrics));
  const Config on = good("otlp: {traces: {enabled: on}}");
  EXPECT_EQ(on.otlp.target(Signal::traces)->address, "http://localhost:4318/v1/traces");
}

TEST(OtlpConfig, ReadsEveryKey) {
  const Config config = good(R"(
otlp:
  endpoint: https://c:4317
  protocol: grpc
  headers: {api-key: secret, x: "1"}
  compression: gzip
  timeout: 3s
  queue: 1MiB
  flush_timeout: 2s
  tls:
    ca: /ca.pem
    certificate: /c.pem
    key: /k.pem
    insecure: on
  retry:
    initial: 500ms
    longest: 10s
    give_up: 1m
  traces:
    endpoint: http://t:1/x
    protocol: http/protobuf
    headers: {}
    compression: none
    timeout: 1s
    enabled: on
    tls:
      ca: /t.pem
  metrics:
    interval: 10s
    temporality: delta
    enabled: off
resource:
  service_name: watcher
  attributes: {deployment.environment.name: prod}
)");
  const OtlpConfig& otlp = config.otlp;
  EXPECT_EQ(otlp.all.endpoint, "https://c:4317");
  EXPECT_EQ(otlp.all.protocol, Protocol::grpc);
  EXPECT_THAT(*otlp.all.headers, ElementsAre(Pair("api-key", "secret"), Pair("x", "1")));
  EXPECT_EQ(otlp.all.gzip, true);
  EXPECT_EQ(otlp.all.timeout, 3 * second);
  EXPECT_EQ(otlp.queue, 1U << 20);
  EXPECT_EQ(otlp.flush_timeout, 2 * second);
  EXPECT_EQ(otlp.all.ca, "/ca.pem");
  EXPECT_EQ(otlp.all.certificate, "/c.pem");
  EXPECT_EQ(otlp.all.key, "/k.pem");
  EXPECT_EQ(otlp.all.insecure, true);
  EXPECT_EQ(otlp.retry, (otlp::RetryLimits{second / 2, 10 * second, 60 * second}));
  EXPECT_EQ(otlp.traces.endpoint, "http://t:1/x");
  EXPECT_EQ(otlp.traces.protocol, Protocol::http_protobuf);
  EXPECT_EQ(otlp.traces.headers, otlp::Headers{});
  EXPECT_EQ(otlp.traces.gzip, false);
  EXPECT_EQ(otlp.traces.timeout, second);
  EXPECT_EQ(otlp.traces.ca, "/t.pem");
  EXPECT_EQ(otlp.traces.key, std::nullopt);
  EXPECT_EQ(otlp.traces_enabled, Enabled::on);
  EXPECT_EQ(otlp.metrics, otlp::Settings{});
  EXPECT_EQ(otlp.metrics_enabled, Enabled::off);
  EXPECT_EQ(otlp.metric_interval, 10 * second);
  EXPECT_EQ(otlp.temporality, Temporality::delta);
  EXPECT_EQ(config.resource.service_name, "watcher");
  EXPECT_THAT(config.resource.attributes, ElementsAre(Pair("deployment.environment.name", "prod")));
}

TEST(OtlpConfig, TakesTheVariablesOfOpenTelemetry) {
  const Config config = with({{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318"},
                              {"OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"},
                              {"OTEL_EXPORTER_OTLP_HEADERS", "api-key=a%20b,x=1"},
                              {"OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"},
                              {"OTEL_EXPORTER_OTLP_TIMEOUT", "2500"},
                              {"OTEL_EXPORTER_OTLP_CERTIFICATE", "/ca.pem"},
                              {"OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", "/c.pem"},
                              {"OTEL_EXPORTER_OTLP_CLIENT_KEY", "/k.pem"},
                              {"OTEL_EXPORTER_OTLP_INSECURE", "true"},
                              {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://t/own"},
                              {"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/protobuf"},
                              {"OTEL_EXPORTER_OTLP_TRACES_HEADERS", "y=2"},
                              {"OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "none"},
                              {"OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "100"},
                              {"OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", "/t.pem"},
                              {"OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE", "/tc.pem"},
                              {"OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY", "/tk.pem"},
                              {"OTEL_EXPORTER_OTLP_TRACES_INSECURE", "false"},
                              {"OTEL_EXPORTER_OTLP_METRICS_TIMEOUT", "200"},
                              {"OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "LowMemory"},
                              {"OTEL_METRIC_EXPORT_INTERVAL", "1500"},
                              {"OTEL_TRACES_EXPORTER", "otlp"},
                              {"OTEL_METRICS_EXPORTER", "none"},
                              {"OTEL_SERVICE_NAME", "watcher"},
                              {"OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=prod,k8s.cluster.name=a%2Cb"}});
  const otlp::Settings all{"http://c:4318",
                           Protocol::grpc,
                           otlp::Headers{{"api-key", "a b"}, {"x", "1"}},
                           true,
                           2'500'000'000U,
                           "/ca.pem",
                           "/c.pem",
                           "/k.pem",
                           true};
  const otlp::Settings traces{"http://t/own",
                              Protocol::http_protobuf,
                              otlp::Headers{{"y", "2"}},
                              false,
                              100'000'000U,
                              "/t.pem",
                              "/tc.pem",
                              "/tk.pem",
                              false};
  EXPECT_EQ(config.otlp.all, all);
  EXPECT_EQ(config.otlp.traces, traces);
  EXPECT_EQ(config.otlp.metrics.timeout, 200'000'000U);
  EXPECT_EQ(config.otlp.temporality, Temporality::lowmemory);
  EXPECT_EQ(config.otlp.metric_interval, 1'500'000'000U);
  EXPECT_TRUE(config.otlp.exports(Signal::traces));
  EXPECT_FALSE(config.otlp.exports(Signal::metrics));
  EXPECT_EQ(config.resource.service_name, "watcher");
  EXPECT_THAT(config.resource.attributes,
              ElementsAre(Pair("deployment.environment.name", "prod"), Pair("k8s.cluster.name", "a,b")));
}

TEST(OtlpConfig, IsOverriddenByTheEnvironmentKeyByKey) {
  const Config file = good("otlp: {endpoint: 'http://file', headers: {a: '1'}, timeout: 3s, metrics: {interval: 5s}}");
  const Config config =
      with({{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://env"}, {"OTEL_EXPORTER_OTLP_HEADERS", "b=2"}}, file);
  EXPECT_EQ(config.otlp.all.endpoint, "http://env");
  EXPECT_THAT(*config.otlp.all.headers, ElementsAre(Pair("b", "2")));
  EXPECT_EQ(config.otlp.all.timeout, 3 * second);
  EXPECT_EQ(config.otlp.metric_interval, 5 * second);
  EXPECT_EQ(with({{"OTEL_EXPORTER_OTLP_ENDPOINT", ""}}, file), file) << "empty is the same as unset";
}

TEST(OtlpConfig, TakesListsOfExporters) {
  EXPECT_EQ(with({{"OTEL_METRICS_EXPORTER", "prometheus"}}).otlp.metrics_enabled, Enabled::off);
  EXPECT_EQ(with({{"OTEL_METRICS_EXPORTER", "prometheus, otlp"}}).otlp.metrics_enabled, Enabled::on);
  EXPECT_EQ(with({{"OTEL_TRACES_EXPORTER", "OTLP"}}).otlp.traces_enabled, Enabled::on);
}

TEST(OtlpConfig, NamesTheVariableThatIsWrongAndNeverASecret) {
  Config config;
  EXPECT_EQ(apply(config, {{"OTEL_TRACES_EXPORTER", "zipkin"}}),
            "environment OTEL_TRACES_EXPORTER: 'zipkin' is not otlp or none");
  EXPECT_EQ(apply(config, {{"OTEL_EXPORTER_OTLP_TIMEOUT", "10s"}}),
            "environment OTEL_EXPORTER_OTLP_TIMEOUT: '10s' is not a whole number");
  EXPECT_EQ(apply(config, {{"OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"}}),
            "environment OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' is not grpc or http/protobuf");
  for (const char* bad : {"hunter2", "a=1,hunter2", "a=%hunter2", "a=hunter2%0a"}) {
    const std::string message = apply(config, {{"OTEL_EXPORTER_OTLP_HEADERS", bad}});
    EXPECT_THAT(message, HasSubstr("OTEL_EXPORTER_OTLP_HEADERS: "));
    EXPECT_THAT(message, Not(HasSubstr("hunter2")));
  }
  const std::string url = apply(config, {{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://user:hunter2@c"}});
  EXPECT_THAT(url, Not(HasSubstr("hunter2")));
  EXPECT_NE(url, "");
}

TEST(OtlpConfig, DumpsWhatItReadsBackButNoSecret) {
  Config config = good(
      "otlp: {endpoint: 'http://c:1', retry: {initial: 2s}, traces: {timeout: 7s, tls: {ca: /x}}}\n"
      "resource: {attributes: {a: 'b c'}}");
  EXPECT_EQ(good(dump_config(config)), config) << dump_config(config);
  config.otlp.all.headers = otlp::Headers{{"api-key", "hunter2"}};
  config.otlp.metrics.endpoint = "http://c/x?token=hunter2";
  const std::string dump = dump_config(config);
  EXPECT_THAT(dump, Not(HasSubstr("hunter2")));
  EXPECT_THAT(dump, HasSubstr("headers: {api-key: \"[redacted]\"}"));
  EXPECT_THAT(dump, HasSubstr("endpoint: \"http://c/x?[redacted]\""));
  EXPECT_THAT(error_of(dump), HasSubstr("does not show")) << "sent as they are, they would be refused far away";
}

TEST(OtlpConfig, PlacesEachMistake) {
  EXPECT_EQ(error_of("otlp:\n  endpont: x\n"),
            "f:2:3: unknown key 'endpont' in section 'otlp' (did you mean 'endpoint'?)");
  EXPECT_EQ(error_of("otlp:\n  tls:\n    cert: x\n"), "f:3:5: unknown key 'cert' in section 'otlp.tls'");
  EXPECT_EQ(error_of("otlp:\n  tls: x\n"), "f:2:8: 'tls' must be a section with keys below it");
  EXPECT_THAT(error_of("otlp.tls:\n  ca: x\n"), HasSubstr("f:1:1: unknown section 'otlp.tls'"));
  EXPECT_EQ(error_of("otlp:\n  endpoint: ftp://c\n"), "f:2:13: 'ftp' is not a scheme of an endpoint: http or https");
  EXPECT_EQ(error_of("otlp:\n  protocol: http/json\n"), "f:2:13: 'http/json' is not grpc or http/protobuf");
  EXPECT_EQ(error_of("otlp:\n  headers: a=b\n"), "f:2:12: names with values are expected here, like {a: b}");
  EXPECT_EQ(error_of("otlp:\n  headers: {host: x}\n"), "f:2:12: header 'host' is not to be set: the exporter does");
}

TEST(OtlpConfig, IsCheckedAsAWhole) {
  const auto target = good("otlp: {endpoint: 'collector:4318'}").otlp.target(Signal::traces);
  ASSERT_FALSE(target);
  EXPECT_THAT(target.error().message, HasSubstr("begins with http://"));
}

TEST(OtlpConfig, IsExplainedWithItsSectionsAndVariables) {
  const auto text = explain_config("otlp");
  ASSERT_TRUE(text);
  EXPECT_THAT(*text, HasSubstr("otlp.traces.tls.ca"));
  EXPECT_THAT(*text, HasSubstr("OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE"));
  EXPECT_TRUE(explain_config("otlp.retry.give_up"));
}

TEST(Origin, PutsWhatIsConfiguredFirst) {
  const otlp::Origin origin = make_origin({.service_name = "",
                                           .attributes = {{"host.name", "given"},
                                                          {"service.name", "watcher"},
                                                          {"service.namespace", "infra"},
                                                          {"service.version", "9"}}});
  const auto value = [](const Labels& labels, std::string_view name) {
    std::string all;
    for (const Label& label : labels)
      if (label.name == name) all += label.value;
    return all;
  };
  EXPECT_EQ(value(origin.common, "host.name"), "given");
  EXPECT_EQ(value(origin.common, "service.namespace"), "infra");
  EXPECT_EQ(value(origin.common, "service.name"), "") << "that is the agent's own";
  EXPECT_EQ(value(origin.agent, "service.name"), "watcher");
  EXPECT_EQ(value(origin.agent, "service.version"), "9");
  EXPECT_EQ(value(origin.common, "telemetry.distro.name"), "subfloor");
  EXPECT_EQ(value(origin.common, "os.type"), "linux");
  EXPECT_EQ(value(make_origin({.service_name = "named", .attributes = {{"service.name", "x"}}}).agent, "service.name"),
            "named");
  EXPECT_EQ(value(make_origin({}).agent, "service.name"), "subfloor");
}

}  // namespace
}  // namespace subfloor::agent
