// SPDX-License-Identifier: Apache-2.0
// What routes allocate: nothing for a path that is known, and never more than the stated bound.
#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "support/counted_memory.h"
#include "telemetry/routes.h"
#include "telemetry/testing.h"

namespace subfloor {
namespace {

Call call_of(std::string path) {
  Call call;
  call.protocol = &testing::http1;
  call.path = std::move(path);
  call.status = 200;
  return call;
}

TEST(RoutesMemory, AllocatesNothingForAPathOfAKnownRoute) {
  Routes routes;
  std::vector<Call> calls;
  for (int i = 0; i < 20'000; ++i) calls.push_back(call_of("/users/" + std::to_string(i) + "/orders/9f3c41d2aa"));
  (void)routes.of("shop", calls.front());
  const std::int64_t before = allocations;
  for (const Call& call : calls) (void)routes.of("shop", call);
  EXPECT_EQ(allocations, before);
}

// Paths as deep and as wide as is looked at: each of its own, so that places are merged, or of three words a place, so
// that none is.
class RoutesMemoryBound : public ::testing::TestWithParam<int> {};

TEST_P(RoutesMemoryBound, HoldsAgainstTheWorstPaths) {
  constexpr std::size_t services = 20, routes_of_each = 100;
  const std::int64_t before = live_bytes;
  Routes routes({.max_routes = routes_of_each, .max_services = services});
  std::string path;
  std::uint64_t random = 1;
  for (std::size_t i = 0; i < 200'000; ++i) {
    path.clear();
    for (int depth = 0; depth < 11; ++depth) {
      path += "/q";
      random = random * 6364136223846793005U + 1442695040888963407U;
      std::uint64_t word = GetParam() == 0 ? random >> 16 : (random >> 33) % static_cast<std::uint64_t>(GetParam());
      for (int letter = 0; letter < 9; ++letter, word /= 17) path += static_cast<char>('g' + word % 17);
    }
    (void)routes.of("service-" + std::to_string(i % 40), call_of(path));
  }
  const std::int64_t used = live_bytes - before;
  EXPECT_LT(used, static_cast<std::int64_t>(services * routes_of_each * 2048 + 128 * 1024)) << used;
  EXPECT_LE(routes.counters().routes, services * routes_of_each);
}
INSTANTIATE_TEST_SUITE_P(Words, RoutesMemoryBound, ::testing::Values(0, 2, 3, 10));

}  // namespace
}  // namespace subfloor
