// SPDX-License-Identifier: Apache-2.0
#include "tracing/errands.h"

#include <gtest/gtest.h>

namespace subfloor::tracing {
namespace {

constexpr SocketKey socket = 7;

Errand errand(std::uint32_t position, std::uint32_t length, std::uint32_t goroutine) {
  return {.socket = socket, .position = position, .length = length, .pid = 1, .goroutine = goroutine};
}

TEST(Errands, AreFoundByTheBytesTheyAreAbout) {
  Errands errands;
  errands.note(errand(100, 50, 11));
  EXPECT_EQ(errands.find(socket, false, 99), nullptr);
  EXPECT_EQ(errands.find(socket, false, 150), nullptr);
  EXPECT_EQ(errands.find(8, false, 100), nullptr);
  for (const std::uint32_t position : {100U, 149U}) {
    const Errand* const found = errands.find(socket, false, position);
    ASSERT_NE(found, nullptr);
    EXPECT_EQ(found->goroutine, 11U);
  }
}

TEST(Errands, AreFoundWherePositionsWrapAround) {
  Errands errands;
  errands.note(errand(0xffff'fff0, 0x20, 11));
  EXPECT_NE(errands.find(socket, false, 0xffff'ffff), nullptr);
  EXPECT_NE(errands.find(socket, false, 0xf), nullptr);
  EXPECT_EQ(errands.find(socket, false, 0x10), nullptr);
}

TEST(Errands, OfPlaintextAreNotThoseOfWhatTheSocketCarries) {
  Errands errands;
  errands.note(errand(100, 50, 11));
  EXPECT_EQ(errands.find(socket, true, 100), nullptr);
}

TEST(Errands, ThatCameBeforeOneThatWasFoundAreOver) {
  Errands errands;
  errands.note(errand(100, 50, 11));
  errands.note(errand(150, 50, 12));
  ASSERT_NE(errands.find(socket, false, 150), nullptr);
  EXPECT_EQ(errands.find(socket, false, 100), nullptr);
}

TEST(Errands, OfOnePlaceAreTheLastOnes) {
  Errands errands;
  errands.note(errand(100, 50, 11));
  errands.note(errand(100, 50, 12));
  const Errand* const found = errands.find(socket, false, 100);
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->goroutine, 12U);
}

TEST(Errands, AreBoundedOnASocketAndInAll) {
  Errands errands;
  for (std::uint32_t i = 0; i < 1000; ++i) errands.note(errand(i, 1, 11));
  EXPECT_EQ(errands.find(socket, false, 0), nullptr);
  EXPECT_NE(errands.find(socket, false, 999), nullptr);
  for (SocketKey key = 0; key < 100'000; ++key) errands.note({.socket = key, .length = 1});
  EXPECT_LE(errands.sockets(), 65536U);
  errands.on_closed(99'999);
  EXPECT_EQ(errands.find(99'999, false, 0), nullptr);
}

}  // namespace
}  // namespace subfloor::tracing
