// SPDX-License-Identifier: Apache-2.0
// One signal's way to its collector: a bounded queue, and a thread that encodes, sends and tries again. Whoever puts
// something in never waits; what cannot be delivered is dropped and counted, by cause.
#pragma once

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "base/bounded_queue.h"
#include "exporters/otlp/retry.h"
#include "exporters/otlp/settings.h"
#include "exporters/otlp/transport.h"

namespace subfloor::otlp {

// What one request carries; immutable once it is in the queue.
class Batch {
 public:
  virtual ~Batch() = default;
  [[nodiscard]] virtual std::uint64_t items() const = 0;  // spans or points
  [[nodiscard]] virtual std::size_t bytes() const = 0;    // memory it holds, about
  // The request's bytes. Called once, in the sender's thread; empty where there is nothing left to send.
  [[nodiscard]] virtual std::string encode() = 0;
  // The collector has it. In the sender's thread.
  virtual void delivered() {}
};

struct SenderOptions {
  std::string name{};             // "otlp_traces": of the thread, in messages and metrics
  std::size_t queue_bytes = std::size_t{16} << 20;
  RetryLimits retry{};
  Headers secrets{};              // whose values must not appear in messages
};

struct SenderCounters {
  std::uint64_t queued = 0;        // items that wait, or are being sent
  std::uint64_t queued_bytes = 0;  // of those that wait
  std::uint64_t sent = 0;          // items taken by the collector
  std::uint64_t requests = 0;      // attempts
  std::uint64_t failures = 0;      // of those, without success
  std::map<std::string_view, std::uint64_t> dropped;  // items by cause
  std::string last_error;          // "" where the last attempt succeeded, or there was none
};

// Time as a sender sees it; tests have their own.
class Pace {
 public:
  virtual ~Pace() = default;
  [[nodiscard]] virtual Nanoseconds now() = 0;
  // Waits until then, or until hurry(); false in the latter case, and from then on at once.
  [[nodiscard]] virtual bool wait_until(Nanoseconds instant) = 0;
  // From any thread.
  virtual void hurry() = 0;
};
[[nodiscard]] std::unique_ptr<Pace> real_pace();

class Sender {
 public:
  Sender(SenderOptions options, std::unique_ptr<Transport> transport, std::unique_ptr<Pace> pace = real_pace());
  // Gives up at once what has not been finished.
  ~Sender();
  Sender(const Sender&) = delete;
  Sender& operator=(const Sender&) = delete;

  // What a batch should not be larger than, in memory: a request stays well below the 4 MiB that gRPC servers take by
  // default, and a small queue holds several.
  [[nodiscard]] std::size_t batch_bytes() const {
    return std::min<std::size_t>(std::size_t{1} << 20, options_.queue_bytes / 8);
  }

  // Any thread; does not wait.
  void add(std::unique_ptr<Batch> batch);

  // Takes nothing more in, and hurries: no pauses, and the first failure ends it. Does not wait; wait() does, until
  // all is sent or the deadline (CLOCK_MONOTONIC) has passed.
  void finish(Nanoseconds deadline);
  void wait();

  [[nodiscard]] SenderCounters counters() const;
  [[nodiscard]] const std::string& name() const { return options_.name; }

 private:
  void run();
  void deliver(Batch& batch);
  void attempt_until_done(Batch& batch, const std::string& request);
  void take(Batch& batch, const Reply& reply);
  void drop(const Batch& batch, std::string_view cause);
  void note_failure(const Reply& reply);

  const SenderOptions options_;
  std::unique_ptr<Transport> transport_;
  std::unique_ptr<Pace> pace_;
  BoundedQueue<std::unique_ptr<Batch>> queue_;
  Nanoseconds not_before_ = 0;  // the server asked for patience, whatever the batch
  std::atomic<bool> finishing_{false};
  std::atomic<bool> over_{false};  // finishing, and no attempt is worth its time any more
  mutable std::mutex mutex_;
  SenderCounters counters_;
  std::jthread worker_;  // last: it uses the others
};

}  // namespace subfloor::otlp
