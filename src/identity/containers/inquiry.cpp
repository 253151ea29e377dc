// SPDX-License-Identifier: Apache-2.0
#include "identity/containers/inquiry.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/log.h"

namespace subfloor::identity {

Inquiry::Inquiry(Settings settings, Deliver deliver)
    : settings_(std::move(settings)), deliver_(std::move(deliver)), thread_([this] { run(); }) {}

Inquiry::~Inquiry() {
  {
    const std::lock_guard lock(mutex_);
    over_ = true;
    if (runtime_) runtime_->cancel();
  }
  changed_.notify_all();
}

void Inquiry::ask(const std::string& id) {
  {
    const std::lock_guard lock(mutex_);
    if (waiting_.contains(id)) return;
    if (waiting_.size() >= settings_.max_waiting) {
      ++state_.dropped;
      return;
    }
    ++state_.asked;
    waiting_.insert(id);
    const Nanoseconds now = monotonic_now();
    questions_.emplace(now, Question{id});
    // A container has come: so may its runtime have.
    if (!runtime_) next_attempt_ = std::min(next_attempt_, now + settings_.first_pause);
  }
  changed_.notify_all();
}

void Inquiry::refresh() {
  {
    const std::lock_guard lock(mutex_);
    list_wanted_ = true;
  }
  changed_.notify_all();
}

InquiryState Inquiry::state() const {
  const std::lock_guard lock(mutex_);
  return state_;
}

void Inquiry::run() {
  for (;;) {
    if (!runtime_ && !reach()) return;
    if (!read_list()) continue;
    if (const std::optional<Question> question = next()) {
      answer(*question);
    } else {
      const std::lock_guard lock(mutex_);
      if (over_) return;
    }
  }
}

// Until there is a runtime; false where it is over.
bool Inquiry::reach() {
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      while (!over_ && monotonic_now() < next_attempt_)
        changed_.wait_for(lock, std::chrono::nanoseconds(next_attempt_ - std::min(next_attempt_, monotonic_now())));
      if (over_) return false;
      pause_ = std::clamp(pause_ * 2, settings_.first_pause, settings_.longest_pause);
      next_attempt_ = monotonic_now() + pause_;
    }
    const std::string socket = settings_.socket.empty() ? settings_.find_socket() : settings_.socket;
    if (socket.empty()) {
      note_problem("no container runtime's socket was found");
      continue;
    }
    {
      const std::lock_guard lock(mutex_);
      state_.socket = socket;
    }
    auto runtime = settings_.connect(socket);
    if (!runtime) {
      note_problem(runtime.error().message);
      continue;
    }
    {
      const std::lock_guard lock(mutex_);
      runtime_ = *std::move(runtime);
      if (over_) return false;
    }
    const Result<std::string> version = runtime_->version();
    if (!version) {
      note_problem(version.error().message);
      let_go();
      continue;
    }
    LOG_INFO("containers are named by {} at {}", *version, socket);
    const std::lock_guard lock(mutex_);
    state_.runtime = *version;
    state_.problem.clear();
    pause_ = 0;
    list_wanted_ = true;
    return true;
  }
}

// False where the runtime was lost over it.
bool Inquiry::read_list() {
  {
    const std::lock_guard lock(mutex_);
    if (!std::exchange(list_wanted_, false)) return true;
  }
  Result<std::vector<Workload>> all = runtime_->all();
  if (!all) {
    note_problem(all.error().message);
    let_go();
    return false;
  }
  deliver_({.id = "", .workloads = *std::move(all)});
  return true;
}

// The question that is due; nothing where the list is wanted, or it is over.
std::optional<Inquiry::Question> Inquiry::next() {
  std::unique_lock lock(mutex_);
  for (;;) {
    if (over_ || list_wanted_) return std::nullopt;
    const Nanoseconds now = monotonic_now();
    if (questions_.empty()) {
      changed_.wait(lock);
    } else if (const Nanoseconds due = questions_.begin()->first; due > now) {
      changed_.wait_for(lock, std::chrono::nanoseconds(due - now));
    } else {
      return std::move(questions_.extract(questions_.begin()).mapped());
    }
  }
}

void Inquiry::answer(const Question& question) {
  Result<std::optional<Workload>> found = runtime_->find(question.id);
  if (!found) {
    note_problem(found.error().message);
    put_back(question);
    let_go();
    return;
  }
  if (!*found && question.attempts + 1 < settings_.attempts) return put_back({question.id, question.attempts + 1});
  {
    const std::lock_guard lock(mutex_);
    waiting_.erase(question.id);
    ++(*found ? state_.found : state_.unknown);
  }
  Finding finding{.id = question.id, .workloads = {}};
  if (*found) finding.workloads.push_back(**std::move(found));
  deliver_(std::move(finding));
}

void Inquiry::put_back(Question question) {
  const std::lock_guard lock(mutex_);
  const Nanoseconds pause = question.attempts == 0 ? 0 : settings_.again_after << std::min(question.attempts - 1, 20);
  questions_.emplace(monotonic_now() + pause, std::move(question));
}

void Inquiry::note_problem(std::string problem) {
  const std::lock_guard lock(mutex_);
  if (over_) return;
  ++state_.failures;
  if (state_.problem != problem) LOG_WARN("containers have no names for now: {}", problem);
  state_.problem = std::move(problem);
}

void Inquiry::let_go() {
  std::unique_ptr<Runtime> gone;  // whose end may take its time
  const std::lock_guard lock(mutex_);
  gone = std::move(runtime_);
  state_.runtime.clear();
}

}  // namespace subfloor::identity
