// SPDX-License-Identifier: Apache-2.0
#include "cli/bundle.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdio>

namespace subfloor::cli {
namespace {

TEST(Scrub, TakesOutWhatFollowsTheNamesOfSecrets) {
  EXPECT_EQ(scrub("Authorization: Bearer abc.def"), "Authorization: [redacted]");
  EXPECT_EQ(scrub("headers=authorization=Basic dXNlcg==, x=1"), "headers=authorization=[redacted], x=1");
  EXPECT_EQ(scrub(R"({"api_key": "a b", "x": 1})"), R"({"api_key": [redacted], "x": 1})");
  EXPECT_EQ(scrub("password='a b' next"), "password=[redacted] next");
  EXPECT_EQ(scrub("'token=abc' is not a level"), "'token=[redacted]' is not a level");
  EXPECT_EQ(scrub("https://user:pw@host/x and https://host/y@z"), "https://[redacted]@host/x and https://host/y@z");
  EXPECT_EQ(scrub("a\nsecret: b\nc"), "a\nsecret: [redacted]\nc");
}

TEST(Scrub, LeavesTheRestAsItIs) {
  for (const char* text : {"", "\n\n", "tcp_send: ring_full: 3\n", "CAP_SYS_PTRACE, CAP_DAC_READ_SEARCH",
                           "headers: [Authorization, Cookie, Set-Cookie]", "/etc/subfloor/subfloor.yaml:1:2: no"})
    EXPECT_EQ(scrub(text), text);
}

TEST(Scrub, SurvivesALineWithoutEnd) { EXPECT_LT(scrub(std::string(1'000'000, 'x')).size(), 10'000U); }

TEST(Archive, IsPrivateAndReplacesNothing) {
  const std::string path = testing::TempDir() + "subfloor_bundle_test.tar.gz";
  std::remove(path.c_str());
  ASSERT_TRUE(write_archive(path, "folder", {{"a.txt", "hello"}}));
  struct stat status{};
  ASSERT_EQ(stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
  EXPECT_GT(status.st_size, 0);
  EXPECT_EQ(write_archive(path, "folder", {}).error().code, EEXIST);
  std::remove(path.c_str());
  EXPECT_EQ(write_archive("/nonexistent/x.tar.gz", "folder", {}).error().code, ENOENT);
}

}  // namespace
}  // namespace subfloor::cli
