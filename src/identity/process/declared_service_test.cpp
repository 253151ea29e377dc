// SPDX-License-Identifier: Apache-2.0
#include "identity/process/declared_service.h"

#include <gtest/gtest.h>

namespace subfloor::identity {
namespace {

std::string of(std::initializer_list<std::string_view> variables) {
  std::string environment;
  for (const std::string_view variable : variables) environment.append(variable).append(1, '\0');
  return declared_service(environment);
}

TEST(DeclaredService, IsTheServiceNameOrThatOfTheResource) {
  EXPECT_EQ(of({"PATH=/bin", "OTEL_SERVICE_NAME=shop"}), "shop");
  EXPECT_EQ(of({"OTEL_RESOURCE_ATTRIBUTES=a=b,service.name=shop,c=d"}), "shop");
  EXPECT_EQ(of({"OTEL_RESOURCE_ATTRIBUTES=service.name=one", "OTEL_SERVICE_NAME=two"}), "two");
  EXPECT_EQ(of({"OTEL_SERVICE_NAME=", "OTEL_RESOURCE_ATTRIBUTES= service.name = a%20b%2Fc "}), "a b/c");
  EXPECT_EQ(of({"OTEL_SERVICE_NAME=first", "OTEL_SERVICE_NAME=second"}), "first");
}

TEST(DeclaredService, IsEmptyWhereNothingNamesIt) {
  EXPECT_EQ(of({}), "");
  EXPECT_EQ(of({"PATH=/bin", "XOTEL_SERVICE_NAME=shop", "OTEL_SERVICE_NAMES=shop", "OTEL_SERVICE_NAME"}), "");
  EXPECT_EQ(of({"OTEL_RESOURCE_ATTRIBUTES=xservice.name=shop,service.namespace=b"}), "");
  EXPECT_EQ(declared_service("OTEL_SERVICE_NAME=cut"), "") << "who knows how it goes on";
}

TEST(DeclaredService, TakesNoTextThatCouldNotBeAName) {
  EXPECT_EQ(of({"OTEL_SERVICE_NAME=a\nb"}), "");
  EXPECT_EQ(of({"OTEL_RESOURCE_ATTRIBUTES=service.name=%1b[31m"}), "");
  const std::string longest = "OTEL_SERVICE_NAME=" + std::string(255, 'x');
  EXPECT_EQ(of({longest}), std::string(255, 'x'));
  EXPECT_EQ(of({longest + "x"}), "");
}

}  // namespace
}  // namespace subfloor::identity
