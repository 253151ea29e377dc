// SPDX-License-Identifier: Apache-2.0
#include <benchmark/benchmark.h>

#include <cstdint>
#include <string>

#include "sql/sql.h"

namespace {

using namespace subfloor::sql;

void run(benchmark::State& state, const std::string& statement, std::string_view summary) {
  Statement told;
  Options options;
  options.text = state.range(0) != 0;
  for (auto _ : state) {
    describe(statement, options, told);
    benchmark::DoNotOptimize(told);
  }
  if (told.summary != summary) state.SkipWithError("the summary is not what it should be");
  state.SetItemsProcessed(state.iterations());
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(statement.size()));
}

// The argument is whether the sanitised text is wanted.
void pgbench_select(benchmark::State& state) {
  run(state, "SELECT abalance FROM pgbench_accounts WHERE aid = 71234;", "SELECT pgbench_accounts");
}
BENCHMARK(pgbench_select)->ArgName("text")->Arg(0)->Arg(1);

void joins(benchmark::State& state) {
  run(state,
      "SELECT o.id, o.total, c.name, count(l.id) AS lines FROM shop.orders o JOIN shop.customers c ON c.id = "
      "o.customer_id LEFT JOIN shop.order_lines l ON l.order_id = o.id WHERE o.created_at >= '2026-01-01' AND "
      "c.country "
      "IN ('de', 'fr', 'at') AND o.total > 100.50 GROUP BY o.id, o.total, c.name ORDER BY o.total DESC LIMIT 50",
      "SELECT shop.orders shop.customers shop.order_lines");
}
BENCHMARK(joins)->ArgName("text")->Arg(0)->Arg(1);

// 4 KiB, as much as the kernel copies of one transfer.
void many_rows(benchmark::State& state) {
  std::string statement = "INSERT INTO events (id, kind, body) VALUES (1, 'a', 'b')";
  while (statement.size() < 4000) statement += ", (1234567, 'clicked', '{\"x\": 17, \"y\": 22, \"note\": \"it''s\"}')";
  run(state, statement, "INSERT events");
}
BENCHMARK(many_rows)->ArgName("text")->Arg(0)->Arg(1);

}  // namespace
