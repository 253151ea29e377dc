// SPDX-License-Identifier: Apache-2.0
#include "model/attributes.h"

#include <gmock/gmock.h>

#include <limits>

namespace subfloor {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> items_of(std::string_view text) {
  std::vector<std::string> items;
  for_each_attribute(text, [&](std::string_view key, std::string_view value, bool number) {
    items.push_back(std::string(key) + (number ? "#" : "=") + std::string(value));
  });
  return items;
}

TEST(AttributeList, KeepsTextAndNumbersInOrder) {
  AttributeList list;
  list.add("db.namespace", "shop", Use::metric);
  list.add("rows", std::numeric_limits<std::int64_t>::min());
  ASSERT_EQ(list.size(), 2U);
  EXPECT_EQ(list[0].key, "db.namespace");
  EXPECT_EQ(list[0].value, "shop");
  EXPECT_FALSE(list[0].number);
  EXPECT_EQ(list[1].value, "-9223372036854775808");
  EXPECT_TRUE(list[1].number);
  EXPECT_EQ(list[1].use, Use::record);
  EXPECT_EQ(list.find("db.namespace"), "shop");
  EXPECT_EQ(list.find("db"), std::nullopt);
  list.clear();
  EXPECT_TRUE(list.empty());
}

TEST(AttributeList, WritesThoseThatReachFarEnough) {
  AttributeList list;
  list.add("a", "1", Use::record);
  list.add("b", "2", Use::group);
  list.add("c", 3, Use::metric);
  list.add("d", "", Use::metric);
  std::string all, groups, metrics;
  list.append_to(all, Use::record);
  list.append_to(groups, Use::group);
  list.append_to(metrics, Use::metric);
  EXPECT_THAT(items_of(all), ElementsAre("a=1", "b=2", "c#3", "d="));
  EXPECT_THAT(items_of(groups), ElementsAre("b=2", "c#3", "d="));
  EXPECT_THAT(items_of(metrics), ElementsAre("c#3", "d="));
}

TEST(AttributeList, LetsNoValuePretendToBeAnotherItem) {
  AttributeList list;
  list.add("a", std::string_view("x\0b\0ty\0", 7), Use::group);
  std::string text;
  list.append_to(text, Use::group);
  EXPECT_THAT(items_of(text), ElementsAre("a=x b ty "));
}

}  // namespace
}  // namespace subfloor
