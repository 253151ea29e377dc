// SPDX-License-Identifier: Apache-2.0
// From spans and snapshots to requests: how they are cut, and that nothing is left out.
#include "exporters/otlp/exporter.h"

#include <gtest/gtest.h>
#include <opentelemetry/proto/collector/metrics/v1/metrics_service.pb.h>
#include <opentelemetry/proto/collector/trace/v1/trace_service.pb.h>

#include <limits>
#include <thread>

namespace subfloor::otlp {
namespace {

namespace collector = opentelemetry::proto::collector;

constexpr Nanoseconds second = 1'000'000'000;

struct Taken {
  std::vector<std::string> requests;
  bool refuses = false;
};

class TakingTransport final : public Transport {
 public:
  explicit TakingTransport(Taken& taken) : taken_(taken) {}
  Reply send(const std::string& request) override {
    taken_.requests.push_back(request);
    return {.kind = taken_.refuses ? Reply::Kind::refused : Reply::Kind::accepted};
  }
  void limit(Nanoseconds /*instant*/) override {}

 private:
  Taken& taken_;
};

class OtlpExporter : public ::testing::Test {
 protected:
  void start(std::size_t queue_bytes) {
    sender_ = std::make_unique<Sender>(SenderOptions{.name = "otlp_test", .queue_bytes = queue_bytes},
                                       std::make_unique<TakingTransport>(taken_));
  }
  void settle() {
    while (sender_->counters().queued != 0) std::this_thread::yield();
  }
  // Points of each request, when all is sent.
  std::vector<std::size_t> points_of_requests() {
    std::vector<std::size_t> counts;
    for (const std::string& bytes : taken_.requests) {
      collector::metrics::v1::ExportMetricsServiceRequest request;
      EXPECT_TRUE(request.ParseFromString(bytes));
      std::size_t count = 0;
      for (const auto& resource : request.resource_metrics())
        for (const auto& metric : resource.scope_metrics(0).metrics())
          count += static_cast<std::size_t>(metric.sum().data_points_size());
      counts.push_back(count);
    }
    return counts;
  }

  static MetricSnapshot counters(std::size_t points, std::uint64_t value, Nanoseconds time) {
    MetricSnapshot snapshot{second, time, {}, {}};
    snapshot.families.push_back({"calls", "1", "", MetricType::counter, {}});
    for (std::size_t i = 0; i < points; ++i)
      snapshot.families.back().points.push_back({{{"n", std::to_string(i)}}, value, {}});
    return snapshot;
  }
  static std::int64_t last_value(const std::string& bytes) {
    collector::metrics::v1::ExportMetricsServiceRequest request;
    EXPECT_TRUE(request.ParseFromString(bytes));
    return request.resource_metrics(0).scope_metrics(0).metrics(0).sum().data_points(0).as_int();
  }

  const std::shared_ptr<const Origin> origin_ =
      std::make_shared<const Origin>(Origin{{}, {{"service.name", "subfloor"}}, "0"});
  Taken taken_;
  std::unique_ptr<Sender> sender_;
};

TEST_F(OtlpExporter, CutsALargeWindowIntoRequestsThatServersTake) {
  start(std::size_t{64} << 20);
  SpanExporter exporter(origin_, *sender_);
  Span span;
  span.attributes.push_back({"url.path", std::string(1000, 'x')});
  for (int i = 0; i < 5000; ++i) exporter.on_span(span);
  exporter.on_window_closed({});
  settle();
  std::size_t spans = 0;
  for (const std::string& bytes : taken_.requests) {
    EXPECT_LT(bytes.size(), std::size_t{2} << 20);
    collector::trace::v1::ExportTraceServiceRequest request;
    ASSERT_TRUE(request.ParseFromString(bytes));
    spans += static_cast<std::size_t>(request.resource_spans(0).scope_spans(0).spans_size());
  }
  EXPECT_EQ(spans, 5000U);
  EXPECT_EQ(sender_->counters().sent, 5000U);
}

TEST_F(OtlpExporter, CutsSmallerForASmallQueueSoThatAWholeWindowIsNotTooMuch) {
  start(std::size_t{64} << 10);
  SpanExporter exporter(origin_, *sender_);
  for (int i = 0; i < 200; ++i) exporter.on_span(Span{});
  exporter.on_window_closed({});
  settle();
  EXPECT_GT(sender_->counters().sent, 0U);
  EXPECT_GT(taken_.requests.size(), 1U);
}

TEST_F(OtlpExporter, SendsNothingForAWindowWithoutSpans) {
  start(std::size_t{1} << 20);
  SpanExporter exporter(origin_, *sender_);
  exporter.on_window_closed({});
  sender_->finish(std::numeric_limits<Nanoseconds>::max());
  sender_->wait();
  EXPECT_TRUE(taken_.requests.empty());
}

TEST_F(OtlpExporter, CutsALargeSnapshotAndLosesNoPoint) {
  start(std::size_t{64} << 20);
  MetricExporter exporter(origin_, Temporality::cumulative, *sender_);
  exporter.add(counters(4500, 1, 2 * second));
  settle();
  const std::vector<std::size_t> counts = points_of_requests();
  EXPECT_GE(counts.size(), 3U);
  std::size_t sum = 0;
  for (const std::size_t count : counts) {
    EXPECT_LE(count, 2000U);
    sum += count;
  }
  EXPECT_EQ(sum, 4500U);
}

TEST_F(OtlpExporter, CountsDeltasFromWhatWasDelivered) {
  start(std::size_t{1} << 20);
  MetricExporter exporter(origin_, Temporality::delta, *sender_);
  exporter.add(counters(1, 5, 2 * second));
  settle();
  taken_.refuses = true;
  exporter.add(counters(1, 7, 3 * second));
  settle();
  taken_.refuses = false;
  exporter.add(counters(1, 12, 4 * second));
  settle();
  ASSERT_EQ(taken_.requests.size(), 3U);
  EXPECT_EQ(last_value(taken_.requests[0]), 5);
  EXPECT_EQ(last_value(taken_.requests[1]), 2);
  EXPECT_EQ(last_value(taken_.requests[2]), 7) << "the refused one's two, and five more";
}

}  // namespace
}  // namespace subfloor::otlp
