// SPDX-License-Identifier: Apache-2.0
#include "base/secret.h"

#include <gtest/gtest.h>

#include <string_view>

namespace subfloor {
namespace {

TEST(SecretString, IsOverwrittenByWipeAndKeepsItsMemory) {
  SecretString text("a password that is longer than what fits the object itself");
  const char* const memory = text.data();
  const std::size_t size = text.size(), capacity = text.capacity();
  wipe(text);
  EXPECT_TRUE(text.empty());
  EXPECT_EQ(text.capacity(), capacity);
  EXPECT_EQ(std::string_view(memory, size), std::string(size, '\0'));
}

TEST(SecretString, KeepsItsRestWhenTheFrontIsWiped) {
  SecretString text("GET /secret HTTP/1.1 and then more of the same");
  const std::size_t size = text.size();
  wipe_front(text, 12);
  EXPECT_EQ(std::string_view(text), "HTTP/1.1 and then more of the same");
  EXPECT_EQ(std::string_view(text.data(), size).find("same", text.size()), std::string_view::npos);
  wipe_front(text, text.size());
  EXPECT_TRUE(text.empty());
}

}  // namespace
}  // namespace subfloor
