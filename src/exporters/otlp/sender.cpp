// SPDX-License-Identifier: Apache-2.0
#include "exporters/otlp/sender.h"

#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <random>

#include "base/log.h"

namespace subfloor::otlp {
namespace {

// A server cannot silence the exporter for longer than this.
constexpr Nanoseconds longest_patience = 3600ULL * 1'000'000'000;

class RealPace final : public Pace {
 public:
  Nanoseconds now() override { return monotonic_now(); }

  bool wait_until(Nanoseconds instant) override {
    std::unique_lock lock(mutex_);
    const Nanoseconds before = now();
    const std::chrono::nanoseconds left(instant > before ? instant - before : 0);
    return !changed_.wait_for(lock, left, [this] { return hurried_; });
  }

  void hurry() override {
    {
      const std::lock_guard lock(mutex_);
      hurried_ = true;
    }
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool hurried_ = false;
};

double random_fraction() {
  thread_local std::minstd_rand generator{std::random_device{}()};
  return std::uniform_real_distribution<double>(0, 1)(generator);
}

}  // namespace

std::unique_ptr<Pace> real_pace() { return std::make_unique<RealPace>(); }

Sender::Sender(SenderOptions options, std::unique_ptr<Transport> transport, std::unique_ptr<Pace> pace)
    : options_(std::move(options)),
      transport_(std::move(transport)),
      pace_(std::move(pace)),
      queue_(options_.queue_bytes),
      worker_([this] { run(); }) {}

Sender::~Sender() {
  over_ = true;
  finish(pace_->now());
  wait();
}

void Sender::add(std::unique_ptr<Batch> batch) {
  const std::uint64_t items = batch->items();
  const std::size_t bytes = batch->bytes();
  {
    const std::lock_guard lock(mutex_);
    counters_.queued += items;
  }
  const char* cause = finishing_ ? "shutdown" : "queue_full";
  for (const auto& out : queue_.push(std::move(batch), bytes)) drop(*out, cause);
}

void Sender::finish(Nanoseconds deadline) {
  finishing_ = true;
  transport_->limit(deadline);
  queue_.close();
  pace_->hurry();
}

void Sender::wait() {
  if (worker_.joinable()) worker_.join();
}

SenderCounters Sender::counters() const {
  const std::lock_guard lock(mutex_);
  SenderCounters copy = counters_;
  copy.queued_bytes = queue_.weight();
  return copy;
}

void Sender::run() {
  pthread_setname_np(pthread_self(), options_.name.substr(0, 15).c_str());
  while (auto batch = queue_.pop()) deliver(**batch);
}

void Sender::deliver(Batch& batch) {
  if (over_) return drop(batch, "shutdown");
  // Not while finishing: the server's wish would cost the data.
  if (not_before_ > pace_->now()) [[maybe_unused]]
    const bool whole = pace_->wait_until(not_before_);
  const std::string request = batch.encode();
  if (request.empty()) {
    take(batch, {});
  } else {
    attempt_until_done(batch, request);
  }
}

void Sender::attempt_until_done(Batch& batch, const std::string& request) {
  Retries retries(options_.retry, pace_->now(), random_fraction);
  while (true) {
    {
      const std::lock_guard lock(mutex_);
      ++counters_.requests;
    }
    const Reply reply = transport_->send(request);
    if (reply.kind == Reply::Kind::accepted) return take(batch, reply);
    note_failure(reply);
    if (reply.kind == Reply::Kind::refused) return drop(batch, "refused");
    if (reply.wait) not_before_ = pace_->now() + std::min(*reply.wait, longest_patience);
    const auto again = retries.again(reply, pace_->now());
    // Whoever was pausing when it had to finish has tried once more by now.
    if (finishing_) {
      over_ = true;
      return drop(batch, "shutdown");
    }
    if (!again) return drop(batch, "retries_exhausted");
    [[maybe_unused]] const bool whole = pace_->wait_until(*again);
  }
}

void Sender::take(Batch& batch, const Reply& reply) {
  const std::uint64_t rejected = std::min(reply.rejected, batch.items());
  {
    const std::lock_guard lock(mutex_);
    counters_.queued -= batch.items();
    counters_.sent += batch.items() - rejected;
    if (rejected > 0) counters_.dropped["rejected"] += rejected;
    counters_.last_error.clear();
  }
  batch.delivered();
  if (rejected > 0) {
    LOG_WARN("{}: the collector rejected {} of {}: {}", options_.name, rejected, batch.items(),
             scrubbed(reply.message, options_.secrets));
  } else if (!reply.message.empty()) {
    LOG_WARN("{}: the collector warns: {}", options_.name, scrubbed(reply.message, options_.secrets));
  }
}

void Sender::drop(const Batch& batch, std::string_view cause) {
  {
    const std::lock_guard lock(mutex_);
    counters_.queued -= batch.items();
    counters_.dropped[cause] += batch.items();
  }
  LOG_WARN("{}: dropped {}: {}", options_.name, batch.items(), cause);
}

void Sender::note_failure(const Reply& reply) {
  const std::string why = scrubbed(reply.message, options_.secrets);
  {
    const std::lock_guard lock(mutex_);
    ++counters_.failures;
    counters_.last_error = why;
  }
  LOG_WARN("{}: {}: {}", options_.name, reply.kind == Reply::Kind::retry ? "will try again" : "refused", why);
}

}  // namespace subfloor::otlp
