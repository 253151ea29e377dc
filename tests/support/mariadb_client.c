/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client that does what it is told, line by line, and says "ok", "error <code>" or "rows <n>" to each:
 *   query SQL          several statements are several results; one line tells of all
 *   prepare N SQL      as statement number N (0 to 15)
 *   execute N TEXT     with TEXT in place of every parameter
 *   cursor N           executes, and fetches row by row
 *   bulk N ROWS TEXT   one command for that many rows
 *   direct SQL         prepares and executes without waiting in between
 *   long N SIZE        sends the first parameter in pieces beforehand, that many bytes
 *   close N, reset N
 *   pipeline TIMES SQL sends it that often before the first answer is read
 *   ping, statistics, use SCHEMA, user NAME PASSWORD SCHEMA, fresh (resets the connection), option, kill ID
 *
 * mariadb_client HOST|SOCKET PORT USER SCHEMA [compress], with $CLIENT_PASSWORD
 */
#include <mariadb/mysql.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STATEMENTS = 16, PARAMETERS = 8, LINE = 1 << 16, PIECE = 1 << 20 };

static MYSQL* connection;
static MYSQL_STMT* statements[STATEMENTS];

static void say(unsigned int error, long rows) {
  if (error)
    printf("error %u\n", error);
  else if (rows >= 0)
    printf("rows %ld\n", rows);
  else
    printf("ok\n");
  fflush(stdout);
}

static void read_results(void) {
  long rows = -1;
  unsigned int error = mysql_errno(connection);

  while (!error) {
    MYSQL_RES* result = mysql_store_result(connection);

    if (result) {
      rows = (rows < 0 ? 0 : rows) + (long)mysql_num_rows(result);
      mysql_free_result(result);
    }
    error = mysql_errno(connection);
    if (error || mysql_next_result(connection) < 0) break;
    error = mysql_errno(connection);
  }
  say(error, rows);
}

static void bind(MYSQL_STMT* statement, const char* text, unsigned int rows) {
  static MYSQL_BIND binds[PARAMETERS];
  static const char* values[4096];
  static unsigned long lengths[4096];
  unsigned long length = strlen(text);

  memset(binds, 0, sizeof(binds));
  for (unsigned int i = 0; i < rows && i < 4096; i++) {
    values[i] = text;
    lengths[i] = length;
  }
  for (unsigned int i = 0; i < PARAMETERS; i++) {
    binds[i].buffer_type = MYSQL_TYPE_STRING;
    binds[i].buffer = rows > 1 ? (void*)values : (void*)text;
    binds[i].buffer_length = length;
    binds[i].length = lengths;
  }
  if (rows < 2) rows = 0; /* not in bulk */
  mysql_stmt_attr_set(statement, STMT_ATTR_ARRAY_SIZE, &rows);
  mysql_stmt_bind_param(statement, binds);
}

static void read_rows(MYSQL_STMT* statement) {
  long rows = -1;

  while (!mysql_stmt_errno(statement)) {
    if (mysql_stmt_field_count(statement)) {
      mysql_stmt_store_result(statement);
      rows = (rows < 0 ? 0 : rows) + (long)mysql_stmt_num_rows(statement);
    }
    if (mysql_stmt_next_result(statement) != 0) break;
  }
  say(mysql_stmt_errno(statement), rows);
  mysql_stmt_free_result(statement);
}

static void execute(MYSQL_STMT* statement, const char* text, unsigned int rows) {
  unsigned long type = CURSOR_TYPE_NO_CURSOR;

  mysql_stmt_attr_set(statement, STMT_ATTR_CURSOR_TYPE, &type);
  bind(statement, text, rows);
  if (mysql_stmt_execute(statement))
    say(mysql_stmt_errno(statement), -1);
  else
    read_rows(statement);
}

static void cursor(MYSQL_STMT* statement) {
  unsigned long type = CURSOR_TYPE_READ_ONLY, at_once = 1;
  long rows = 0;

  mysql_stmt_attr_set(statement, STMT_ATTR_CURSOR_TYPE, &type);
  mysql_stmt_attr_set(statement, STMT_ATTR_PREFETCH_ROWS, &at_once);
  if (!mysql_stmt_execute(statement)) {
    while (mysql_stmt_fetch(statement) == 0) rows++;
  }
  say(mysql_stmt_errno(statement), rows);
  mysql_stmt_free_result(statement);
}

static void send_long(MYSQL_STMT* statement, unsigned long size) {
  char* piece = malloc(PIECE);

  memset(piece, 'l', PIECE);
  bind(statement, "", 1);
  for (unsigned long at = 0; at < size; at += PIECE)
    mysql_stmt_send_long_data(statement, 0, piece, size - at < PIECE ? size - at : PIECE);
  free(piece);
  say(mysql_stmt_errno(statement), -1);
}

static void pipeline(unsigned int times, const char* sql) {
  unsigned int sent = 0, error = 0;

  while (sent < times && !mysql_send_query(connection, sql, strlen(sql))) sent++;
  for (unsigned int i = 0; i < sent; i++) {
    mysql_read_query_result(connection);
    error = error ? error : mysql_errno(connection);
    mysql_free_result(mysql_store_result(connection));
  }
  say(error, -1);
}

static MYSQL_STMT* direct(const char* sql) {
  MYSQL_STMT* statement = mysql_stmt_init(connection);
  unsigned int none = 0;

  mysql_stmt_attr_set(statement, STMT_ATTR_PREBIND_PARAMS, &none);
  mariadb_stmt_execute_direct(statement, sql, strlen(sql));
  read_rows(statement);
  return statement;
}

static void obey(char* line) {
  char* rest = strchr(line, ' ');
  unsigned long number;
  MYSQL_STMT* statement;

  if (rest)
    *rest++ = 0;
  else
    rest = line + strlen(line);
  if (!strcmp(line, "query")) {
    mysql_real_query(connection, rest, strlen(rest));
    read_results();
    return;
  }
  if (!strcmp(line, "direct")) {
    mysql_stmt_close(direct(rest));
    return;
  }
  if (!strcmp(line, "use")) {
    say(mysql_select_db(connection, rest) ? mysql_errno(connection) : 0, -1);
    return;
  }
  if (!strcmp(line, "user")) {
    char *name = strtok(rest, " "), *password = strtok(NULL, " "), *schema = strtok(NULL, " ");

    say(mysql_change_user(connection, name, password, schema) ? mysql_errno(connection) : 0, -1);
    return;
  }
  number = strtoul(rest, &rest, 10);
  while (*rest == ' ') rest++;
  statement = statements[number % STATEMENTS];
  if (!strcmp(line, "prepare")) {
    statement = statements[number % STATEMENTS] = mysql_stmt_init(connection);
    mysql_stmt_prepare(statement, rest, strlen(rest));
    say(mysql_stmt_errno(statement), -1);
  } else if (!strcmp(line, "execute")) {
    execute(statement, rest, 1);
  } else if (!strcmp(line, "bulk")) {
    unsigned int rows = (unsigned int)strtoul(rest, &rest, 10);

    execute(statement, rest + (*rest == ' '), rows);
  } else if (!strcmp(line, "cursor")) {
    cursor(statement);
  } else if (!strcmp(line, "long")) {
    send_long(statement, strtoul(rest, NULL, 10));
  } else if (!strcmp(line, "close")) {
    mysql_stmt_close(statement);
    statements[number % STATEMENTS] = NULL;
    say(0, -1);
  } else if (!strcmp(line, "reset")) {
    mysql_stmt_reset(statement);
    say(mysql_stmt_errno(statement), -1);
  } else if (!strcmp(line, "pipeline")) {
    pipeline((unsigned int)number, rest);
  } else if (!strcmp(line, "ping")) {
    say(mysql_ping(connection) ? mysql_errno(connection) : 0, -1);
  } else if (!strcmp(line, "statistics")) {
    say(mysql_stat(connection) ? 0 : mysql_errno(connection), -1);
  } else if (!strcmp(line, "fresh")) {
    say(mysql_reset_connection(connection) ? mysql_errno(connection) : 0, -1);
  } else if (!strcmp(line, "option")) {
    say(mysql_set_server_option(connection, MYSQL_OPTION_MULTI_STATEMENTS_ON) ? mysql_errno(connection) : 0, -1);
  } else if (!strcmp(line, "kill")) {
    say(mysql_kill(connection, number) ? mysql_errno(connection) : 0, -1);
  } else {
    printf("what is %s?\n", line);
    fflush(stdout);
  }
}

int main(int argc, char** argv) {
  static char line[LINE];
  unsigned int local = 1;
  int is_socket;

  if (argc < 5) return 2;
  is_socket = argv[1][0] == '/';
  connection = mysql_init(NULL);
  mysql_options(connection, MYSQL_OPT_LOCAL_INFILE, &local);
  mysql_optionsv(connection, MYSQL_OPT_CONNECT_ATTR_ADD, "program_name", "mariadb_client");
  if (argc > 5) mysql_options(connection, MYSQL_OPT_COMPRESS, NULL);
  if (!mysql_real_connect(connection, is_socket ? NULL : argv[1], argv[3], getenv("CLIENT_PASSWORD"), argv[4],
                          (unsigned int)atoi(argv[2]), is_socket ? argv[1] : NULL, CLIENT_MULTI_STATEMENTS)) {
    say(mysql_errno(connection), -1);
    return 1;
  }
  printf("connected\n");
  fflush(stdout);
  while (fgets(line, sizeof(line), stdin)) {
    line[strcspn(line, "\n")] = 0;
    obey(line);
  }
  for (int i = 0; i < STATEMENTS; i++) {
    if (statements[i]) mysql_stmt_close(statements[i]);
  }
  mysql_close(connection);
  return 0;
}
