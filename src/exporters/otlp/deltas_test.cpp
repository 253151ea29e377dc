// SPDX-License-Identifier: Apache-2.0
#include "exporters/otlp/deltas.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace subfloor::otlp {
namespace {

using testing::ElementsAre;

constexpr Nanoseconds second = 1'000'000'000;

Exemplar exemplar(char digit) {
  Exemplar result{.value = 1};
  result.trace_id.fill(digit);
  result.span_id.fill(digit);
  return result;
}

// At `time` seconds: a counter, a histogram of two buckets, a gauge and an up-down counter of the same value.
MetricSnapshot snapshot(Nanoseconds time, std::uint64_t value) {
  MetricSnapshot result{1 * second, time * second, {}, {}};
  const Labels labels{{"service", "x"}};
  for (const auto type : {MetricType::counter, MetricType::gauge, MetricType::up_down}) {
    result.families.push_back({"m" + std::to_string(static_cast<int>(type)), "1", "", type, {}});
    result.families.back().points.push_back({labels, value, {}});
  }
  HistogramPoint histogram{{10}, {value, 1}, value + 1, static_cast<double>(value) * 2, {}};
  histogram.exemplars.push_back(exemplar(static_cast<char>('0' + time)));
  result.families.push_back({"h", "s", "", MetricType::histogram, {}});
  result.families.back().points.push_back({labels, std::uint64_t{0}, histogram});
  return result;
}

std::uint64_t value_of(const MetricSnapshot& snapshot, MetricType type) {
  for (const MetricFamily& family : snapshot.families)
    if (family.type == type) return std::get<std::uint64_t>(family.points.at(0).value);
  return 0;
}

const MetricPoint& histogram_of(const MetricSnapshot& snapshot) { return snapshot.families.at(3).points.at(0); }

TEST(Deltas, AreNoneForCumulative) {
  Deltas deltas(Temporality::cumulative);
  deltas.commit(snapshot(2, 5));
  const MetricSnapshot next = deltas.since_last(snapshot(3, 9));
  EXPECT_EQ(value_of(next, MetricType::counter), 9U);
  EXPECT_FALSE(next.families[0].delta);
  EXPECT_THAT(histogram_of(next).histogram.counts, ElementsAre(9, 1));
  EXPECT_EQ(histogram_of(next).start, 0U) << "the snapshot's";
}

TEST(Deltas, CountFromTheLastDelivery) {
  Deltas deltas(Temporality::delta);
  const MetricSnapshot first = deltas.since_last(snapshot(2, 5));
  EXPECT_EQ(value_of(first, MetricType::counter), 5U);
  EXPECT_EQ(first.families[0].points[0].start, 0U) << "since the snapshot's start";
  EXPECT_TRUE(first.families[0].delta);
  deltas.commit(snapshot(2, 5));
  const MetricSnapshot next = deltas.since_last(snapshot(3, 9));
  EXPECT_EQ(value_of(next, MetricType::counter), 4U);
  EXPECT_EQ(next.families[0].points[0].start, 2 * second);
  EXPECT_THAT(histogram_of(next).histogram.counts, ElementsAre(4, 0));
  EXPECT_EQ(histogram_of(next).histogram.count, 4U);
  EXPECT_DOUBLE_EQ(histogram_of(next).histogram.sum, 8);
  EXPECT_EQ(histogram_of(next).start, 2 * second);
}

TEST(Deltas, MakeGoodWhatWasNotDelivered) {
  Deltas deltas(Temporality::delta);
  deltas.commit(snapshot(2, 5));
  EXPECT_EQ(value_of(deltas.since_last(snapshot(3, 9)), MetricType::counter), 4U);  // and is lost
  const MetricSnapshot next = deltas.since_last(snapshot(4, 10));
  EXPECT_EQ(value_of(next, MetricType::counter), 5U);
  EXPECT_EQ(next.families[0].points[0].start, 2 * second);
}

TEST(Deltas, LeaveGaugesAndUpDownCountersAlone) {
  Deltas deltas(Temporality::delta);
  deltas.commit(snapshot(2, 5));
  const MetricSnapshot next = deltas.since_last(snapshot(3, 9));
  EXPECT_EQ(value_of(next, MetricType::gauge), 9U);
  EXPECT_EQ(value_of(next, MetricType::up_down), 9U);
  EXPECT_FALSE(next.families[2].delta);
}

TEST(Deltas, OfLowMemoryAreThoseOfHistograms) {
  Deltas deltas(Temporality::lowmemory);
  deltas.commit(snapshot(2, 5));
  const MetricSnapshot next = deltas.since_last(snapshot(3, 9));
  EXPECT_EQ(value_of(next, MetricType::counter), 9U);
  EXPECT_EQ(histogram_of(next).histogram.count, 4U);
}

TEST(Deltas, LeaveOutAHistogramInWhichNothingHappened) {
  Deltas deltas(Temporality::delta);
  deltas.commit(snapshot(2, 5));
  EXPECT_TRUE(deltas.since_last(snapshot(3, 5)).families[3].points.empty());
}

TEST(Deltas, SendAnExemplarOnce) {
  for (const auto temporality : {Temporality::cumulative, Temporality::delta}) {
    Deltas deltas(temporality);
    MetricSnapshot first = snapshot(2, 5);
    EXPECT_EQ(histogram_of(deltas.since_last(first)).histogram.exemplars.size(), 1U);
    deltas.commit(first);
    MetricSnapshot next = snapshot(3, 9);
    next.families[3].points[0].histogram.exemplars.push_back(exemplar('2'));
    const MetricSnapshot sent = deltas.since_last(next);
    ASSERT_EQ(histogram_of(sent).histogram.exemplars.size(), 1U);
    EXPECT_EQ(histogram_of(sent).histogram.exemplars[0].span_id[0], '3');
  }
}

}  // namespace
}  // namespace subfloor::otlp
