// SPDX-License-Identifier: Apache-2.0
#include "base/bounded_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <thread>

namespace subfloor {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(BoundedQueue, GivesBackInOrder) {
  BoundedQueue<int> queue(10);
  EXPECT_THAT(queue.push(1, 3), IsEmpty());
  EXPECT_THAT(queue.push(2, 3), IsEmpty());
  EXPECT_EQ(queue.weight(), 6U);
  EXPECT_EQ(queue.pop(), 1);
  EXPECT_EQ(queue.pop(), 2);
  EXPECT_EQ(queue.weight(), 0U);
}

TEST(BoundedQueue, MakesRoomByTheOldest) {
  BoundedQueue<int> queue(10);
  for (const int i : {1, 2, 3}) EXPECT_THAT(queue.push(i, 3), IsEmpty());
  EXPECT_THAT(queue.push(4, 5), ElementsAre(1, 2));
  EXPECT_EQ(queue.weight(), 8U);
  EXPECT_EQ(queue.pop(), 3);
}

TEST(BoundedQueue, RefusesWhatIsHeavierThanAllOfIt) {
  BoundedQueue<int> queue(10);
  EXPECT_THAT(queue.push(1, 10), IsEmpty());
  EXPECT_THAT(queue.push(2, 11), ElementsAre(2));
  EXPECT_EQ(queue.pop(), 1);
}

TEST(BoundedQueue, IsEmptiedAfterItIsClosedAndTakesNothingMore) {
  BoundedQueue<int> queue(10);
  EXPECT_THAT(queue.push(1, 1), IsEmpty());
  queue.close();
  EXPECT_THAT(queue.push(2, 1), ElementsAre(2));
  EXPECT_EQ(queue.pop(), 1);
  EXPECT_EQ(queue.pop(), std::nullopt);
}

TEST(BoundedQueue, WakesTheOneThatWaits) {
  BoundedQueue<std::unique_ptr<int>> queue(10);
  int sum = 0;
  std::jthread taker([&] {
    while (auto item = queue.pop()) sum += **item;
  });
  for (int i = 1; i <= 100; ++i) EXPECT_THAT(queue.push(std::make_unique<int>(i), 0), IsEmpty());
  queue.close();
  taker.join();
  EXPECT_EQ(sum, 5050);
}

}  // namespace
}  // namespace subfloor
