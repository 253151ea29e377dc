// SPDX-License-Identifier: Apache-2.0
#include "exporters/otlp/deltas.h"

#include <algorithm>

namespace subfloor::otlp {
namespace {

std::string key_of(const MetricFamily& family, const MetricPoint& point) {
  std::string key = family.name;
  for (const Label& label : point.labels) key.append(1, '\0').append(label.name).append(1, '\0').append(label.value);
  return key;
}

std::variant<double, std::uint64_t> difference(const MetricPoint& now, const MetricPoint& base) {
  if (const auto* count = std::get_if<std::uint64_t>(&now.value)) {
    const auto* before = std::get_if<std::uint64_t>(&base.value);
    return *count - std::min(*count, before != nullptr ? *before : 0);
  }
  const auto* before = std::get_if<double>(&base.value);
  return std::max(0.0, std::get<double>(now.value) - (before != nullptr ? *before : 0));
}

bool has(const std::vector<Exemplar>& exemplars, const Exemplar& wanted) {
  return std::any_of(exemplars.begin(), exemplars.end(), [&](const Exemplar& exemplar) {
    return exemplar.span_id == wanted.span_id && exemplar.trace_id == wanted.trace_id;
  });
}

void subtract(HistogramPoint& now, const HistogramPoint& base) {
  for (std::size_t i = 0; i < std::min(now.counts.size(), base.counts.size()); ++i)
    now.counts[i] -= std::min(now.counts[i], base.counts[i]);
  now.count -= std::min(now.count, base.count);
  now.sum = std::max(0.0, now.sum - base.sum);
}

}  // namespace

bool Deltas::is_delta(const MetricFamily& family) const {
  if (temporality_ == Temporality::cumulative) return false;
  return family.type == MetricType::histogram ||
         (family.type == MetricType::counter && temporality_ == Temporality::delta);
}

const Deltas::Base* Deltas::base_of(const MetricFamily& family, const MetricPoint& point) const {
  const auto found = bases_.find(key_of(family, point));
  return found == bases_.end() ? nullptr : &found->second;
}

MetricSnapshot Deltas::since_last(const MetricSnapshot& snapshot) const {
  MetricSnapshot result = snapshot;
  for (MetricFamily& family : result.families) {
    const bool delta = is_delta(family);
    const bool histogram = family.type == MetricType::histogram;
    family.delta = delta;
    if (!delta && !histogram) continue;
    for (MetricPoint& point : family.points) {
      const Base* base = base_of(family, point);
      if (base == nullptr) continue;
      std::erase_if(point.histogram.exemplars,
                    [&](const Exemplar& exemplar) { return has(base->point.histogram.exemplars, exemplar); });
      if (!delta) continue;
      point.start = base->time;
      if (histogram) {
        subtract(point.histogram, base->point.histogram);
      } else {
        point.value = difference(point, base->point);
      }
    }
    // A series in which nothing happened has no delta.
    if (delta && histogram) std::erase_if(family.points, [](const MetricPoint& p) { return p.histogram.count == 0; });
  }
  return result;
}

void Deltas::commit(const MetricSnapshot& snapshot) {
  for (const MetricFamily& family : snapshot.families) {
    const bool delta = is_delta(family);
    if (!delta && family.type != MetricType::histogram) continue;
    for (const MetricPoint& point : family.points) {
      Base& base = bases_[key_of(family, point)];
      base.time = snapshot.time;
      base.point.histogram.exemplars = point.histogram.exemplars;
      if (!delta) continue;
      base.point.value = point.value;
      base.point.histogram.counts = point.histogram.counts;
      base.point.histogram.count = point.histogram.count;
      base.point.histogram.sum = point.histogram.sum;
    }
  }
}

}  // namespace subfloor::otlp
