// SPDX-License-Identifier: Apache-2.0
// The declarations of OTLP export and of the resource, with OpenTelemetry's environment variables.
#include <algorithm>

#include "agent/config_types.h"
#include "agent/config_units.h"

namespace subfloor::agent {
namespace {

constexpr std::size_t MiB = std::size_t{1} << 20;
constexpr Nanoseconds ms = 1'000'000, second = 1000 * ms, hour = 3600 * second;
constexpr std::size_t longest_path = 4095, longest_text = 1024, most_pairs = 128;
// Stands for a secret in `config dump`; as a value it means that someone uses a dump as it is.
constexpr std::string_view redacted = Redactor::mark;

std::string lower(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return text;
}

Result<> refuse_redacted(const std::string& given) {
  if (given.find(redacted) == std::string::npos) return {};
  return fail(fmt::format("'{}' stands for a value that `config dump` does not show", redacted));
}

// A value that need not be given: "" is none.
template <class T>
ValueType<std::optional<T>> optional_of(const ValueType<T>& type) {
  const auto read = [type](const YAML::Node& node, std::optional<T>& value, Problems& problems) {
    if (node.IsScalar() && node.Scalar().empty()) {
      value.reset();
      return;
    }
    Problems before = problems;
    T given{};
    type.read(node, given, problems);
    if (problems.text() == before.text()) value = std::move(given);
  };
  return {type.name + ", or \"\"", read,
          [type](const std::optional<T>& value) { return value ? type.write(*value) : std::string("\"\""); }};
}

ValueType<std::string> endpoint() {
  ValueType<std::string> type = text("URL, or host:port over grpc", longest_text);
  type.read = [read = type.read](const YAML::Node& node, std::string& value, Problems& problems) {
    std::string given;
    if (!read_scalar(node, given, problems)) return;
    for (const Result<>& checked : {otlp::check_endpoint(given), refuse_redacted(given)})
      if (!checked) return problems.add(node.Mark(), checked.error().message);
    read(node, value, problems);
  };
  type.write = [](const std::string& value) {  // a query may hold a secret
    const std::size_t query = value.find('?');
    return quoted(query == std::string::npos ? value : value.substr(0, query + 1) + std::string(redacted));
  };
  return type;
}

using Check = Result<> (*)(std::string_view name, std::string_view value);

Result<> no_check(std::string_view /*name*/, std::string_view /*value*/) { return {}; }

Result<> check_pairs(const otlp::Headers& pairs, Check check) {
  if (pairs.size() > most_pairs) return fail(fmt::format("more than {} entries", most_pairs));
  for (const auto& [name, value] : pairs) {
    TRY(check(name, value));
    TRY(refuse_redacted(value));
  }
  return {};
}

// name: value, name: value. shown: whether values may be seen.
ValueType<otlp::Headers> pairs(Check check, bool shown) {
  const auto read = [check](const YAML::Node& node, otlp::Headers& value, Problems& problems) {
    if (!node.IsMap()) return problems.add(node.Mark(), "names with values are expected here, like {a: b}");
    otlp::Headers given;
    for (const auto& entry : node) {
      std::string name, text;
      if (!read_scalar(entry.first, name, problems) || !read_scalar(entry.second, text, problems)) return;
      given.emplace_back(std::move(name), std::move(text));
    }
    if (const Result<> checked = check_pairs(given, check); !checked)
      return problems.add(node.Mark(), checked.error().message);
    value = std::move(given);
  };
  const auto write = [shown](const otlp::Headers& value) {
    std::string all;
    for (const auto& [name, text] : value)
      all +=
          fmt::format("{}{}: {}", all.empty() ? "" : ", ", quoted(name), quoted(shown ? text : std::string(redacted)));
    return "{" + all + "}";
  };
  return {"names with values", read, write};
}

Result<otlp::Headers> pairs_of_variable(const std::string& given, Check check) {
  TRY_ASSIGN(otlp::Headers parsed, otlp::parse_pairs(given));
  TRY(check_pairs(parsed, check));
  return parsed;
}

Result<Nanoseconds> milliseconds(const std::string& given) {
  TRY_ASSIGN(const std::uint64_t count, parse_number(given, 1, hour / ms));
  return count * ms;
}

// The variable is written unlike the file: parse(text) gives the value.
template <class Get, class Parse>
Key read_by(Key key, Get get, Parse parse) {
  key.read_variable = [get, parse](const std::string& given, Config& config, Problems& problems) {
    if (auto value = parse(given)) {
      get(config) = *std::move(value);
    } else {
      problems.add(YAML::Mark::null_mark(), value.error().message);
    }
  };
  return key;
}

Key in_any_case(Key key) {
  key.any_case = true;
  return key;
}

// The keys that exist for all signals and for each. of: Config → its Settings. infix: "" or "TRACES_".
template <class Of>
std::vector<Key> settings(Of of, const std::string& infix) {
  const auto variable = [&](const char* name) { return "OTEL_EXPORTER_OTLP_" + infix + name; };
  const bool all = infix.empty();
  const auto headers = [of](auto& config) -> auto& { return of(config).headers; };
  const auto timeout = [of](auto& config) -> auto& { return of(config).timeout; };
  return {
      key_at(
          [of](auto& config) -> auto& { return of(config).endpoint; }, "endpoint", optional_of(endpoint()),
          all ? "The collector. Over http/protobuf, v1/traces and v1/metrics are appended. https:// means TLS. \"\": "
                "http://localhost:4318, or :4317 over grpc, where a signal is on."
              : "For this signal alone, and used as it is.",
          variable("ENDPOINT")),
      in_any_case(key_at([of](auto& config) -> auto& { return of(config).protocol; }, "protocol",
                         optional_of(choice<otlp::Protocol>(
                             {{"grpc", otlp::Protocol::grpc}, {"http/protobuf", otlp::Protocol::http_protobuf}})),
                         "How to talk to it.", variable("PROTOCOL"))),
      read_by(key_at(headers, "headers", optional_of(pairs(otlp::check_header, false)),
                     "Sent with every request, such as a key of access. Values are never shown.", variable("HEADERS")),
              headers, [](const std::string& given) { return pairs_of_variable(given, otlp::check_header); }),
      in_any_case(key_at([of](auto& config) -> auto& { return of(config).gzip; }, "compression",
                         optional_of(choice<bool>({{"none", false}, {"gzip", true}})), "Of requests.",
                         variable("COMPRESSION"))),
      read_by(key_at(timeout, "timeout", optional_of(duration(ms, hour)),
                     "How long to wait for the answer to one request. The variable is in milliseconds.",
                     variable("TIMEOUT")),
              timeout, milliseconds)};
}

template <class Of>
std::vector<Key> tls(Of of, const std::string& infix) {
  const auto variable = [&](const char* name) { return "OTEL_EXPORTER_OTLP_" + infix + name; };
  const auto path = optional_of(text("path", longest_path));
  return {key_at([of](auto& config) -> auto& { return of(config).ca; }, "ca", path,
                 "PEM file of the authorities that may vouch for the collector; \"\": the system's.",
                 variable("CERTIFICATE")),
          key_at([of](auto& config) -> auto& { return of(config).certificate; }, "certificate", path,
                 "PEM file of the certificate to show to the collector.", variable("CLIENT_CERTIFICATE")),
          key_at([of](auto& config) -> auto& { return of(config).key; }, "key", path, "PEM file of its private key.",
                 variable("CLIENT_KEY")),
          key_at([of](auto& config) -> auto& { return of(config).insecure; }, "insecure", optional_of(boolean()),
                 "Over grpc, no TLS where the endpoint has no http:// or https://.", variable("INSECURE"))};
}

ValueType<Enabled> enabled() {
  return choice<Enabled>({{"auto", Enabled::automatic}, {"on", Enabled::on}, {"off", Enabled::off}});
}

// OTEL_TRACES_EXPORTER and its kin: a list of exporters, of which this one is otlp.
Result<Enabled> exporters(const std::string& given, bool prometheus) {
  Enabled result = Enabled::off;
  for (std::size_t at = 0; at <= given.size();) {
    const std::size_t comma = std::min(given.find(',', at), given.size());
    std::string name = lower(given.substr(at, comma - at));
    std::erase(name, ' ');
    if (name == "otlp") {
      result = Enabled::on;
    } else if (name != "none" && !(prometheus && name == "prometheus")) {
      return fail(fmt::format("'{}' is not otlp{} or none", name, prometheus ? ", prometheus" : ""));
    }
    at = comma + 1;
  }
  return result;
}

Section general() {
  constexpr auto of = [](auto& config) -> auto& { return config.otlp.all; };
  Section section{"otlp", "Spans and metrics to an OpenTelemetry collector. On where an endpoint is given.",
                  settings(of, "")};
  section.keys.push_back(key_at([](auto& config) -> auto& { return config.otlp.queue; }, "queue",
                                size(MiB / 16, 1024 * MiB),
                                "Memory for what waits, of each signal. When it is full the oldest is dropped, and "
                                "counted."));
  section.keys.push_back(key_at([](auto& config) -> auto& { return config.otlp.flush_timeout; }, "flush_timeout",
                                duration(0, 60 * second),
                                "How long the end of the agent may take to deliver what waits."));
  return section;
}

Section retry() {
  using R = otlp::RetryLimits;
  const auto limit = [](Nanoseconds R::* member, const char* name, const char* doc) {
    return key_at([member](auto& config) -> auto& { return config.otlp.retry.*member; }, name, duration(10 * ms, hour),
                  doc);
  };
  return {
      "otlp.retry",
      "What happens after a failure that may pass. What the collector asks for (Retry-After, RetryInfo) goes first.",
      {limit(&R::initial, "initial", "The first pause, give or take half; then twice as long."),
       limit(&R::longest, "longest", "No pause is longer."),
       limit(&R::give_up, "give_up", "A batch that could not be delivered for so long is dropped, and counted.")}};
}

Section traces() {
  constexpr auto of = [](auto& config) -> auto& { return config.otlp.traces; };
  constexpr auto on = [](auto& config) -> auto& { return config.otlp.traces_enabled; };
  Section section{"otlp.traces", "What differs for spans: \"\" is as for all.", settings(of, "TRACES_")};
  section.keys.push_back(read_by(
      key_at(on, "enabled", enabled(), "auto: where an endpoint is given. The variable is a list of otlp and none.",
             "OTEL_TRACES_EXPORTER"),
      on, [](const std::string& given) { return exporters(given, false); }));
  return section;
}

Section metrics() {
  constexpr auto of = [](auto& config) -> auto& { return config.otlp.metrics; };
  constexpr auto on = [](auto& config) -> auto& { return config.otlp.metrics_enabled; };
  constexpr auto interval = [](auto& config) -> auto& { return config.otlp.metric_interval; };
  Section section{"otlp.metrics", "What differs for metrics: \"\" is as for all.", settings(of, "METRICS_")};
  section.keys.push_back(read_by(key_at(on, "enabled", enabled(),
                                        "auto: where an endpoint is given. The variable is a list of otlp, prometheus "
                                        "and none; Prometheus has its own key.",
                                        "OTEL_METRICS_EXPORTER"),
                                 on, [](const std::string& given) { return exporters(given, true); }));
  section.keys.push_back(
      read_by(key_at(interval, "interval", duration(100 * ms, hour),
                     "How often they are sent. The variable is in milliseconds.", "OTEL_METRIC_EXPORT_INTERVAL"),
              interval, milliseconds));
  const ValueType<otlp::Temporality> temporality =
      choice<otlp::Temporality>({{"cumulative", otlp::Temporality::cumulative},
                                 {"delta", otlp::Temporality::delta},
                                 {"lowmemory", otlp::Temporality::lowmemory}});
  section.keys.push_back(
      in_any_case(key_at([](auto& config) -> auto& { return config.otlp.temporality; }, "temporality", temporality,
                         "What sums and histograms count: all since the start, or since the last "
                         "delivery; lowmemory: delta for histograms only.",
                         "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE")));
  return section;
}

Section resource() {
  constexpr auto attributes = [](auto& config) -> auto& { return config.resource.attributes; };
  return {"resource",
          "What exported data says of where it comes from.",
          {key_at([](auto& config) -> auto& { return config.resource.service_name; }, "service_name",
                  text("name or \"\"", 255), "service.name of the agent's own metrics; \"\": subfloor.",
                  "OTEL_SERVICE_NAME"),
           read_by(key_at(attributes, "attributes", pairs(no_check, true),
                          "Attributes of everything that is exported: deployment.environment.name, k8s.cluster.name … "
                          "service.* are the agent's own, but for service.namespace.",
                          "OTEL_RESOURCE_ATTRIBUTES"),
                   attributes, [](const std::string& given) { return pairs_of_variable(given, no_check); })}};
}

Section tls_section(const char* name, std::vector<Key> keys) { return {name, "Certificates.", std::move(keys)}; }

}  // namespace

bool OtlpConfig::exports(otlp::Signal signal) const {
  const bool spans = signal == otlp::Signal::traces;
  const Enabled enabled = spans ? traces_enabled : metrics_enabled;
  if (enabled != Enabled::automatic) return enabled == Enabled::on;
  return all.endpoint || (spans ? traces : metrics).endpoint;
}

Result<otlp::Target> OtlpConfig::target(otlp::Signal signal) const {
  return otlp::resolve(signal, all, signal == otlp::Signal::traces ? traces : metrics);
}

std::vector<Section> otlp_sections() {
  return {general(),
          tls_section("otlp.tls", tls([](auto& config) -> auto& { return config.otlp.all; }, "")),
          retry(),
          traces(),
          tls_section("otlp.traces.tls", tls([](auto& config) -> auto& { return config.otlp.traces; }, "TRACES_")),
          metrics(),
          tls_section("otlp.metrics.tls", tls([](auto& config) -> auto& { return config.otlp.metrics; }, "METRICS_")),
          resource()};
}

}  // namespace subfloor::agent
