// SPDX-License-Identifier: Apache-2.0
// Inquiry: asks the container runtime, in a thread of its own, and tries again where it is not there. Whoever wants to
// know something never waits.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "identity/containers/runtime.h"
#include "model/workload.h"

namespace subfloor::identity {

// What became of one question, or of the list that is read when the runtime is reached.
struct Finding {
  std::string id;                    // that was asked about; empty of a list
  std::vector<Workload> workloads;   // nothing where the runtime has none of that id
};

struct InquiryState {
  std::string socket;   // "" where none was found
  std::string runtime;  // "containerd 1.6.20", "" while it is not reached
  std::string problem;  // "" where there is none
  std::uint64_t asked = 0, found = 0, unknown = 0, failures = 0, dropped = 0;
};

class Inquiry {
 public:
  struct Settings {
    std::string socket;  // "": find_runtime_socket()
    std::size_t max_waiting = 4096;
    Nanoseconds first_pause = 1'000'000'000, longest_pause = 60'000'000'000;  // between attempts to reach it
    // A sandbox runs before its runtime tells of it: asked again after this time, then after twice that, and so on.
    Nanoseconds again_after = 25'000'000;
    int attempts = 8;  // for each question, over some 3 s
    std::function<Result<std::unique_ptr<Runtime>>(const std::string& socket)> connect = make_runtime;
    std::function<std::string()> find_socket = find_runtime_socket;
  };
  // Called in the inquiry's thread.
  using Deliver = std::function<void(Finding&&)>;

  Inquiry(Settings settings, Deliver deliver);
  // Cuts short what is being asked.
  ~Inquiry();
  Inquiry(const Inquiry&) = delete;
  Inquiry& operator=(const Inquiry&) = delete;

  // Any thread. The answer is delivered once, unless too many wait: then it is dropped and counted.
  void ask(const std::string& id);
  // Reads the whole list again: something may have been missed.
  void refresh();

  [[nodiscard]] InquiryState state() const;

 private:
  struct Question {
    std::string id;
    int attempts = 0;
  };

  void run();
  [[nodiscard]] bool reach();
  [[nodiscard]] bool read_list();
  [[nodiscard]] std::optional<Question> next();
  void answer(const Question& question);
  void put_back(Question question);
  void note_problem(std::string problem);
  void let_go();

  const Settings settings_;
  const Deliver deliver_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::unique_ptr<Runtime> runtime_;  // changed by the thread only, under the mutex
  std::multimap<Nanoseconds, Question> questions_;  // by when they are due
  std::set<std::string> waiting_;  // the ids of those
  InquiryState state_;
  Nanoseconds pause_ = 0, next_attempt_ = 0;
  bool list_wanted_ = true, over_ = false;
  std::jthread thread_;  // last: it uses the others
};

}  // namespace subfloor::identity
