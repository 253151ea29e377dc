// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <gmock/gmock.h>

#include <array>
#include <cerrno>

#include "base/byte_reader.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/result.h"

namespace subfloor {
namespace {

using ::testing::HasSubstr;

// --- ByteReader
// ---------------------------------------------------------------------------------------------------------------

TEST(ByteReader, TakesValuesAndTextInTurn) {
  const std::array<std::byte, 7> bytes{std::byte{1},   std::byte{2},   std::byte{0}, std::byte{'a'},
                                       std::byte{'b'}, std::byte{'c'}, std::byte{9}};
  ByteReader reader(bytes);
  std::uint8_t one = 0;
  std::uint16_t two = 0;
  std::string_view text;
  ASSERT_TRUE(reader.read(one));
  ASSERT_TRUE(reader.read(two));
  ASSERT_TRUE(reader.read_text(3, text));
  EXPECT_EQ(one, 1);
  EXPECT_EQ(two, 2);
  EXPECT_EQ(text, "abc");
  EXPECT_EQ(text.data(), reinterpret_cast<const char*>(bytes.data()) + 3);  // not copied
  EXPECT_EQ(reader.remaining(), 1U);
}

TEST(ByteReader, TakesNothingWhereTooLittleRemains) {
  const std::array<std::byte, 3> bytes{};
  ByteReader reader(bytes);
  std::uint32_t value = 42;
  std::string_view text = "before";
  EXPECT_FALSE(reader.read(value));
  EXPECT_FALSE(reader.read_text(4, text));
  EXPECT_FALSE(reader.read_text(static_cast<std::size_t>(-1), text));
  EXPECT_EQ(value, 42U);
  EXPECT_EQ(text, "before");
  EXPECT_EQ(reader.remaining(), 3U);
  EXPECT_TRUE(reader.read_text(3, text));
  EXPECT_TRUE(reader.read_text(0, text));
  EXPECT_EQ(text, "");
}

// --- Result
// ---------------------------------------------------------------------------------------------------------------

Result<int> half(int n) {
  if (n % 2 != 0) return fail(fmt::format("{} is odd", n));
  return n / 2;
}

Result<int> quarter(int n, int& steps) {
  TRY_ASSIGN(const int once, half(n));
  ++steps;
  TRY_ASSIGN(const int twice, half(once));
  ++steps;
  return twice;
}

Result<> only_even(int n, int& steps) {
  TRY(half(n));
  ++steps;
  return {};
}

TEST(Result, PassesErrorsOnAtTheFirstThatFails) {
  int steps = 0;
  EXPECT_EQ(quarter(8, steps).value(), 2);
  EXPECT_EQ(steps, 2);
  steps = 0;
  const Result<int> failed = quarter(6, steps);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().message, "3 is odd");
  EXPECT_EQ(steps, 1);
  steps = 0;
  EXPECT_TRUE(only_even(2, steps));
  EXPECT_FALSE(only_even(3, steps));
  EXPECT_EQ(steps, 1);
}

TEST(Result, MovesWhatCannotBeCopied) {
  const auto make = []() -> Result<std::unique_ptr<int>> { return std::make_unique<int>(7); };
  const auto use = [&]() -> Result<int> {
    TRY_ASSIGN(const std::unique_ptr<int> owned, make());
    return *owned;
  };
  EXPECT_EQ(use().value(), 7);
}

TEST(Result, TellsErrnoInWordsAndByName) {
  const Result<> failed = fail_errno("open /x", ENOENT);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().message, "open /x: No such file or directory (ENOENT)");
  EXPECT_EQ(failed.error().code, ENOENT);
  EXPECT_EQ(errno_text(EPERM), "Operation not permitted (EPERM)");
  EXPECT_EQ(errno_text(99999), "unknown error (99999)");
  const Error outer = failed.error().in("start the agent");
  EXPECT_EQ(outer.message, "start the agent: open /x: No such file or directory (ENOENT)");
  EXPECT_EQ(outer.code, ENOENT);
}

// --- Fd
// -----------------------------------------------------------------------------------------------------------------------

bool is_open(int fd) { return fcntl(fd, F_GETFD) >= 0; }

TEST(Fd, ClosesWhatItOwnsOnce) {
  int number = -1;
  {
    Fd fd(open("/dev/null", O_RDONLY | O_CLOEXEC));
    ASSERT_TRUE(fd);
    number = fd.get();
    Fd moved(std::move(fd));
    EXPECT_FALSE(fd);  // NOLINT(bugprone-use-after-move): that it is empty is the point
    EXPECT_EQ(moved.get(), number);
    Fd assigned;
    assigned = std::move(moved);
    EXPECT_TRUE(is_open(number));
  }
  EXPECT_FALSE(is_open(number));
}

TEST(Fd, LetsGoOfWhatIsReleased) {
  int number = -1;
  {
    Fd fd(open("/dev/null", O_RDONLY | O_CLOEXEC));
    number = fd.release();
    EXPECT_FALSE(fd);
  }
  EXPECT_TRUE(is_open(number));
  close(number);
}

// --- Clock
// ----------------------------------------------------------------------------------------------------------------------

TEST(Clock, WritesTimesAsRfc3339) {
  EXPECT_EQ(rfc3339(0), "1970-01-01T00:00:00.000000000Z");
  EXPECT_EQ(rfc3339(1'000'000'000ULL * 951782399 + 5), "2000-02-28T23:59:59.000000005Z");
  EXPECT_EQ(rfc3339(1'000'000'000ULL * 951782400), "2000-02-29T00:00:00.000000000Z");
  EXPECT_EQ(rfc3339(1769862896123456789), "2026-01-31T12:34:56.123456789Z");
}

TEST(Clock, ConvertsMonotonicTimesToTheWallClock) {
  timespec wall{};
  const Nanoseconds converted = to_unix(monotonic_now());
  clock_gettime(CLOCK_REALTIME, &wall);
  const auto now = static_cast<Nanoseconds>(wall.tv_sec) * 1'000'000'000 + static_cast<Nanoseconds>(wall.tv_nsec);
  const Nanoseconds difference = now > converted ? now - converted : converted - now;
  EXPECT_LT(difference, 1'000'000'000U);
  EXPECT_EQ(to_unix(2000) - to_unix(1000), 1000U);
}

TEST(Clock, ConvertsBootTimesThatLieBeforeTheMonotonicClockToZero) { EXPECT_EQ(boottime_to_monotonic(0), 0U); }

// --- Log
// ----------------------------------------------------------------------------------------------------------------------

std::vector<std::pair<log::Level, std::string>> written;

class LogTest : public ::testing::Test {
 protected:
  LogTest() {
    written.clear();
    log::set_writer([](log::Level level, std::string_view line) { written.emplace_back(level, line); });
  }
  ~LogTest() override {
    log::set_level(log::Level::info);
    log::set_writer([](log::Level, std::string_view) {});
  }
};

TEST_F(LogTest, AdmitsOneLineASecondPerPlaceAndCountsTheOthers) {
  log::Site site, other;
  std::uint64_t left_out = 42;
  EXPECT_TRUE(site.admit(left_out));
  EXPECT_EQ(left_out, 0U);
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(site.admit(left_out));
  EXPECT_TRUE(other.admit(left_out));
}

TEST_F(LogTest, WritesLevelTextAndHowManyWereLeftOut) {
  log::write(log::Level::error, 0, "ring is full");
  log::write(log::Level::warn, 7, "again");
  ASSERT_EQ(written.size(), 2U);
  EXPECT_EQ(written[0].first, log::Level::error);
  EXPECT_THAT(written[0].second, HasSubstr(" level=error msg=\"ring is full\"\n"));
  EXPECT_THAT(written[1].second, HasSubstr(" level=warn msg=\"again\" left_out=7\n"));
}

TEST_F(LogTest, KeepsAMessageWithinItsQuotesAndOnItsLine) {
  log::write(log::Level::info, 0, "say \"no\"\nlevel=error a\\b\x1b[1m");
  ASSERT_EQ(written.size(), 1U);
  EXPECT_THAT(written[0].second, HasSubstr(R"(msg="say \"no\"\nlevel=error a\\b\x1b[1m")"));
}

TEST_F(LogTest, DoesNotEvenFormatWhatIsNotEnabled) {
  log::set_level(log::Level::warn);
  int evaluated = 0;
  LOG_INFO("never {}", ++evaluated);
  EXPECT_EQ(evaluated, 0);
  EXPECT_TRUE(written.empty());
  EXPECT_FALSE(log::enabled(log::Level::info));
  EXPECT_TRUE(log::enabled(log::Level::warn));
}

}  // namespace
}  // namespace subfloor
