// SPDX-License-Identifier: Apache-2.0
#include "exporters/otlp/exporter.h"

#include <utility>

namespace subfloor::otlp {
namespace {

constexpr std::size_t spans_per_request = 512, points_per_request = 2000;

std::size_t bytes_of(const Span& span) {
  std::size_t sum = sizeof(Span) + span.name.size() + span.trace_id.size() + span.span_id.size() +
                    span.parent_span_id.size() + span.trace_state.size() + span.resource.service.size() +
                    span.resource.container_id.size() + span.resource.executable.size() +
                    span.durations.counts().size() * sizeof(std::uint64_t);
  for (const Attribute& attribute : span.attributes) {
    const auto* text = std::get_if<std::string>(&attribute.value);
    sum += sizeof(Attribute) + (text != nullptr ? text->size() : 0);
  }
  return sum;
}

std::size_t bytes_of(const MetricPoint& point) {
  const HistogramPoint& histogram = point.histogram;
  std::size_t sum = sizeof(MetricPoint) + histogram.bounds.size() * sizeof(double) +
                    histogram.counts.size() * sizeof(std::uint64_t) + histogram.exemplars.size() * sizeof(Exemplar);
  for (const Label& label : point.labels) sum += sizeof(Label) + label.name.size() + label.value.size();
  return sum;
}

class SpanBatch final : public Batch {
 public:
  SpanBatch(std::vector<Span> spans, std::size_t bytes, std::shared_ptr<const Origin> origin)
      : spans_(std::move(spans)), bytes_(bytes), origin_(std::move(origin)) {}

  [[nodiscard]] std::uint64_t items() const override { return spans_.size(); }
  [[nodiscard]] std::size_t bytes() const override { return bytes_; }
  [[nodiscard]] std::string encode() override { return otlp::encode(spans_, *origin_); }

 private:
  std::vector<Span> spans_;
  std::size_t bytes_;
  std::shared_ptr<const Origin> origin_;
};

class MetricBatch final : public Batch {
 public:
  MetricBatch(MetricSnapshot snapshot, std::uint64_t points, std::size_t bytes, std::shared_ptr<const Origin> origin,
              std::shared_ptr<Deltas> deltas)
      : snapshot_(std::move(snapshot)),
        points_(points),
        bytes_(bytes),
        origin_(std::move(origin)),
        deltas_(std::move(deltas)) {}

  [[nodiscard]] std::uint64_t items() const override { return points_; }
  [[nodiscard]] std::size_t bytes() const override { return bytes_; }
  [[nodiscard]] std::string encode() override { return otlp::encode(deltas_->since_last(snapshot_), *origin_); }
  void delivered() override { deltas_->commit(snapshot_); }

 private:
  MetricSnapshot snapshot_;
  std::uint64_t points_;
  std::size_t bytes_;
  std::shared_ptr<const Origin> origin_;
  std::shared_ptr<Deltas> deltas_;
};

}  // namespace

void SpanExporter::on_span(const Span& span) {
  const std::size_t bytes = bytes_of(span);
  if (!pending_.empty() && (pending_.size() == spans_per_request || pending_bytes_ + bytes > sender_.batch_bytes()))
    flush();
  pending_.push_back(span);
  pending_bytes_ += bytes;
}

void SpanExporter::on_window_closed(const WindowSummary& /*summary*/) {
  if (!pending_.empty()) flush();
}

void SpanExporter::flush() {
  sender_.add(std::make_unique<SpanBatch>(std::exchange(pending_, {}), std::exchange(pending_bytes_, 0), origin_));
}

void MetricExporter::add(MetricSnapshot snapshot) {
  MetricSnapshot part{snapshot.start, snapshot.time, snapshot.resource, {}};
  std::uint64_t points = 0;
  std::size_t bytes = 0;
  const auto flush = [&] {
    if (points == 0) return;
    sender_.add(
        std::make_unique<MetricBatch>(std::exchange(part, {snapshot.start, snapshot.time, snapshot.resource, {}}),
                                      std::exchange(points, 0), std::exchange(bytes, 0), origin_, deltas_));
  };
  for (MetricFamily& family : snapshot.families) {
    std::vector<MetricPoint> all = std::move(family.points);
    for (std::size_t i = 0; i < all.size(); ++i) {
      const std::size_t size = bytes_of(all[i]);
      if (points == points_per_request || bytes + size > sender_.batch_bytes()) flush();
      if (i == 0 || points == 0)
        part.families.push_back({family.name, family.unit, family.help, family.type, {}, family.delta});
      bytes += size;
      ++points;
      part.families.back().points.push_back(std::move(all[i]));
    }
  }
  flush();
}

}  // namespace subfloor::otlp
