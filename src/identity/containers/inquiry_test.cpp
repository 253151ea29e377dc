// SPDX-License-Identifier: Apache-2.0
#include "identity/containers/inquiry.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>

#include "base/bounded_queue.h"

namespace subfloor::identity {
namespace {

constexpr Nanoseconds ms = 1'000'000;

// What the runtimes of one test have in common.
struct Host {
  std::mutex mutex;
  std::map<std::string, int> missing;  // id: how often it is not there yet
  std::vector<Workload> all;
  bool away = false;
  std::atomic<int> connections{0};
  std::condition_variable cancelled_changed;
  bool hangs = false;
};

Workload named(const std::string& id) {
  Workload workload;
  workload.container_id = id;
  workload.pod_name = "pod-of-" + id;
  return workload;
}

class FakeRuntime final : public Runtime {
 public:
  explicit FakeRuntime(Host& host) : host_(host) { ++host_.connections; }

  Result<std::string> version() override {
    const std::lock_guard lock(host_.mutex);
    if (host_.away) return fail("nobody is there");
    return std::string("fake 1");
  }
  Result<std::vector<Workload>> all() override {
    const std::lock_guard lock(host_.mutex);
    if (host_.away) return fail("it went away");
    return host_.all;
  }
  Result<std::optional<Workload>> find(const std::string& id) override {
    std::unique_lock lock(host_.mutex);
    host_.cancelled_changed.wait(lock, [&] { return !host_.hangs || cancelled_; });
    if (host_.away || cancelled_) return fail("it went away");
    if (id == "foreign" || host_.missing[id]-- > 0) return std::optional<Workload>();
    return std::optional(named(id));
  }
  void cancel() override {
    {
      const std::lock_guard lock(host_.mutex);
      cancelled_ = true;
    }
    host_.cancelled_changed.notify_all();
  }

 private:
  Host& host_;
  bool cancelled_ = false;
};

struct InquiryAt : testing::Test {
  Host host;
  BoundedQueue<Finding> findings{1000};
  std::unique_ptr<Inquiry> inquiry;

  void start(std::size_t max_waiting = 100, std::string socket = "/somewhere") {
    inquiry = std::make_unique<Inquiry>(
        Inquiry::Settings{.socket = std::move(socket),
                          .max_waiting = max_waiting,
                          .first_pause = ms,
                          .longest_pause = 4 * ms,
                          .again_after = ms,
                          .attempts = 4,
                          .connect = [this](const std::string&) -> Result<std::unique_ptr<Runtime>> {
                            return std::make_unique<FakeRuntime>(host);
                          },
                          .find_socket = [] { return std::string(); }},
        [this](Finding&& finding) { (void)findings.push(std::move(finding), 1); });
  }
  Finding next() { return findings.pop().value_or(Finding{}); }
};

TEST_F(InquiryAt, TellsOfAllThereIsAndThenAnswers) {
  host.all = {named("a"), named("b")};
  start();
  EXPECT_EQ(next().workloads.size(), 2U);
  inquiry->ask("c");
  const Finding found = next();
  EXPECT_EQ(found.id, "c");
  ASSERT_EQ(found.workloads.size(), 1U);
  EXPECT_EQ(found.workloads[0].pod_name, "pod-of-c");
  EXPECT_EQ(inquiry->state().runtime, "fake 1");
}

TEST_F(InquiryAt, AsksAgainForWhatTheRuntimeTellsLate) {
  host.missing["sandbox"] = 3;
  start();
  (void)next();
  inquiry->ask("sandbox");
  EXPECT_EQ(next().workloads.size(), 1U);
}

TEST_F(InquiryAt, GivesUpOnWhatIsAnothers) {
  start();
  (void)next();
  inquiry->ask("foreign");
  const Finding found = next();
  EXPECT_EQ(found.id, "foreign");
  EXPECT_TRUE(found.workloads.empty());
  EXPECT_EQ(inquiry->state().unknown, 1U);
}

TEST_F(InquiryAt, KeepsQuestionsForARuntimeThatComesLater) {
  host.away = true;
  start();
  inquiry->ask("a");
  while (host.connections < 3) std::this_thread::yield();
  EXPECT_EQ(inquiry->state().problem, "nobody is there");
  EXPECT_EQ(inquiry->state().runtime, "");
  {
    const std::lock_guard lock(host.mutex);
    host.away = false;
  }
  EXPECT_EQ(next().id, "") << "the list comes first";
  EXPECT_EQ(next().id, "a");
  EXPECT_EQ(inquiry->state().problem, "");
}

TEST_F(InquiryAt, FindsItsWayBackToARuntimeThatWasRestarted) {
  start();
  (void)next();
  {
    const std::lock_guard lock(host.mutex);
    host.away = true;
  }
  inquiry->ask("a");
  while (inquiry->state().problem.empty()) std::this_thread::yield();
  {
    const std::lock_guard lock(host.mutex);
    host.away = false;
  }
  EXPECT_EQ(next().id, "");
  EXPECT_EQ(next().id, "a");
}

TEST_F(InquiryAt, DropsAndCountsWhatIsTooMuch) {
  host.away = true;
  start(2);
  for (const char* id : {"a", "b", "a", "c", "d"}) inquiry->ask(id);
  EXPECT_EQ(inquiry->state().asked, 2U);
  EXPECT_EQ(inquiry->state().dropped, 2U) << "and what waits already is not asked twice";
}

TEST_F(InquiryAt, SaysThatThereIsNoSocket) {
  start(2, "");
  while (inquiry->state().problem.empty()) std::this_thread::yield();
  EXPECT_EQ(inquiry->state().problem, "no container runtime's socket was found");
  EXPECT_EQ(host.connections, 0);
}

TEST_F(InquiryAt, EndsWhileTheRuntimeHangs) {
  host.hangs = true;
  start();
  (void)next();
  inquiry->ask("a");
  inquiry.reset();  // would wait for ever
  EXPECT_EQ(host.connections, 1);
}

}  // namespace
}  // namespace subfloor::identity
