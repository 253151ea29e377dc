// SPDX-License-Identifier: Apache-2.0
#include "base/reactor.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <csignal>
#include <thread>

namespace subfloor {
namespace {

using ::testing::ElementsAre;

constexpr Nanoseconds millisecond = 1'000'000;

class ReactorTest : public ::testing::Test {
 protected:
  ReactorTest() {
    auto made = Reactor::make();
    EXPECT_TRUE(made) << made.error().message;
    reactor = std::move(*made);
    int ends[2];
    EXPECT_EQ(pipe2(ends, O_NONBLOCK | O_CLOEXEC), 0);
    reading = Fd(ends[0]);
    writing = Fd(ends[1]);
  }
  void make_readable() { EXPECT_EQ(write(writing.get(), "x", 1), 1); }

  std::unique_ptr<Reactor> reactor;
  Fd reading, writing;
};

TEST_F(ReactorTest, RunsPostedTasksInOrder) {
  std::vector<int> ran;
  reactor->post([&] { ran.push_back(1); });
  reactor->post([&] {
    ran.push_back(2);
    reactor->post([&] {
      ran.push_back(4);
      reactor->stop();
    });
  });
  reactor->post([&] { ran.push_back(3); });
  reactor->run();
  EXPECT_THAT(ran, ElementsAre(1, 2, 3, 4));
}

TEST_F(ReactorTest, IsStoppedByAnotherThread) {
  std::thread::id ran_in;
  std::thread other([&] {
    reactor->post([&] { ran_in = std::this_thread::get_id(); });
    reactor->stop();
  });
  reactor->run();
  other.join();
  EXPECT_EQ(ran_in, std::this_thread::get_id());
}

TEST_F(ReactorTest, RunsAgainAfterAStop) {
  int runs = 0;
  for (int i = 0; i < 2; ++i) {
    reactor->post([&] { ++runs; });
    reactor->stop();
    reactor->run();
  }
  EXPECT_EQ(runs, 2);
}

TEST_F(ReactorTest, CallsATaskWhileItsFileIsReady) {
  int calls = 0;
  ASSERT_TRUE(reactor->watch(reading.get(), EPOLLIN, [&] {
    if (++calls < 3) return;  // not read: still ready
    char byte;
    EXPECT_EQ(read(reading.get(), &byte, 1), 1);
    reactor->stop();
  }));
  make_readable();
  reactor->run();
  EXPECT_EQ(calls, 3);
}

TEST_F(ReactorTest, LetsATaskRemoveItself) {
  int calls = 0;
  ASSERT_TRUE(reactor->watch(reading.get(), EPOLLIN, [&, kept = std::make_shared<int>(7)] {
    ++calls;
    reactor->remove(reading.get());
    EXPECT_EQ(*kept, 7);  // what the task holds outlives its removal
    reactor->stop();
  }));
  make_readable();
  reactor->run();
  EXPECT_EQ(calls, 1);
}

TEST_F(ReactorTest, DoesNotCallATaskThatAnotherOneRemovedInTheSameRound) {
  int other_ends[2];
  ASSERT_EQ(pipe2(other_ends, O_CLOEXEC), 0);
  const Fd other_reading(other_ends[0]), other_writing(other_ends[1]);
  int calls = 0;
  const auto remove_both = [&] {
    ++calls;
    reactor->remove(reading.get());
    reactor->remove(other_reading.get());
    reactor->stop();
  };
  ASSERT_TRUE(reactor->watch(reading.get(), EPOLLIN, remove_both));
  ASSERT_TRUE(reactor->watch(other_reading.get(), EPOLLIN, remove_both));
  make_readable();
  ASSERT_EQ(write(other_writing.get(), "x", 1), 1);
  reactor->run();
  EXPECT_EQ(calls, 1);
}

TEST_F(ReactorTest, HeedsAChangeOfTheEventsWatched) {
  bool changed = false;
  ASSERT_TRUE(reactor->watch(writing.get(), 0, [&] {
    EXPECT_TRUE(changed);
    reactor->stop();
  }));
  // The pipe can be written to all the time; several rounds go by before anybody wants to know.
  reactor->post([&] {
    reactor->post([&] {
      changed = true;
      EXPECT_TRUE(reactor->change(writing.get(), EPOLLOUT));
    });
  });
  reactor->run();
}

TEST_F(ReactorTest, RefusesWhatCannotBeWatched) {
  const auto watched = reactor->watch(-1, EPOLLIN, [] {});
  ASSERT_FALSE(watched);
  EXPECT_EQ(watched.error().code, EBADF);
  EXPECT_FALSE(reactor->change(reading.get(), EPOLLIN));
}

TEST_F(ReactorTest, CallsATimerAgainAndAgainNeverTooSoon) {
  const Nanoseconds begin = monotonic_now();
  std::vector<Nanoseconds> times;
  ASSERT_TRUE(reactor->every(3 * millisecond, [&] {
    times.push_back(monotonic_now() - begin);
    if (times.size() == 3) reactor->stop();
  }));
  reactor->run();
  ASSERT_EQ(times.size(), 3U);
  for (std::size_t i = 0; i < times.size(); ++i) EXPECT_GE(times[i], (i + 1) * 3 * millisecond);
}

TEST_F(ReactorTest, LetsATimerCancelItself) {
  int calls = 0, timer = -1;
  const auto made = reactor->every(millisecond, [&] {
    ++calls;
    reactor->cancel(timer);
  });
  ASSERT_TRUE(made);
  timer = *made;
  int others = 0;
  ASSERT_TRUE(reactor->every(millisecond, [&] {
    if (++others == 5) reactor->stop();
  }));
  reactor->run();
  EXPECT_EQ(calls, 1);
}

TEST_F(ReactorTest, ChangesThePeriodOfATimer) {
  const auto timer = reactor->every(3'600'000 * millisecond, [&] { reactor->stop(); });
  ASSERT_TRUE(timer);
  reactor->set_period(*timer, millisecond);
  reactor->run();  // for an hour, otherwise
}

TEST_F(ReactorTest, TakesSignalsInsteadOfTheirDefaultAction) {
  sigset_t before;
  pthread_sigmask(SIG_SETMASK, nullptr, &before);
  std::vector<int> taken;
  ASSERT_TRUE(reactor->on_signals({SIGUSR1, SIGTERM}, [&](int signal) {
    taken.push_back(signal);
    if (signal == SIGTERM) reactor->stop();
  }));
  reactor->post([] { kill(getpid(), SIGUSR1); });
  reactor->post([] { kill(getpid(), SIGTERM); });
  reactor->run();
  EXPECT_THAT(taken, ::testing::UnorderedElementsAre(SIGUSR1, SIGTERM));
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

TEST_F(ReactorTest, GivesSignalsBackTheirDefaultAction) {
  sigset_t before;
  pthread_sigmask(SIG_SETMASK, nullptr, &before);
  ASSERT_TRUE(reactor->on_signals({SIGUSR1, SIGUSR2}, [](int) { ADD_FAILURE() << "it was given back"; }));
  kill(getpid(), SIGUSR2);
  reactor->release_signals({SIGUSR1});
  EXPECT_EXIT(kill(getpid(), SIGUSR1), ::testing::KilledBySignal(SIGUSR1), "");
  reactor->post([this] { reactor->stop(); });
  reactor->run();  // the other one waits, and neither ends the process nor calls the task
  signal(SIGUSR2, SIG_IGN);  // takes it away
  signal(SIGUSR2, SIG_DFL);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

}  // namespace
}  // namespace subfloor
