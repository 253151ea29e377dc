// SPDX-License-Identifier: Apache-2.0
#include <opentelemetry/proto/collector/metrics/v1/metrics_service.pb.h>

#include <map>

#include "exporters/otlp/library.h"
#include "exporters/otlp/wire/attributes.h"
#include "telemetry/utf8.h"

namespace subfloor::otlp {
namespace {

namespace metrics = opentelemetry::proto::metrics::v1;
using Request = opentelemetry::proto::collector::metrics::v1::ExportMetricsServiceRequest;

// Belongs to the resource; the default convention has it among its labels too.
constexpr std::string_view service_attribute = "service.name", service_label = "service";

std::string_view service_of(const MetricPoint& point) {
  for (const Label& label : point.labels)
    if (label.name == service_attribute || label.name == service_label) return label.value;
  return {};
}

void add_labels(KeyValues& to, const Labels& labels) {
  for (const Label& label : labels)
    if (label.name != service_attribute) add_label(to, label);
}

void fill_exemplar(metrics::Exemplar& to, const Exemplar& exemplar) {
  to.set_as_double(exemplar.value);
  to.set_time_unix_nano(to_unix(exemplar.time));
  to.set_trace_id(bytes_of_hex({exemplar.trace_id.data(), exemplar.trace_id.size()}));
  to.set_span_id(bytes_of_hex({exemplar.span_id.data(), exemplar.span_id.size()}));
}

void fill_histogram(metrics::HistogramDataPoint& to, const HistogramPoint& histogram) {
  to.set_count(histogram.count);
  to.set_sum(histogram.sum);
  to.mutable_explicit_bounds()->Assign(histogram.bounds.begin(), histogram.bounds.end());
  to.mutable_bucket_counts()->Assign(histogram.counts.begin(), histogram.counts.end());
  for (const Exemplar& exemplar : histogram.exemplars) fill_exemplar(*to.add_exemplars(), exemplar);
}

void fill_number(metrics::NumberDataPoint& to, const MetricPoint& point) {
  if (const auto* count = std::get_if<std::uint64_t>(&point.value)) {
    to.set_as_int(static_cast<std::int64_t>(*count));
  } else {
    to.set_as_double(std::get<double>(point.value));
  }
}

metrics::AggregationTemporality temporality_of(const MetricFamily& family) {
  return family.delta ? metrics::AGGREGATION_TEMPORALITY_DELTA : metrics::AGGREGATION_TEMPORALITY_CUMULATIVE;
}

// The families of one resource.
class ResourceBuilder {
 public:
  ResourceBuilder(metrics::ResourceMetrics& to, const Labels& resource, const Origin& origin)
      : scope_(*to.add_scope_metrics()) {
    for (const Label& label : resource) add_label(*to.mutable_resource()->mutable_attributes(), label);
    scope_.mutable_scope()->set_name("subfloor");
    scope_.mutable_scope()->set_version(origin.version);
  }

  void add(const MetricFamily& family, const MetricPoint& point, const MetricSnapshot& snapshot) {
    if (family_ != &family) {
      family_ = &family;
      metric_ = scope_.add_metrics();
      metric_->set_name(family.name);
      metric_->set_unit(family.unit);
      metric_->set_description(family.help);
    }
    const auto common = [&](auto& to, bool has_start) {
      add_labels(*to.mutable_attributes(), point.labels);
      to.set_time_unix_nano(to_unix(snapshot.time));
      if (has_start) to.set_start_time_unix_nano(to_unix(point.start != 0 ? point.start : snapshot.start));
    };
    if (family.type == MetricType::histogram) {
      metrics::Histogram& histogram = *metric_->mutable_histogram();
      histogram.set_aggregation_temporality(temporality_of(family));
      metrics::HistogramDataPoint& to = *histogram.add_data_points();
      common(to, true);
      fill_histogram(to, point.histogram);
    } else if (family.type == MetricType::gauge) {
      metrics::NumberDataPoint& to = *metric_->mutable_gauge()->add_data_points();
      common(to, false);
      fill_number(to, point);
    } else {
      metrics::Sum& sum = *metric_->mutable_sum();
      sum.set_aggregation_temporality(temporality_of(family));
      sum.set_is_monotonic(family.type == MetricType::counter);
      metrics::NumberDataPoint& to = *sum.add_data_points();
      common(to, true);
      fill_number(to, point);
    }
  }

 private:
  metrics::ScopeMetrics& scope_;
  const MetricFamily* family_ = nullptr;
  metrics::Metric* metric_ = nullptr;
};

}  // namespace

std::string encode(const MetricSnapshot& snapshot, const Origin& origin) {
  Request request;
  std::map<std::string_view, ResourceBuilder> builders;  // by service; "": the agent itself
  for (const MetricFamily& family : snapshot.families) {
    for (const MetricPoint& point : family.points) {
      const std::string_view service = service_of(point);
      auto found = builders.find(service);
      if (found == builders.end()) {
        const Labels resource = service.empty() ? resource_of_agent(origin) : resource_of_service(service, origin);
        found = builders.try_emplace(service, *request.add_resource_metrics(), resource, origin).first;
      }
      found->second.add(family, point, snapshot);
    }
  }
  return request.SerializeAsString();
}

}  // namespace subfloor::otlp
