/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A libpq client for what psql and pgbench do not do. The connection is given by PG* in the environment.
 *
 *   pg_client pipeline DEPTH ROUNDS each|one STATEMENT [FAILING]
 *     Each round sends DEPTH executions of the prepared STATEMENT before it reads an answer, with a Sync behind each or
 *     one behind all. FAILING is executed instead of the first of each round.
 *   pg_client hold STATEMENT
 *     Prepares it, says "ready", then runs it five times prepared and five times as a Query for each line it reads.
 *   pg_client cancel STATEMENT
 *     Runs it, and cancels it when a line is read.
 *   pg_client rows STATEMENT
 *     Runs it with its input as parameter and prints how many rows came, in single-row mode.
 *   pg_client function
 *     Calls a function by its number.
 */
#include <postgresql/libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static PGconn* connection;

static void fail(const char* what) {
  fprintf(stderr, "%s: %s\n", what, PQerrorMessage(connection));
  exit(1);
}

static void check(int ok, const char* what) {
  if (!ok) fail(what);
}

static void expect(PGresult* result, const char* what) {
  ExecStatusType status = PQresultStatus(result);

  if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) fail(what);
  PQclear(result);
}

/* The results up to and with that of the next Sync. */
static void read_to_sync(void) {
  int done = 0;

  while (!done) {
    PGresult* result = PQgetResult(connection);

    if (!result) continue; /* between two queries */
    done = PQresultStatus(result) == PGRES_PIPELINE_SYNC;
    PQclear(result);
  }
}

static void pipeline(int depth, int rounds, int each, const char* statement, const char* failing) {
  expect(PQprepare(connection, "s", statement, 0, NULL), "prepare");
  if (failing) expect(PQprepare(connection, "f", failing, 0, NULL), "prepare");
  check(PQenterPipelineMode(connection), "pipeline mode");
  for (int round = 0; round < rounds; round++) {
    for (int i = 0; i < depth; i++) {
      const char* name = failing && i == 0 ? "f" : "s";

      check(PQsendQueryPrepared(connection, name, 0, NULL, NULL, NULL, 0), "send");
      if (each) check(PQpipelineSync(connection), "sync");
    }
    if (!each) check(PQpipelineSync(connection), "sync");
    for (int i = 0; i < (each ? depth : 1); i++) read_to_sync();
  }
}

static void wait_for_line(void) {
  char line[16];

  puts("ready");
  fflush(stdout);
  if (!fgets(line, sizeof(line), stdin)) exit(0);
}

static void hold(const char* statement) {
  expect(PQprepare(connection, "s", statement, 0, NULL), "prepare");
  for (;;) {
    wait_for_line();
    for (int i = 0; i < 5; i++) expect(PQexecPrepared(connection, "s", 0, NULL, NULL, NULL, 0), "execute");
    for (int i = 0; i < 5; i++) expect(PQexec(connection, statement), "query");
  }
}

static void cancel(const char* statement) {
  char error[256];

  check(PQsendQuery(connection, statement), "query");
  wait_for_line();
  check(PQcancel(PQgetCancel(connection), error, sizeof(error)), "cancel");
  for (PGresult* result; (result = PQgetResult(connection));) PQclear(result);
}

static void rows(const char* statement) {
  char value[256] = "";
  const char* parameter = value;
  long count = 0;

  check(fread(value, 1, sizeof(value) - 1, stdin) > 0, "read");
  check(PQsendQueryParams(connection, statement, 1, NULL, &parameter, NULL, NULL, 0), "query");
  check(PQsetSingleRowMode(connection), "single rows");
  for (PGresult* result; (result = PQgetResult(connection));) {
    count += PQntuples(result);
    PQclear(result);
  }
  printf("%ld\n", count);
}

static void function(void) {
  int value, size;

  expect(PQfn(connection, 2026 /* pg_backend_pid */, &value, &size, 1, NULL, 0), "function");
}

int main(int argc, char** argv) {
  connection = PQconnectdb("");
  check(PQstatus(connection) == CONNECTION_OK, "connect");
  if (argc >= 6 && !strcmp(argv[1], "pipeline"))
    pipeline(atoi(argv[2]), atoi(argv[3]), !strcmp(argv[4], "each"), argv[5], argv[6]);
  else if (argc == 3 && !strcmp(argv[1], "hold"))
    hold(argv[2]);
  else if (argc == 3 && !strcmp(argv[1], "cancel"))
    cancel(argv[2]);
  else if (argc == 3 && !strcmp(argv[1], "rows"))
    rows(argv[2]);
  else if (argc == 2 && !strcmp(argv[1], "function"))
    function();
  else
    return 2;
  PQfinish(connection);
  return 0;
}
