// SPDX-License-Identifier: Apache-2.0
#include "cli/output.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <future>

namespace subfloor::cli {
namespace {

class PipedOutput : public testing::Test {
 protected:
  void SetUp() override {
    std::signal(SIGPIPE, SIG_IGN);
    std::array<int, 2> ends{};
    ASSERT_EQ(pipe(ends.data()), 0);
    reader_ = Fd(ends[0]);
    writer_ = Fd(ends[1]);
  }
  void start(std::size_t queue_bytes) {
    auto output = Output::make(writer_.get(), queue_bytes, [this](int error) { ended_.set_value(error); });
    ASSERT_TRUE(output);
    output_ = std::move(*output);
  }
  // All there is until the other end closes, or n bytes.
  std::string read(std::size_t n) {
    std::string all;
    std::array<char, 4096> buffer{};
    while (all.size() < n) {
      const ssize_t got = ::read(reader_.get(), buffer.data(), std::min(buffer.size(), n - all.size()));
      if (got <= 0) break;
      all.append(buffer.data(), static_cast<std::size_t>(got));
    }
    return all;
  }

  Fd reader_, writer_;
  std::promise<int> ended_;
  std::unique_ptr<Output> output_;
};

TEST_F(PipedOutput, WritesEverythingInOrderAndSaysWhenItIsDone) {
  start(1 << 20);
  std::string expected;
  for (int i = 0; i < 20'000; ++i) {
    const std::string line = std::to_string(i) + "\n";
    expected += line;
    ASSERT_TRUE(output_->write(line));
  }
  output_->finish();
  EXPECT_EQ(read(expected.size()), expected);
  EXPECT_EQ(ended_.get_future().get(), 0);
  EXPECT_EQ(output_->dropped(), 0U);
}

TEST_F(PipedOutput, DropsRatherThanBlocksWhenNobodyReads) {
  start(1000);
  const std::string line(99, 'x');
  std::uint64_t taken = 0;
  for (int i = 0; i < 100'000; ++i) taken += output_->write(line) ? 1 : 0;
  EXPECT_EQ(taken + output_->dropped(), 100'000U);
  EXPECT_GT(output_->dropped(), 0U);
  output_->finish();
  EXPECT_EQ(read(taken * line.size()).size(), taken * line.size());
  EXPECT_EQ(ended_.get_future().get(), 0);
}

TEST_F(PipedOutput, NoticesThatTheReaderLeftWithoutWriting) {
  start(1000);
  reader_ = Fd();
  EXPECT_EQ(ended_.get_future().get(), EPIPE);
}

TEST_F(PipedOutput, AbandonsWhatNobodyReads) {
  start(1 << 20);
  ASSERT_TRUE(output_->write(std::string(500'000, 'x')));
  output_.reset();  // returns
}

TEST(Output, ReportsAFullDisk) {
  const Fd full(open("/dev/full", O_WRONLY | O_CLOEXEC));
  if (!full) GTEST_SKIP() << "no /dev/full here";
  std::promise<int> ended;
  auto output = Output::make(full.get(), 1000, [&](int error) { ended.set_value(error); });
  ASSERT_TRUE(output);
  EXPECT_TRUE((*output)->write("x"));
  EXPECT_EQ(ended.get_future().get(), ENOSPC);
}

}  // namespace
}  // namespace subfloor::cli
