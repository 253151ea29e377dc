// SPDX-License-Identifier: Apache-2.0
#include "capture/reorder.h"

#include <gmock/gmock.h>

#include <random>
#include <vector>

namespace subfloor::capture {
namespace {

// What comes out when the pieces come in this order; '.' stands for content that was not captured.
class Order {
 public:
  explicit Order(std::uint32_t first) { buffer.begin_at(first); }

  ReorderBuffer::Verdict offer(std::uint32_t position, std::string_view bytes, std::uint64_t length = 0) {
    ReorderBuffer::Piece piece{position, 1, {bytes, std::max<std::uint64_t>(length, bytes.size())}};
    const auto verdict = buffer.offer(piece);
    if (verdict == ReorderBuffer::Verdict::next) take(piece);
    while (const auto held = buffer.pop()) take(*held);
    return verdict;
  }

  ReorderBuffer buffer;
  std::string text;

 private:
  void take(const ReorderBuffer::Piece& piece) {
    EXPECT_EQ(piece.position, buffer.next());
    text.append(piece.content.bytes).append(piece.content.length - piece.content.bytes.size(), '.');
    buffer.pass(piece.content.length);
  }
};

using Verdict = ReorderBuffer::Verdict;

TEST(ReorderBuffer, GivesInOrderWhatComesInOrder) {
  Order order(100);
  EXPECT_EQ(order.offer(100, "abc"), Verdict::next);
  EXPECT_EQ(order.offer(103, "def"), Verdict::next);
  EXPECT_EQ(order.text, "abcdef");
}

TEST(ReorderBuffer, HoldsWhatCameTooEarly) {
  Order order(0);
  EXPECT_EQ(order.offer(6, "ghi"), Verdict::held);
  EXPECT_EQ(order.offer(3, "def"), Verdict::held);
  EXPECT_EQ(order.buffer.missing(), 3U);
  EXPECT_GT(order.buffer.bytes_held(), 6U);
  order.offer(0, "abc");
  EXPECT_EQ(order.text, "abcdefghi");
  EXPECT_EQ(order.buffer.bytes_held(), 0U);
  EXPECT_EQ(order.buffer.missing(), std::nullopt);
}

TEST(ReorderBuffer, TakesEachByteOnce) {
  Order order(0);
  order.offer(0, "abcdef");
  EXPECT_EQ(order.offer(0, "ABCDEF"), Verdict::seen_before);
  EXPECT_EQ(order.offer(2, "XXXX"), Verdict::seen_before);
  order.offer(4, "XXgh");
  EXPECT_EQ(order.text, "abcdefgh");
}

TEST(ReorderBuffer, BelievesTheFirstCopyOfWhatIsHeld) {
  Order order(0);
  order.offer(4, "ef");
  order.offer(2, "XXXXXX");  // 2 to 8 around it
  EXPECT_EQ(order.offer(4, "YY"), Verdict::seen_before);
  order.offer(0, "abZZZ");   // the next bytes, and into what is held
  EXPECT_EQ(order.text, "abXXefXX");
}

TEST(ReorderBuffer, GoesOnWhereSequenceNumbersWrap) {
  Order order(0xfffffffe);
  order.offer(2, "ef");
  order.offer(0xfffffffe, "ab");
  order.offer(0, "cd");
  EXPECT_EQ(order.text, "abcdef");
  EXPECT_EQ(order.buffer.next(), 4U);
}

TEST(ReorderBuffer, KnowsHowMuchPassedThatWasNotCaptured) {
  Order order(0);
  order.offer(5, "f", 3);
  order.offer(0, "ab", 5);
  EXPECT_EQ(order.text, "ab...f..");
}

TEST(ReorderBuffer, PassesOverWhatIsMissing) {
  Order order(0);
  order.offer(10, "k");
  order.buffer.pass(10);
  order.offer(11, "l");
  EXPECT_EQ(order.text, "kl");
}

// Any cutting, order and repetition of a stream comes out as the stream.
TEST(ReorderBuffer, PutsAnyMixtureBackIntoOrder) {
  std::mt19937 random(4711);
  std::string stream(500, '\0');
  for (std::size_t i = 0; i < stream.size(); ++i) stream[i] = static_cast<char>('a' + i % 26);
  for (int round = 0; round < 500; ++round) {
    const auto first = static_cast<std::uint32_t>(random());
    Order order(first);
    std::vector<std::pair<std::size_t, std::size_t>> pieces;
    for (std::size_t at = 0; at < stream.size();) {
      const std::size_t length = 1 + random() % 40;
      pieces.emplace_back(at, std::min(length + random() % 30, stream.size() - at));
      at += length;
    }
    const std::size_t more = pieces.size() / 2;
    for (std::size_t i = 0; i < more; ++i) pieces.push_back(pieces[random() % pieces.size()]);
    std::shuffle(pieces.begin(), pieces.end(), random);
    for (const auto& [at, length] : pieces)
      order.offer(first + static_cast<std::uint32_t>(at), std::string_view(stream).substr(at, length));
    ASSERT_EQ(order.text, stream) << "round " << round;
    ASSERT_EQ(order.buffer.bytes_held(), 0U);
  }
}

}  // namespace
}  // namespace subfloor::capture
