// SPDX-License-Identifier: Apache-2.0
// A memfd stands in for the programs' map.
#include "sensors/tcp/steering.h"

#include <gmock/gmock.h>
#include <sys/mman.h>

#include <cerrno>

#include "base/fd.h"

namespace subfloor::sensors {
namespace {

constexpr std::size_t table_bytes = sizeof(tcp_steer) * TCP_STEER_SLOTS;
constexpr bool in = false, out = true;

class TcpSteeringTest : public ::testing::Test {
 protected:
  TcpSteeringTest() : map_(memfd_create("steering", MFD_CLOEXEC)) {
    EXPECT_EQ(ftruncate(map_.get(), table_bytes), 0);
    void* table = mmap(nullptr, table_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, map_.get(), 0);
    EXPECT_NE(table, MAP_FAILED);
    table_ = static_cast<tcp_steer*>(table);
    auto made = TcpSteering::make(map_.get());
    EXPECT_TRUE(made) << made.error().message;
    steering_.emplace(std::move(*made));
  }
  ~TcpSteeringTest() override { munmap(table_, table_bytes); }

  // As the programs look a socket up.
  const tcp_steer* find(SocketKey key) const {
    const tcp_steer& slot = table_[key % TCP_STEER_SLOTS];
    return slot.key == key ? &slot : nullptr;
  }

  Fd map_;
  tcp_steer* table_ = nullptr;
  std::optional<TcpSteering> steering_;
};

TEST_F(TcpSteeringTest, SaysNothingOfSocketsAtFirst) {
  EXPECT_EQ(find(7), nullptr);
  EXPECT_EQ(steering_->displaced(), 0U);
}

TEST_F(TcpSteeringTest, SkipsOneDirectionUpToAPosition) {
  steering_->skip_until(7, out, 12345);
  ASSERT_NE(find(7), nullptr);
  EXPECT_EQ(find(7)->mode[TCP_DIRECTION_OUT], TCP_STEER_SKIP);
  EXPECT_EQ(find(7)->until[TCP_DIRECTION_OUT], 12345U);
  EXPECT_EQ(find(7)->mode[TCP_DIRECTION_IN], TCP_STEER_COPY);
  steering_->skip_until(7, in, 99);
  steering_->copy(7, out);
  EXPECT_EQ(find(7)->mode[TCP_DIRECTION_OUT], TCP_STEER_COPY);
  EXPECT_EQ(find(7)->mode[TCP_DIRECTION_IN], TCP_STEER_SKIP);
  EXPECT_EQ(find(7)->until[TCP_DIRECTION_IN], 99U);
}

TEST_F(TcpSteeringTest, SwitchesBothDirectionsOff) {
  steering_->off(7);
  EXPECT_EQ(find(7)->mode[TCP_DIRECTION_IN], TCP_STEER_OFF);
  EXPECT_EQ(find(7)->mode[TCP_DIRECTION_OUT], TCP_STEER_OFF);
}

TEST_F(TcpSteeringTest, LimitsWhatIsCopiedUntilAllIsWantedAgain) {
  steering_->off(7);
  steering_->copy_at_most(7, in, 64);
  EXPECT_EQ(find(7)->mode[TCP_DIRECTION_IN], TCP_STEER_COPY);
  EXPECT_EQ(find(7)->limit[TCP_DIRECTION_IN], 64);
  EXPECT_EQ(find(7)->limit[TCP_DIRECTION_OUT], 0);
  steering_->copy(7, in);
  EXPECT_EQ(find(7)->limit[TCP_DIRECTION_IN], 0);
}

TEST_F(TcpSteeringTest, RemembersThatASocketIsCopiedDeep) {
  steering_->copy_deep(7, true);
  EXPECT_EQ(find(7)->depth, TCP_DEPTH_ALL);
  steering_->skip_until(7, in, 100);
  steering_->copy(7, in);
  EXPECT_EQ(find(7)->depth, TCP_DEPTH_ALL);
  steering_->forget(7);
  steering_->copy(7, in);
  EXPECT_EQ(find(7)->depth, TCP_DEPTH_UNKNOWN);
  steering_->copy_deep(7, true);
  steering_->copy(7 + TCP_STEER_SLOTS, in);
  EXPECT_EQ(find(7 + TCP_STEER_SLOTS)->depth, TCP_DEPTH_UNKNOWN);
}

TEST_F(TcpSteeringTest, ForgetsASocket) {
  steering_->off(7);
  steering_->forget(7);
  EXPECT_EQ(find(7), nullptr);
  steering_->copy(7, in);  // another one with the same key does not inherit anything
  EXPECT_EQ(find(7)->mode[TCP_DIRECTION_IN], TCP_STEER_COPY);
  EXPECT_EQ(find(7)->mode[TCP_DIRECTION_OUT], TCP_STEER_COPY);
}

TEST_F(TcpSteeringTest, LeavesNothingForSocketsWithoutAKeyInASlotThatIsFree) {
  steering_->copy_at_most(TCP_STEER_SLOTS, out, 64);  // slot 0, where the programs look for key 0
  steering_->off(TCP_STEER_SLOTS);
  steering_->forget(TCP_STEER_SLOTS);
  ASSERT_NE(find(0), nullptr);
  EXPECT_EQ(find(0)->mode[TCP_DIRECTION_IN], TCP_STEER_COPY);
  EXPECT_EQ(find(0)->limit[TCP_DIRECTION_OUT], 0);
}

TEST_F(TcpSteeringTest, GivesTheSlotToTheLastOfTwoSocketsThatShareIt) {
  steering_->off(7);
  steering_->skip_until(7 + TCP_STEER_SLOTS, in, 5);
  EXPECT_EQ(find(7), nullptr);
  ASSERT_NE(find(7 + TCP_STEER_SLOTS), nullptr);
  EXPECT_EQ(find(7 + TCP_STEER_SLOTS)->mode[TCP_DIRECTION_IN], TCP_STEER_SKIP);
  EXPECT_EQ(find(7 + TCP_STEER_SLOTS)->mode[TCP_DIRECTION_OUT], TCP_STEER_COPY);
  EXPECT_EQ(steering_->displaced(), 1U);
  steering_->forget(7);  // no longer its slot
  EXPECT_NE(find(7 + TCP_STEER_SLOTS), nullptr);
}

TEST_F(TcpSteeringTest, LeavesNeighboursAlone) {
  steering_->off(7);
  steering_->copy(8, in);
  steering_->copy(TCP_UNIX_KEY | 6, in);
  EXPECT_EQ(find(7)->mode[TCP_DIRECTION_IN], TCP_STEER_OFF);
  EXPECT_EQ(find(8)->mode[TCP_DIRECTION_IN], TCP_STEER_COPY);
  EXPECT_NE(find(TCP_UNIX_KEY | 6), nullptr);
}

TEST_F(TcpSteeringTest, KeepsWorkingWhenMoved) {
  TcpSteering moved(std::move(*steering_));
  steering_.reset();
  moved.off(7);
  EXPECT_NE(find(7), nullptr);
}

TEST(TcpSteering, SaysWhyAMapCannotBeMapped) {
  const auto made = TcpSteering::make(-1);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, EBADF);
}

}  // namespace
}  // namespace subfloor::sensors
