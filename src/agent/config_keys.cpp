// SPDX-License-Identifier: Apache-2.0
// The declarations. A new key is one entry here and one member in config.h.
#include "agent/config_keys.h"

#include "agent/config_types.h"

namespace subfloor::agent {
namespace {

// A key whose value is config.*part.*member.
template <class Part, class T>
Key key(Part Config::* part, T Part::* member, const std::string& name, const ValueType<T>& type,
        const std::string& doc, const std::string& variable = "") {
  return key_at([=](auto& config) -> auto& { return config.*part.*member; }, name, type, doc, variable);
}

// A key that a running agent takes over when it reloads: see Agent::reload.
Key live(Key key, std::string to_what = "at once") {
  key.reload = std::move(to_what);
  return key;
}

Key extra(bool protocols::Extras::* member, const std::string& name, const std::string& doc) {
  return live(key_at([=](auto& config) -> auto& { return config.capture.extras.*member; }, name, boolean(), doc),
              "to connections opened from then on");
}

constexpr std::size_t KiB = 1024, MiB = 1024 * KiB, GiB = 1024 * MiB;
constexpr Nanoseconds ms = 1'000'000, second = 1000 * ms, hour = 3600 * second;
constexpr std::size_t longest_path = 4095;
constexpr std::size_t longest_socket_path = 107;  // sun_path, less its end

ValueType<std::string> rung() {
  std::vector<std::pair<std::string, std::string>> options{{"", ""}};
  for (const std::string_view name : rungs) options.emplace_back(name, name);
  return choice(options);
}

Section capture() {
  constexpr auto part = &Config::capture;
  using C = CaptureConfig;
  return {
      "capture",
      "What is taken from the kernel.",
      {live(key(part, &C::ports, "ports", port_set(),
                "TCP ports to watch. auto: all, calls are recognised by what they say; classic: 80, 443, 3000, 4317, "
                "5000, 8000, 8080, 8081, 8082, 8443, 9082 and 9090; a list: these alone, filtered in the kernel.")),
       live(key(part, &C::dns_ports, "dns_ports", port_list(),
                "Ports of DNS servers, of which UDP is watched, and TCP where `ports` leaves some out. []: none, "
                "and a later change needs a restart.")),
       key(part, &C::unix_sockets, "unix_sockets", boolean(), "Watch unix stream sockets too."),
       key(part, &C::tls, "tls", boolean(),
           "Watch the TLS libraries of processes (OpenSSL, GnuTLS), so that calls inside TLS are seen too."),
       key(part, &C::rung, "rung", rung(),
           "Forces one way of attaching to the kernel instead of the best that works; `subfloor doctor` lists them."),
       live(
           key(part, &C::header_limit, "header_limit", size(256, 4096), "Bytes of header fields kept of each message."),
           "to connections opened from then on"),
       key(part, &C::data_ring, "data_ring", size(4 * KiB, GiB),
           "Room for content on its way from the kernel, rounded up to a power of two, and shared by the CPUs. When a "
           "CPU's share is full, calls are lost, and counted."),
       key(part, &C::control_ring, "control_ring", size(4 * KiB, GiB),
           "Room for news of connections and processes on its way from the kernel, rounded up to a power of two."),
       live(key(part, &C::drain_interval, "drain_interval", duration(ms, 100 * ms),
                "How often the rings are emptied: longer costs less, and delays live views.")),
       extra(&protocols::Extras::query_text, "query_text",
             "Tell the text of database statements (db.query.text), its literals replaced by ?. Off: their summary "
             "only."),
       extra(&protocols::Extras::key_names, "key_names", "Tell the names of the keys that Redis commands are about."),
       extra(&protocols::Extras::forwarded_for, "forwarded_for",
             "Take the client of an HTTP call (client.address) from Forwarded or X-Forwarded-For, which clients can "
             "write as they like, unless a proxy of yours replaces them.")}};
}

Section redaction() {
  constexpr auto part = &Config::redaction;
  return {"redaction",
          "What never leaves the process. A list given here replaces the default one.",
          {live(key(part, &RedactionConfig::headers, "headers", text_list(),
                    "Header fields whose values are secret; case does not matter.")),
           live(key(part, &RedactionConfig::query, "query", text_list(),
                    "Query parameters whose values are secret; case does not matter."))}};
}

Section telemetry() {
  constexpr auto part = &Config::telemetry;
  return {"telemetry",
          "How calls become spans and metrics.",
          {live(key(part, &TelemetryConfig::aggregation, "aggregation", boolean(),
                    "on: one span for a group of like calls in each window; off: a span for every call.")),
           live(key(part, &TelemetryConfig::window, "window", duration(100 * ms, hour), "How long a window is.")),
           live(key(part, &TelemetryConfig::max_groups, "max_groups", number(8, 1'000'000),
                    "Groups in a window, and series of a metric; what comes beyond goes into one named overflow "
                    "group.")),
           live(key(part, &TelemetryConfig::max_routes, "max_routes", number(1, 10'000),
                    "Templates of HTTP paths that are inferred for a service, and services that have some, at most; "
                    "the route of what comes beyond is {other}.")),
           live(key(part, &TelemetryConfig::max_targets, "max_targets", number(1, 10'000),
                    "Targets (tables, topics, names looked up) that metrics tell apart for each service and protocol; "
                    "what comes beyond is {other}.")),
           live(key(part, &TelemetryConfig::max_edges, "max_edges", number(0, 100'000),
                    "Edges of the service map, of up to 5 KB each; 0: no map is kept."))}};
}

// NAME=STRATEGY.
ValueType<std::vector<std::string>> strategy_list() {
  ValueType<std::vector<std::string>> type = text_list();
  type.name = "list of NAME=STRATEGY";
  type.read = [read = type.read](const YAML::Node& node, std::vector<std::string>& value, Problems& problems) {
    std::vector<std::string> items;
    read(node, items, problems);
    for (const std::string& item : items) {
      const std::size_t equals = item.rfind('=');
      if (equals == 0 || equals == std::string::npos || !span_strategy(std::string_view(item).substr(equals + 1)))
        return problems.add(node.Mark(), fmt::format("'{}' is not NAME=STRATEGY, like checkout=off", item));
    }
    value = std::move(items);
  };
  return type;
}

Section traces() {
  constexpr auto part = &Config::traces;
  return {"traces",
          "Which processes' calls become spans, and what is kept of traces.",
          {live(key(part, &TracesConfig::strategy, "strategy",
                    choice<SpanStrategy>({{"auto", SpanStrategy::automatic},
                                          {"ebpf", SpanStrategy::ebpf},
                                          {"hybrid", SpanStrategy::hybrid},
                                          {"off", SpanStrategy::off}}),
                    "auto: spans of every process but of those that are seen to export spans by OTLP themselves; ebpf: "
                    "of every process; hybrid: the same, and where a process exports its own, ours are in its traces; "
                    "off: of none. Metrics, traces' connections and live views are of every process.")),
           live(key(part, &TracesConfig::overrides, "overrides", strategy_list(),
                    "Another strategy for a service, or an executable by its name: checkout=off.")),
           key(part, &TracesConfig::keep, "keep", size(0, GiB),
               "Room for the last calls, which `subfloor trace` asks for; 0 keeps none."),
           live(key(part, &TracesConfig::always, "always", boolean(),
                    "Connect and keep calls though nobody exports spans, nor observed in the last minute: so that "
                    "`subfloor trace` knows ids from elsewhere, such as an application's log."))}};
}

Section metrics() {
  return {"metrics",
          "How metrics are named.",
          {key(&Config::metrics, &MetricsConfig::convention, "convention",
               choice<MetricConvention>({{"default", MetricConvention::standard}, {"otel", MetricConvention::otel}}),
               "default: milliseconds and short names; otel: OpenTelemetry's semantic conventions, in seconds.")}};
}

Section prometheus() {
  constexpr auto part = &Config::prometheus;
  return {
      "prometheus",
      "Metrics to be scraped, with /healthz and /readyz.",
      {live(key(part, &PrometheusConfig::enabled, "enabled", boolean(), "Serve /metrics.")),
       live(key(part, &PrometheusConfig::listen, "listen", listen_address(),
                "Where. Whoever can reach it can read it: keep it on loopback or behind a firewall. The environment's "
                "host and port (OTEL_EXPORTER_PROMETHEUS_HOST, OTEL_EXPORTER_PROMETHEUS_PORT) go first."))}};
}

Section json() {
  return {"json",
          "Spans as lines of JSON.",
          {live(key(&Config::json, &JsonConfig::spans, "spans", text("path, - or \"\"", longest_path),
                    "File to append spans to; - is standard output, \"\" is nowhere. A reload opens it anew."))}};
}

Section rules() {
  constexpr auto part = &Config::rules;
  return {
      "rules",
      "What is watched for, as Falco's rules say it: `subfloor rules check` finds their mistakes.",
      {live(key(part, &RulesConfig::files, "files", text_list(),
                "Files of rules, in their order; of a folder, its *.yaml and *.yml by name. A rule with a mistake is "
                "left out, and the mistake is in the log.")),
       live(key(part, &RulesConfig::priority, "priority",
                choice<rules::Priority>({{"emergency", rules::Priority::emergency},
                                         {"alert", rules::Priority::alert},
                                         {"critical", rules::Priority::critical},
                                         {"error", rules::Priority::error},
                                         {"warning", rules::Priority::warning},
                                         {"notice", rules::Priority::notice},
                                         {"informational", rules::Priority::informational},
                                         {"debug", rules::Priority::debug}}),
                "Rules that matter less are left out."))}};
}

Section alerts() {
  return {"alerts",
          "Where alerts go, beside `subfloor alerts`.",
          {live(key(&Config::alerts, &AlertsConfig::file, "file", text("path, - or \"\"", longest_path),
                    "File to append alerts to, each a line of JSON in Falco's shape; - is standard output, \"\" is "
                    "nowhere. A reload opens it anew."))}};
}

Section api() {
  constexpr auto part = &Config::api;
  return {"api",
          "The socket that `subfloor observe` and `subfloor status` ask.",
          {key(part, &ApiConfig::socket, "socket", text("path or \"\"", longest_socket_path),
               "Path of the unix socket; \"\" for none."),
           key(part, &ApiConfig::group, "group", text("name or \"\"", 255),
               "Group that may use it beside root; \"\" for nobody.")}};
}

Section identity() {
  return {
      "identity",
      "Who processes and addresses are.",
      {key(&Config::identity, &IdentityConfig::cri_socket, "cri_socket", text("path, auto or off", longest_socket_path),
           "Socket of the container runtime (containerd, CRI-O) that names containers and pods; auto: the one that "
           "is found where runtimes listen; off: ask nobody, and tell container ids alone.")}};
}

Section logging() {
  return {"log",
          "What the agent says about itself, on standard error.",
          {live(key(&Config::log, &LogConfig::level, "level",
                    choice<log::Level>({{"debug", log::Level::debug},
                                        {"info", log::Level::info},
                                        {"warn", log::Level::warn},
                                        {"error", log::Level::error}}),
                    "The least important lines to write.", "OTEL_LOG_LEVEL"))}};
}

}  // namespace

void Problems::add(const YAML::Mark& mark, std::string_view what) {
  if (any()) text_ += '\n';
  text_ += mark.is_null() ? fmt::format("{}: {}", source_, what)
                          : fmt::format("{}:{}:{}: {}", source_, mark.line + 1, mark.column + 1, what);
}

std::vector<Section> config_sections() {
  std::vector<Section> all{capture(), redaction(), telemetry(), traces(),   metrics(), prometheus(),
                           json(),    rules(),     alerts(),    identity(), api(),     logging()};
  const std::vector<Section> otlp = otlp_sections();
  all.insert(all.end(), otlp.begin(), otlp.end());
  return all;
}

}  // namespace subfloor::agent
