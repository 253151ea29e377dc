// SPDX-License-Identifier: Apache-2.0
#include "telemetry/metrics.h"

#include <algorithm>
#include <tuple>

#include "telemetry/hashing.h"
#include "telemetry/self_metrics.h"
#include "telemetry/semantics.h"
#include "telemetry/service_name.h"
#include "telemetry/trace_context.h"
#include "telemetry/utf8.h"

namespace subfloor {
namespace {

constexpr std::string_view other = "{other}";
constexpr Family any_family{.name = "_other"};
constexpr std::size_t max_text = 128;  // bytes of a label's value

std::string prefix_of(const Family& family, Kind kind) {
  return std::string(family.name) + "." + std::string(to_string(kind));
}

MetricFamily& family_named(const std::string& name, std::vector<MetricFamily>& families,
                           const MetricFamily& otherwise) {
  const auto found =
      std::find_if(families.begin(), families.end(), [&](const MetricFamily& family) { return family.name == name; });
  if (found != families.end()) return *found;
  families.push_back(otherwise);
  families.back().name = name;
  return families.back();
}

HistogramPoint point(const Histogram& histogram, std::span<const std::uint64_t> bounds, double unit) {
  HistogramPoint result;
  result.bounds.reserve(bounds.size());
  for (const std::uint64_t bound : bounds) result.bounds.push_back(static_cast<double>(bound) / unit);
  result.counts = histogram.counts_for(bounds);
  result.count = histogram.count();
  result.sum = static_cast<double>(histogram.sum()) / unit;
  return result;
}

std::vector<Exemplar> in_use(const std::vector<Exemplar>& exemplars, double unit) {
  std::vector<Exemplar> result;
  for (const Exemplar& exemplar : exemplars) {
    if (exemplar.time == 0) continue;
    result.push_back(exemplar);
    result.back().value /= unit;
  }
  return result;
}

// "401" for 401, "unset" where no status was seen: it is never made up.
std::string status_text(const Family& family, std::int32_t status) {
  return status < 0 ? "unset" : semantics::status_text(family, status);
}

std::string duration_help(const Family& family, Kind kind, bool otel) {
  const std::string help = "Time from a request's first byte to its response's last";
  const std::string metric = semantics::duration_metric(family, kind, otel);
  const Kind opposite = kind == Kind::server ? Kind::client : Kind::server;
  if (metric == semantics::duration_metric(family, opposite, otel)) return help + ".";
  return help + (kind == Kind::server ? ", as its server saw it." : ", as its client saw it.");
}

void add_to(HistogramPoint& sum, const HistogramPoint& more) {
  for (std::size_t i = 0; i < sum.counts.size(); ++i) sum.counts[i] += more.counts[i];
  sum.count += more.count;
  sum.sum += more.sum;
  sum.exemplars.insert(sum.exemplars.end(), more.exemplars.begin(), more.exemplars.end());
}

}  // namespace

// Series that differ in what is no label, or in bytes that become the same text once made printable, are one point: a
// set of labels must not appear twice.
class Metrics::Points {
 public:
  void append(MetricFamily& family, Labels labels, HistogramPoint value) {
    std::string text;
    for (Label& label : labels) {
      label.value = utf8::printable(label.value);
      text.append(label.name).append(1, '\0').append(label.value).append(1, '\0');
    }
    const auto [place, added] = known_[family.name].try_emplace(std::move(text), family.points.size());
    if (!added && family.points[place->second].histogram.bounds == value.bounds)
      return add_to(family.points[place->second].histogram, value);
    family.points.push_back({std::move(labels), std::uint64_t{0}, std::move(value)});
  }

 private:
  std::unordered_map<std::string, std::unordered_map<std::string, std::size_t>> known_;  // by family, by labels
};

Metrics::Metrics(const MetricOptions& options) : options_(options), seed_(IdGenerator().next()) {
  set_limits(options_.max_series, options_.max_targets);
}

void Metrics::set_limits(std::size_t max_series, std::size_t max_targets) {
  options_.max_series = std::max<std::size_t>(max_series, 8);
  options_.max_targets = max_targets;
}

SeriesId Metrics::add(const Observation& observation) {
  const Call& call = observation.call;
  KeyView key;
  key.service = observation.service.substr(0, max_text);
  key.operation = semantics::operation_name(call).substr(0, max_text);
  key.error = std::string_view(call.error).substr(0, max_text);
  key.family = call.protocol->family;
  if (!key.family->target_key.empty()) key.target = std::string_view(call.target).substr(0, max_text);
  if (key.family->http) key.route = observation.route.empty() ? other : observation.route.substr(0, max_text);
  if (options_.convention == MetricConvention::otel && !call.attributes.empty()) {
    attributes_.clear();
    call.attributes.append_to(attributes_, Use::metric);
    key.attributes = attributes_;
  }
  key.status = call.status.value_or(-1);
  key.kind = call.kind;
  key.is_error = semantics::is_error(call);
  key.tls = options_.convention == MetricConvention::otel && observation.connection.tls;
  std::string address;  // outlives the look-up where only the connection knows the server
  if (options_.convention == MetricConvention::otel && call.kind == Kind::client) {
    const semantics::Server server = semantics::server_of(observation);
    key.server = server.host.substr(0, max_text);
    key.server_port = server.port;
    if (key.server.empty()) {
      const Connection& connection = observation.connection;
      if (connection.transport == Transport::unix_stream) {
        key.server = std::string_view(connection.unix_path).substr(0, max_text);
      } else if (connection.remote.known()) {
        address = connection.remote.ip_text();
        key.server = address;
      }
    }
  }
  Series& series = series_for(key);
  if (!semantics::duration_known(call)) {
    ++series.unmeasured;
    return no_series;
  }
  series.durations.record(call.duration());
  if (key.family->http) series.request_bodies.record(call.request_body_bytes);
  return series.id;
}

void Metrics::exemplify(SeriesId series, Nanoseconds duration, const Exemplar& exemplar) {
  if (!options_.exemplars || series == no_series || series > by_id_.size()) return;
  Series& counted = *by_id_[series - 1];
  const auto bounds = counted.durations.bounds();
  counted.exemplars.resize(bounds.size() + 1);
  const auto bucket = std::lower_bound(bounds.begin(), bounds.end(), duration) - bounds.begin();
  Exemplar& place = counted.exemplars[static_cast<std::size_t>(bucket)];
  place = exemplar;
  place.value = static_cast<double>(duration);
}

void Metrics::seal(KeyView& key) const {
  FieldHash hash(seed_);
  hash.add(key.service);
  hash.add(key.operation);
  hash.add(key.error);
  hash.add(key.server);
  hash.add(key.target);
  hash.add(key.route);
  hash.add(key.attributes);
  hash.add(reinterpret_cast<std::uintptr_t>(key.family));
  hash.add(static_cast<std::uint64_t>(static_cast<std::uint32_t>(key.status)) << 32 |
           static_cast<std::uint64_t>(static_cast<std::uint32_t>(key.server_port)) << 4 |
           static_cast<std::uint64_t>(key.tls) << 3 | static_cast<std::uint64_t>(key.kind) << 2 |
           static_cast<std::uint64_t>(key.is_error) << 1 | static_cast<std::uint64_t>(key.overflow));
  key.hash = hash.value();
}

Metrics::Series& Metrics::series_for(KeyView& key) {
  Entry*& recent = recent_.at(glance(key.operation) ^ glance(key.route) ^ glance(key.target) ^ glance(key.service) ^
                              static_cast<std::uint64_t>(key.status) << 8 ^ static_cast<std::uint64_t>(key.kind));
  if (recent != nullptr && Equal::same(recent->first, key)) return recent->second;
  seal(key);
  if (const auto found = series_.find(key); found != series_.end()) {
    recent = &*found;
    return found->second;
  }
  return look_up(key);
}

// The one of its own that it gets, or the one it has to share.
Metrics::Series& Metrics::look_up(KeyView& key) {
  if (!key.target.empty() && !admit_target(key)) {
    ++merged_targets_;
    key.target = other;
    seal(key);
    if (const auto found = series_.find(key); found != series_.end()) return found->second;
  }
  if (!full()) return insert(key);
  ++merged_calls_;
  KeyView merged;
  merged.service = merged.operation = other;
  merged.route = other;
  merged.family = key.family;
  merged.kind = key.kind;
  merged.overflow = true;
  seal(merged);
  if (const auto found = series_.find(merged); found != series_.end()) return found->second;
  if (series_.size() + 2 >= options_.max_series) {  // more protocols than places: one series of each kind
    merged.family = &any_family;
    seal(merged);
    if (const auto found = series_.find(merged); found != series_.end()) return found->second;
  }
  return insert(merged);
}

// But for the places kept for overflow series.
bool Metrics::full() const {
  return series_.size() + std::max<std::size_t>(4, options_.max_series / 50) >= options_.max_series;
}

bool Metrics::admit_target(const KeyView& key) {
  FieldHash owner(seed_), target(seed_);
  owner.add(key.service);
  owner.add(reinterpret_cast<std::uintptr_t>(key.family));
  target.add(key.target);
  const auto known = targets_.find(owner.value());
  if (known != targets_.end() && known->second.contains(target.value())) return true;
  if (known != targets_.end() && known->second.size() >= options_.max_targets) return false;
  if (full()) return true;  // it will be counted in an overflow series, and need not be remembered
  targets_[owner.value()].insert(target.value());
  return true;
}

Metrics::Series& Metrics::insert(const KeyView& key) {
  Key kept{key.hash,
           std::string(key.service),
           std::string(key.operation),
           std::string(key.target),
           std::string(key.error),
           std::string(key.route),
           std::string(key.attributes),
           std::string(key.server),
           key.family,
           key.status,
           key.server_port,
           key.kind,
           key.overflow,
           key.is_error,
           key.tls};
  Series& series = series_.try_emplace(std::move(kept)).first->second;
  by_id_.push_back(&series);
  series.id = static_cast<SeriesId>(by_id_.size());
  return series;
}

std::vector<Metrics::Prefix> Metrics::by_prefix() const {
  std::vector<const Entry*> entries;
  entries.reserve(series_.size());
  for (const Entry& entry : series_) entries.push_back(&entry);
  const auto rank = [](const Entry* entry) {
    const Key& key = entry->first;
    return std::tie(key.family->name, key.kind, key.overflow, key.service, key.operation, key.target, key.route,
                    key.status, key.error, key.attributes, key.server, key.server_port, key.tls);
  };
  std::sort(entries.begin(), entries.end(), [&](const Entry* a, const Entry* b) { return rank(a) < rank(b); });
  std::vector<Prefix> prefixes;
  for (const Entry* entry : entries) {
    const Key& key = entry->first;
    if (prefixes.empty() || prefixes.back().family != key.family || prefixes.back().kind != key.kind) {
      prefixes.push_back({key.family, key.kind, {}});
    }
    prefixes.back().entries.push_back(entry);
  }
  return prefixes;
}

Labels Metrics::labels_of(const Key& key) const {
  if (options_.convention == MetricConvention::otel) return otel_labels_of(key);
  const Family& family = *key.family;
  Labels labels{{"service", key.service}, {family.http ? "method" : "operation", key.operation}};
  if (family.http) labels.push_back({"route", key.route});
  if (!family.target_key.empty()) labels.push_back({"target", key.overflow ? std::string(other) : key.target});
  if (!family.http && !key.error.empty()) {
    labels.push_back({"error", key.error});
  } else {
    labels.push_back({"status_code", key.overflow ? std::string(other) : status_text(family, key.status)});
  }
  labels.push_back({"kind", std::string(to_string(key.kind))});
  return labels;
}

Labels Metrics::otel_labels_of(const Key& key) const {
  const Family& family = *key.family;
  Labels labels{{"service.name", key.service}};
  if (key.overflow) {
    labels.push_back({"otel.metric.overflow", "true", LabelType::boolean});
    return labels;
  }
  const auto push = [&](std::string_view name, std::string value, LabelType type = LabelType::text) {
    if (!name.empty() && !value.empty()) labels.push_back({std::string(name), std::move(value), type});
  };
  for (const Family::Constant& constant : family.constants) push(constant.key, std::string(constant.value));
  push(family.operation_key, key.operation);
  push(family.target_key, key.target);
  if (family.http) push("url.scheme", key.tls ? "https" : "http");
  if (key.status >= 0) {
    const LabelType type = family.status_text != nullptr ? LabelType::text : LabelType::integer;
    push(family.status_key, semantics::status_text(family, key.status), type);
  }
  push(family.error_key, key.error);
  for_each_attribute(key.attributes, [&](std::string_view name, std::string_view value, bool number) {
    push(name, std::string(value), number ? LabelType::integer : LabelType::text);
  });
  if (key.is_error) labels.push_back({"error.type", key.error.empty() ? std::to_string(key.status) : key.error});
  if (key.kind == Kind::client) {
    if (!key.server.empty()) labels.push_back({"server.address", key.server});
    if (key.server_port != 0) labels.push_back({"server.port", std::to_string(key.server_port), LabelType::integer});
  }
  return labels;
}

void Metrics::append_durations(const Prefix& prefix, Points& points, std::vector<MetricFamily>& families) const {
  const bool otel = options_.convention == MetricConvention::otel;
  const Family& of = *prefix.family;
  MetricFamily& family =
      family_named(semantics::duration_metric(of, prefix.kind, otel), families,
                   {{}, otel ? "s" : "ms", duration_help(of, prefix.kind, otel), MetricType::histogram, {}});
  std::span<const std::uint64_t> bounds = otel ? of.otel_duration_bounds : of.duration_bounds;
  if (bounds.empty() && otel) bounds = bounds::duration_otel;
  if (bounds.empty()) bounds = bounds::duration_default;
  for (const Entry* entry : prefix.entries) {
    if (entry->second.durations.count() == 0) continue;
    const double unit = otel ? 1e9 : 1e6;
    HistogramPoint value = point(entry->second.durations, bounds, unit);
    value.exemplars = in_use(entry->second.exemplars, unit);
    points.append(family, labels_of(entry->first), std::move(value));
  }
}

MetricFamily Metrics::bodies(const Prefix& prefix, Points& points) const {
  const bool otel = options_.convention == MetricConvention::otel;
  MetricFamily family{prefix_of(*prefix.family, prefix.kind) + (otel ? ".request.body.size" : ".request.body_size"),
                      "By",
                      "Bytes of request bodies as transferred.",
                      MetricType::histogram,
                      {}};
  for (const Entry* entry : prefix.entries) {
    const Histogram& sizes = entry->second.request_bodies;
    if (sizes.count() != 0) points.append(family, labels_of(entry->first), point(sizes, bounds::body_size, 1));
  }
  return family;
}

MetricFamily Metrics::unmeasured(const std::vector<Prefix>& prefixes) const {
  MetricFamily family{"subfloor.calls.unmeasured",
                      "{call}",
                      "Calls left out of duration histograms, their beginning or end having been missed.",
                      MetricType::counter,
                      {}};
  for (const Prefix& prefix : prefixes) {
    std::uint64_t sum = 0;
    for (const Entry* entry : prefix.entries) sum += entry->second.unmeasured;
    family.points.push_back(
        {{{"protocol", std::string(prefix.family->name)}, {"kind", std::string(to_string(prefix.kind))}}, sum, {}});
  }
  return family;
}

void Metrics::append_gauges(const Gauges& gauges, std::vector<MetricFamily>& families) const {
  const std::string service_label = options_.convention == MetricConvention::otel ? "service.name" : "service";
  // OpenTelemetry counts them up and down; the default convention has a gauge.
  const auto requests_type = options_.convention == MetricConvention::otel ? MetricType::up_down : MetricType::gauge;
  const auto add_point = [&](MetricFamily& family, const std::string& service, std::optional<Kind> kind,
                             std::uint64_t value) {
    Labels labels;
    if (!service.empty()) labels.push_back({service_label, service});
    if (kind) labels.push_back({"kind", std::string(to_string(*kind))});
    const auto same = std::find_if(family.points.begin(), family.points.end(),
                                   [&](const MetricPoint& existing) { return existing.labels == labels; });
    if (same == family.points.end()) {
      family.points.push_back({std::move(labels), value, {}});
    } else {
      std::get<std::uint64_t>(same->value) += value;
    }
  };
  for (const auto& requests : gauges.requests) {
    const std::string name = prefix_of(*requests.family, requests.kind);
    MetricFamily& family = family_named(name + ".active_requests", families,
                                        {{}, "{request}", "Requests begun and not yet answered.", requests_type, {}});
    add_point(family, requests.service, requests.kind, requests.active);
  }
  for (const auto& connections : gauges.connections) {
    MetricFamily& family = family_named("tcp.connections.active", families,
                                        {{}, "{connection}", "TCP connections open now.", MetricType::gauge, {}});
    add_point(family, connections.service, connections.kind, connections.active);
  }
}

MetricSnapshot Metrics::snapshot(const Gauges& gauges, const SelfReport& report) const {
  MetricSnapshot result;
  result.resource = report.resource;
  const std::vector<Prefix> prefixes = by_prefix();
  Points points;
  for (const Prefix& prefix : prefixes) {
    append_durations(prefix, points, result.families);
    if (prefix.family->http) result.families.push_back(bodies(prefix, points));
  }
  append_gauges(gauges, result.families);
  result.families.push_back(unmeasured(prefixes));
  MetricFamily merged{"subfloor.metrics.merged_calls",
                      "{call}",
                      "Calls counted in overflow series, all others being taken.",
                      MetricType::counter,
                      {}};
  merged.points.push_back({{}, merged_calls_, {}});
  result.families.push_back(std::move(merged));
  MetricFamily targets{"subfloor.metrics.merged_targets",
                       "{call}",
                       "Calls counted with the target {other}, their service having too many.",
                       MetricType::counter,
                       {}};
  targets.points.push_back({{}, merged_targets_, {}});
  result.families.push_back(std::move(targets));
  append_self_metrics(report, result.families);
  return result;
}

}  // namespace subfloor
