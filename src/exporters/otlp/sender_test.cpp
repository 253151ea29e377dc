// SPDX-License-Identifier: Apache-2.0
#include "exporters/otlp/sender.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <functional>
#include <limits>
#include <random>
#include <thread>
#include <vector>

#include "base/log.h"

namespace subfloor::otlp {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr Nanoseconds second = 1'000'000'000;
constexpr Nanoseconds never = std::numeric_limits<Nanoseconds>::max();

struct TextBatch final : Batch {
  TextBatch(std::string given, std::uint64_t count, std::size_t weight = 1)
      : text(std::move(given)), number(count), size(weight) {}
  [[nodiscard]] std::uint64_t items() const override { return number; }
  [[nodiscard]] std::size_t bytes() const override { return size; }
  [[nodiscard]] std::string encode() override { return text; }
  void delivered() override {
    if (on_delivered) on_delivered();
  }
  std::string text;
  std::uint64_t number;
  std::size_t size;
  std::function<void()> on_delivered;
};

// What the test sees of the collector: it answers as `answer` says.
struct Collector {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::string> requests;
  std::function<Reply(std::size_t number)> answer = [](std::size_t) { return Reply{}; };  // number from 1
  bool hangs = false;
  Nanoseconds limit = never;

  void let_go() {
    const std::lock_guard lock(mutex);
    hangs = false;
    changed.notify_all();
  }
  void wait_for_requests(std::size_t count) {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return requests.size() >= count; });
  }
};

class FakeTransport final : public Transport {
 public:
  explicit FakeTransport(Collector& collector) : collector_(collector) {}
  Reply send(const std::string& request) override {
    std::unique_lock lock(collector_.mutex);
    collector_.requests.push_back(request);
    collector_.changed.notify_all();
    collector_.changed.wait(lock, [&] { return !collector_.hangs || collector_.limit != never; });
    if (collector_.hangs) return {.kind = Reply::Kind::retry, .message = "out of time"};
    return collector_.answer(collector_.requests.size());
  }
  void limit(Nanoseconds instant) override {
    const std::lock_guard lock(collector_.mutex);
    collector_.limit = instant;
    collector_.changed.notify_all();
  }

 private:
  Collector& collector_;
};

// A clock that only pauses move.
struct Clock {
  std::mutex mutex;
  std::condition_variable changed;
  Nanoseconds now = 1'000 * second;
  std::vector<Nanoseconds> pauses;
  bool hurried = false;
  bool frozen = false;  // pauses last until hurry()
};

class FakePace final : public Pace {
 public:
  explicit FakePace(Clock& clock) : clock_(clock) {}
  Nanoseconds now() override {
    const std::lock_guard lock(clock_.mutex);
    return clock_.now;
  }
  bool wait_until(Nanoseconds instant) override {
    std::unique_lock lock(clock_.mutex);
    if (clock_.hurried) return false;
    clock_.pauses.push_back(instant - clock_.now);
    clock_.changed.notify_all();
    clock_.changed.wait(lock, [&] { return !clock_.frozen || clock_.hurried; });
    if (clock_.hurried) return false;
    clock_.now = instant;
    return true;
  }
  void hurry() override {
    const std::lock_guard lock(clock_.mutex);
    clock_.hurried = true;
    clock_.changed.notify_all();
  }

 private:
  Clock& clock_;
};

Reply retry(std::optional<Nanoseconds> wait = {}) {
  return {.kind = Reply::Kind::retry, .message = "busy", .wait = wait};
}

class OtlpSender : public testing::Test {
 protected:
  void start(SenderOptions options = {}) {
    options.name = "otlp_test";
    sender_ = std::make_unique<Sender>(std::move(options), std::make_unique<FakeTransport>(collector_),
                                       std::make_unique<FakePace>(clock_));
  }
  void add(const std::string& text, std::uint64_t items = 1, std::size_t bytes = 1) {
    sender_->add(std::make_unique<TextBatch>(text, items, bytes));
  }
  // Until nothing waits and nothing is on its way.
  SenderCounters settled() {
    while (sender_->counters().queued != 0) std::this_thread::yield();
    return sender_->counters();
  }
  std::vector<std::string> requests() {
    const std::lock_guard lock(collector_.mutex);
    return collector_.requests;
  }

  Collector collector_;
  Clock clock_;
  std::unique_ptr<Sender> sender_;
};

TEST_F(OtlpSender, DeliversInOrderAndCountsWhatItSent) {
  start();
  add("a", 3);
  add("b", 4);
  const SenderCounters counters = settled();
  EXPECT_THAT(requests(), ElementsAre("a", "b"));
  EXPECT_EQ(counters.sent, 7U);
  EXPECT_EQ(counters.requests, 2U);
  EXPECT_EQ(counters.failures, 0U);
  EXPECT_TRUE(counters.dropped.empty());
}

TEST_F(OtlpSender, TellsABatchThatItIsDelivered) {
  std::atomic<int> delivered = 0;
  start();
  auto batch = std::make_unique<TextBatch>("a", 1);
  batch->on_delivered = [&] { ++delivered; };
  sender_->add(std::move(batch));
  sender_->finish(never);
  sender_->wait();
  EXPECT_EQ(delivered, 1);
}

TEST_F(OtlpSender, SendsTheSameBytesAgainAfterLongerAndLongerPauses) {
  collector_.answer = [](std::size_t number) { return number <= 4 ? retry() : Reply{}; };
  start();
  add("a", 2);
  const SenderCounters counters = settled();
  EXPECT_THAT(requests(), ElementsAre("a", "a", "a", "a", "a"));
  EXPECT_EQ(counters.sent, 2U);
  EXPECT_EQ(counters.failures, 4U);
  EXPECT_EQ(counters.last_error, "") << "it went well in the end";
  ASSERT_EQ(clock_.pauses.size(), 4U);
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_GE(clock_.pauses[i], (second << i) / 2);
    EXPECT_LE(clock_.pauses[i], (second << i) * 3 / 2);
  }
}

TEST_F(OtlpSender, DropsWhatIsRefusedWithoutTryingAgain) {
  collector_.answer = [](std::size_t number) {
    return number == 1 ? Reply{.kind = Reply::Kind::refused, .message = "HTTP 400"} : Reply{};
  };
  start();
  add("a", 5);
  add("b", 2);
  const SenderCounters counters = settled();
  EXPECT_THAT(requests(), ElementsAre("a", "b"));
  EXPECT_EQ(counters.dropped.at("refused"), 5U);
  EXPECT_EQ(counters.sent, 2U);
}

TEST_F(OtlpSender, GivesUpOnABatchInTheEnd) {
  collector_.answer = [](std::size_t) { return retry(); };
  start({.retry = {.initial = second, .longest = second, .give_up = 10 * second}});
  add("a", 5);
  const SenderCounters counters = settled();
  EXPECT_EQ(counters.dropped.at("retries_exhausted"), 5U);
  EXPECT_GT(counters.requests, 5U);
  EXPECT_EQ(counters.last_error, "busy");
  EXPECT_LE(clock_.now, 1'011 * second);
}

TEST_F(OtlpSender, IsAsPatientAsTheServerAsksAlsoWithTheNextBatch) {
  collector_.answer = [](std::size_t number) { return number == 1 ? retry(600 * second) : Reply{}; };
  start({.retry = {.initial = second, .longest = second, .give_up = 300 * second}});
  add("a", 5);
  add("b", 1);
  const SenderCounters counters = settled();
  EXPECT_EQ(counters.dropped.at("retries_exhausted"), 5U) << "it could not wait so long";
  EXPECT_EQ(counters.sent, 1U);
  EXPECT_THAT(clock_.pauses, ElementsAre(600 * second));
}

TEST_F(OtlpSender, IsNotSilencedForMoreThanAnHour) {
  collector_.answer = [](std::size_t number) { return number == 1 ? retry(1'000'000'000 * second) : Reply{}; };
  start();
  add("a");
  add("b");
  EXPECT_EQ(settled().sent, 1U);
  EXPECT_THAT(clock_.pauses, ElementsAre(3600 * second));
}

TEST_F(OtlpSender, CountsWhatThePartialSuccessRejected) {
  collector_.answer = [](std::size_t) { return Reply{.rejected = 2, .message = "too old"}; };
  start();
  add("a", 5);
  const SenderCounters counters = settled();
  EXPECT_EQ(counters.sent, 3U);
  EXPECT_EQ(counters.dropped.at("rejected"), 2U);
  EXPECT_EQ(counters.requests, 1U) << "a partial success must not be repeated";
}

TEST_F(OtlpSender, NeverMakesItsCallerWaitAndDropsTheOldestWhenFull) {
  collector_.hangs = true;
  start({.queue_bytes = 30});
  add("first", 1, 10);
  collector_.wait_for_requests(1);
  for (int i = 0; i < 10; ++i) add(std::to_string(i), 7, 10);
  SenderCounters counters = sender_->counters();
  EXPECT_EQ(counters.queued, 1U + 3U * 7U);
  EXPECT_EQ(counters.queued_bytes, 30U);
  EXPECT_EQ(counters.dropped.at("queue_full"), 7U * 7U);
  collector_.let_go();
  counters = settled();
  EXPECT_THAT(requests(), ElementsAre("first", "7", "8", "9"));
  EXPECT_EQ(counters.sent, 1U + 3U * 7U);
}

TEST_F(OtlpSender, SendsNothingForABatchThatHasNothing) {
  start();
  add("", 3);
  EXPECT_EQ(settled().sent, 3U);
  EXPECT_TRUE(requests().empty());
}

TEST_F(OtlpSender, FinishesByDeliveringWhatWaits) {
  collector_.hangs = true;
  start();
  for (const char* text : {"a", "b", "c"}) add(text);
  collector_.wait_for_requests(1);
  collector_.let_go();
  sender_->finish(never);
  sender_->wait();
  EXPECT_EQ(sender_->counters().sent, 3U);
  add("late");
  EXPECT_EQ(sender_->counters().dropped.at("shutdown"), 1U);
  EXPECT_EQ(sender_->counters().queued, 0U);
}

TEST_F(OtlpSender, TriesOnceMoreWhenItHasToFinishDuringAPauseAndThenDropsAll) {
  clock_.frozen = true;
  collector_.answer = [](std::size_t) { return retry(); };
  start();
  add("a", 2);
  add("b", 3);
  {
    std::unique_lock lock(clock_.mutex);
    clock_.changed.wait(lock, [&] { return !clock_.pauses.empty(); });
  }
  sender_->finish(never);
  sender_->wait();
  EXPECT_THAT(requests(), ElementsAre("a", "a"));
  EXPECT_EQ(sender_->counters().dropped.at("shutdown"), 5U);
}

TEST_F(OtlpSender, EndsARequestThatHangsWhenItsTimeIsOver) {
  collector_.hangs = true;
  start();
  add("a", 2);
  add("b", 3);
  collector_.wait_for_requests(1);
  sender_->finish(5 * second);
  sender_->wait();
  EXPECT_EQ(collector_.limit, 5 * second);
  EXPECT_EQ(sender_->counters().dropped.at("shutdown"), 5U);
}

TEST_F(OtlpSender, EndsWithoutBeingFinished) {
  clock_.frozen = true;
  collector_.answer = [](std::size_t) { return retry(); };
  start();
  for (int i = 0; i < 100; ++i) add("a");
  collector_.wait_for_requests(1);
  sender_.reset();
  EXPECT_LE(requests().size(), 3U);
}

TEST_F(OtlpSender, AccountsForEveryItemWhateverHappens) {
  std::minstd_rand random(7);
  std::mutex mutex;
  collector_.answer = [&](std::size_t) {
    const std::lock_guard lock(mutex);
    switch (random() % 4) {
      case 0: return retry();
      case 1: return Reply{.kind = Reply::Kind::refused, .message = ""};
      case 2: return Reply{.rejected = 1};
      default: return Reply{};
    }
  };
  start({.queue_bytes = 20, .retry = {.initial = second, .longest = second, .give_up = 2 * second}});
  add("heavier than the queue", 11, 21);
  std::uint64_t added = 11;
  for (std::uint64_t i = 1; i <= 2000; ++i) {
    add("x", i % 5, i % 7);
    added += i % 5;
  }
  sender_->finish(never);
  sender_->wait();
  const SenderCounters counters = sender_->counters();
  std::uint64_t sum = counters.sent + counters.queued;
  for (const auto& [cause, count] : counters.dropped) sum += count;
  EXPECT_EQ(sum, added);
  EXPECT_EQ(counters.queued, 0U);
}

std::mutex log_mutex;
std::string logged;

TEST_F(OtlpSender, NeverShowsAHeadersValue) {
  log::set_writer([](log::Level, std::string_view line) {
    const std::lock_guard lock(log_mutex);
    logged += line;
  });
  collector_.answer = [](std::size_t) {
    return Reply{.kind = Reply::Kind::refused, .message = "bad token s3cret-value"};
  };
  start({.secrets = {{"api-key", "s3cret-value"}}});
  add("a");
  EXPECT_EQ(settled().last_error, "bad token [redacted]");
  sender_.reset();
  const std::lock_guard lock(log_mutex);
  EXPECT_THAT(logged, Not(HasSubstr("s3cret")));
}

}  // namespace
}  // namespace subfloor::otlp
