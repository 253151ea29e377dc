// SPDX-License-Identifier: Apache-2.0
#include "sql/sql.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace {

using namespace subfloor::sql;
using ::testing::HasSubstr;
using ::testing::Not;

Statement of(Dialect dialect, std::string_view statement) {
  return describe(statement, {.dialect = dialect, .text = true});
}
Statement postgresql(std::string_view statement) { return of(Dialect::postgresql, statement); }
Statement mysql(std::string_view statement) { return of(Dialect::mysql, statement); }
std::string text(std::string_view statement) { return postgresql(statement).text; }
std::string summary(std::string_view statement) { return postgresql(statement).summary; }
std::string target(std::string_view statement) { return postgresql(statement).target; }
std::string operation(std::string_view statement) { return postgresql(statement).operation; }

// The cases that OpenTelemetry publishes with its conventions; of theirs, white space is collapsed here, keywords of
// the summary are in upper case, and the sign of 99+100 stays.
TEST(Sql, AgreesWithOpenTelemetrysOwnCases) {
  struct Case {
    std::string_view query, text, summary;
  };
  for (const Dialect dialect : {Dialect::postgresql, Dialect::mysql}) {
    for (const Case& c : {
             Case{"SELECT 12, -12, +12", "SELECT ?, ?, ?", "SELECT"},
             Case{"SELECT 12.34, -12.34, +12.34, .01, -.01", "SELECT ?, ?, ?, ?, ?", "SELECT"},
             Case{"SELECT 12.34e56, -12.34e56, +12.34e56", "SELECT ?, ?, ?", "SELECT"},
             Case{"SELECT 12.34e-56, -12.34e-56, +12.34e-56", "SELECT ?, ?, ?", "SELECT"},
             Case{"SELECT 99+100", "SELECT ?+?", "SELECT"},
             Case{"SELECT 0xDEADBEEF, 0XdeadBEEF", "SELECT ?, ?", "SELECT"},
             Case{"SELECT 'hello'", "SELECT ?", "SELECT"},
             Case{"SELECT 'My name''s not important'", "SELECT ?", "SELECT"},
             Case{"SELECT 'My name is \n not important'", "SELECT ?", "SELECT"},
             Case{"SELECT c3po, r2d2 FROM covid19 WHERE n1h1=1234", "SELECT c3po, r2d2 FROM covid19 WHERE n1h1=?",
                  "SELECT covid19"},
             Case{"SELECT a FROM dbo.Table JOIN dbo.AnotherTable", "SELECT a FROM dbo.Table JOIN dbo.AnotherTable",
                  "SELECT dbo.Table dbo.AnotherTable"},
             Case{"INSERT INTO X VALUES(1, 23456, 123.456, 99+100)", "INSERT INTO X VALUES(?, ?, ?, ?+?)", "INSERT X"},
             Case{"SELECT * FROM t WHERE value IN (123, 456, 'abc')", "SELECT * FROM t WHERE value IN (?)", "SELECT t"},
             Case{"SELECT column -- end of line comment\nFROM /* block \n comment */ t", "SELECT column FROM t",
                  "SELECT t"},
             Case{"INSERT INTO shipping_details\n(order_id,\naddress)\nSELECT order_id,\naddress\nFROM   orders\n"
                  "WHERE  order_id = 1",
                  "INSERT INTO shipping_details (order_id, address) SELECT order_id, address FROM orders "
                  "WHERE order_id = ?",
                  "INSERT shipping_details SELECT orders"},
             Case{"sELECT order_date\nFROM   (select *\nFROM   orders o\nJOIN customers c\nON o.customer_id = c.id)",
                  "sELECT order_date FROM (select * FROM orders o JOIN customers c ON o.customer_id = c.id)",
                  "SELECT SELECT orders customers"},
             Case{"SELECT * FROM Orders o CROSS JOIN OrderDetails od",
                  "SELECT * FROM Orders o CROSS JOIN OrderDetails od", "SELECT Orders OrderDetails"},
             Case{"SELECT * FROM Orders o, OrderDetails od", "SELECT * FROM Orders o, OrderDetails od",
                  "SELECT Orders OrderDetails"},
             Case{"CREATE  TABLE MyTable (\n    ID NOT NULL IDENTITY(1,1) PRIMARY KEY\n)",
                  "CREATE TABLE MyTable ( ID NOT NULL IDENTITY(?,?) PRIMARY KEY )", "CREATE TABLE MyTable"},
             Case{"ALTER  TABLE MyTable ADD Name varchar(255)", "ALTER TABLE MyTable ADD Name varchar(?)",
                  "ALTER TABLE MyTable"},
             Case{"DROP  TABLE MyTable", "DROP TABLE MyTable", "DROP TABLE MyTable"},
         }) {
      EXPECT_EQ(of(dialect, c.query).text, c.text);
      EXPECT_EQ(of(dialect, c.query).summary, c.summary);
    }
  }
  EXPECT_EQ(summary("SELECT * FROM \"song list\", artists"), "SELECT \"song list\" artists");
}

TEST(Sql, NamesTheOperation) {
  EXPECT_EQ(operation("select 1"), "SELECT");
  EXPECT_EQ(operation("  /* x */ -- y\n insert into a values (1)"), "INSERT");
  EXPECT_EQ(operation("create unique index concurrently if not exists i on t (a)"), "CREATE INDEX");
  EXPECT_EQ(operation("CREATE OR REPLACE TEMP VIEW v AS SELECT 1"), "CREATE VIEW");
  EXPECT_EQ(operation("REFRESH MATERIALIZED VIEW CONCURRENTLY v"), "REFRESH MATERIALIZED VIEW");
  EXPECT_EQ(operation("START TRANSACTION READ ONLY"), "START TRANSACTION");
  EXPECT_EQ(operation("begin"), "BEGIN");
  EXPECT_EQ(operation("ALTER ROLE joe PASSWORD 'x'"), "ALTER ROLE");
  EXPECT_EQ(operation("WITH x AS (DELETE FROM a RETURNING *) INSERT INTO b SELECT * FROM x"), "INSERT");
  EXPECT_EQ(operation("EXPLAIN ANALYZE SELECT 1"), "EXPLAIN");
  EXPECT_EQ(operation("(SELECT 1) UNION (SELECT 2)"), "SELECT");
  EXPECT_EQ(operation("TABLE orders"), "TABLE");
  EXPECT_EQ(operation("LOCK TABLE orders IN EXCLUSIVE MODE"), "LOCK TABLE");
  EXPECT_EQ(operation(""), "");
  EXPECT_EQ(operation(";;"), "");
}

TEST(Sql, TellsNothingOfWhatIsNoStatement) {
  for (const std::string_view nothing : {"my password is hunter2", "'hunter2'", "= hunter2", "hunter2;", "$1"}) {
    const Statement told = postgresql(nothing);
    EXPECT_EQ(told.operation + told.target + told.summary + told.text, "") << nothing;
  }
  EXPECT_EQ(text("SELECT 1; my password is hunter2"), "SELECT ?;");
}

TEST(Sql, SummarisesInOrder) {
  EXPECT_EQ(summary("UPDATE a SET x = b.y FROM b WHERE a.i = b.i"), "UPDATE a b");
  EXPECT_EQ(summary("DELETE FROM a USING b, c WHERE a.i = b.i"), "DELETE a b c");
  EXPECT_EQ(summary("MERGE INTO a USING b ON a.i = b.i WHEN MATCHED THEN UPDATE SET x = 1 WHEN NOT MATCHED THEN INSERT "
                    "VALUES (1)"),
            "MERGE a b");
  EXPECT_EQ(summary("SELECT * FROM a LEFT JOIN b USING (i), c WHERE i IN (SELECT i FROM d) ORDER BY 1, 2"),
            "SELECT a b c SELECT d");
  EXPECT_EQ(summary("SELECT extract(year FROM t), substring(x FROM 2), a IS DISTINCT FROM b FROM c"), "SELECT c");
  EXPECT_EQ(summary("INSERT INTO a (i, j) VALUES (1, 2), (3, 4) ON CONFLICT (i) DO UPDATE SET j = 2 RETURNING i"),
            "INSERT a");
  EXPECT_EQ(summary("SELECT 1 FROM a UNION ALL SELECT 2 FROM b"), "SELECT a SELECT b");
  EXPECT_EQ(summary("SELECT * FROM a FOR UPDATE"), "SELECT a");
  EXPECT_EQ(summary("CALL do_it(1, 'x')"), "CALL do_it");
  EXPECT_EQ(summary("COPY orders (a, b) FROM STDIN WITH (FORMAT csv)"), "COPY orders");
  EXPECT_EQ(summary("COPY (SELECT * FROM orders) TO STDOUT"), "COPY SELECT orders");
  EXPECT_EQ(summary("PREPARE p (int) AS SELECT * FROM orders WHERE i = $1"), "PREPARE SELECT orders");
  EXPECT_EQ(summary("DECLARE c CURSOR FOR SELECT * FROM orders"), "DECLARE SELECT orders");
  EXPECT_EQ(summary("EXPLAIN (ANALYZE, BUFFERS) SELECT * FROM orders"), "EXPLAIN SELECT orders");
  EXPECT_EQ(summary("TRUNCATE a, b CASCADE"), "TRUNCATE a b");
  EXPECT_EQ(summary("VACUUM (FULL, ANALYZE) a"), "VACUUM a");
  EXPECT_EQ(summary("DROP TABLE IF EXISTS a, b"), "DROP TABLE a b");
  EXPECT_EQ(summary("CREATE TABLE a AS SELECT * FROM b"), "CREATE TABLE a SELECT b");
  EXPECT_EQ(summary("CREATE INDEX i ON a USING btree (x)"), "CREATE INDEX i a");
  EXPECT_EQ(summary("CREATE INDEX ON a (x)"), "CREATE INDEX a");
  EXPECT_EQ(summary("CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; UPDATE b SET x = 1; END"),
            "CREATE FUNCTION f");
  EXPECT_EQ(summary("ALTER TABLE ONLY a ADD b int, ADD c int"), "ALTER TABLE a");
  EXPECT_EQ(summary("GRANT SELECT, UPDATE ON a TO joe"), "GRANT");
  EXPECT_EQ(summary("SET search_path TO x"), "SET");
  EXPECT_EQ(summary("LOCK a IN SHARE MODE"), "LOCK a");
  EXPECT_EQ(summary("SELECT * INTO b FROM a"), "SELECT b a");
  EXPECT_EQ(summary("SELECT * FROM a, LATERAL (SELECT * FROM b WHERE b.i = a.i) x, (c JOIN d ON true)"),
            "SELECT a SELECT b c d");
  EXPECT_EQ(summary("SELECT * FROM generate_series(1, 9) AS g(i), unnest($1::int[]) u, t"),
            "SELECT generate_series unnest t");
}

TEST(Sql, KnowsCommonTablesFromTables) {
  EXPECT_EQ(
      summary("WITH x AS (SELECT * FROM a), y (i) AS MATERIALIZED (SELECT i FROM x JOIN b ON true) SELECT * FROM x, "
              "y, c"),
      "SELECT a SELECT b SELECT c");
  EXPECT_EQ(summary("WITH RECURSIVE t(n) AS (VALUES (1) UNION ALL SELECT n+1 FROM t) SELECT sum(n) FROM t"),
            "VALUES SELECT SELECT");
  EXPECT_EQ(summary("INSERT INTO a WITH x AS (SELECT 1) SELECT * FROM x"), "INSERT a SELECT SELECT");
  EXPECT_EQ(target("WITH x AS (SELECT * FROM a) SELECT * FROM x"), "a");
}

TEST(Sql, TargetIsTheOnlyTable) {
  EXPECT_EQ(target("SELECT * FROM orders o WHERE o.i = 1"), "orders");
  EXPECT_EQ(target("SELECT * FROM public.orders"), "public.orders");
  EXPECT_EQ(target("SELECT * FROM \"public\" . \"Order lines\""), "public.Order lines");
  EXPECT_EQ(target("SELECT * FROM a JOIN a AS b ON a.i = b.j"), "a");
  EXPECT_EQ(target("SELECT * FROM a JOIN b ON a.i = b.j"), "");
  EXPECT_EQ(target("SELECT now()"), "");
  EXPECT_EQ(target("SELECT * FROM f(1)"), "");
  EXPECT_EQ(target("INSERT INTO a(x) VALUES (1)"), "a");
  EXPECT_EQ(target("CALL f(1)"), "");
  EXPECT_EQ(target("CREATE DATABASE a"), "");
  EXPECT_EQ(target("CREATE INDEX i ON a (x)"), "a");
  EXPECT_EQ(target("UPDATE a SET x = 1; UPDATE b SET x = 1"), "a");
  EXPECT_EQ(mysql("SELECT * FROM `shop`.`orders` LIMIT 1").target, "shop.orders");
  EXPECT_EQ(mysql("INSERT IGNORE orders VALUES (1)").target, "orders");
  EXPECT_EQ(mysql("LOAD DATA LOCAL INFILE 'x' INTO TABLE orders").target, "orders");
  EXPECT_EQ(mysql("SELECT a INTO @b FROM c").target, "c");
  EXPECT_EQ(mysql("REPLACE INTO a SET x = REPLACE('a', 'b', 'c')").target, "a");
}

TEST(Sql, TellsEachStatementOfAText) {
  EXPECT_EQ(summary("BEGIN; UPDATE a SET x = ';'; COMMIT;"), "BEGIN; UPDATE a; COMMIT");
  EXPECT_EQ(operation("BEGIN; UPDATE a SET x = 1"), "BEGIN");
  EXPECT_EQ(summary("INSERT INTO a VALUES (1); INSERT INTO a VALUES (2); INSERT INTO a VALUES (3)"), "INSERT a");
  EXPECT_EQ(summary("SET x = 1; SELECT 1 FROM a"), "SET; SELECT a");
  EXPECT_EQ(postgresql("SELECT 1;; SELECT ';'; ").statements, 2U);
  EXPECT_EQ(postgresql(" ;").statements, 0U);
}

TEST(Sql, ReplacesEveryKindOfLiteral) {
  EXPECT_EQ(text("SELECT E'it\\'s', e'\\\\', B'101', x'1F', N'n', U&'d\\0061t' UESCAPE '!', '', $$a'b$$, $t$ $$ ' $t$"),
            "SELECT ?, ?, ?, ?, ?, ? UESCAPE ?, ?, ?, ?");
  EXPECT_EQ(text("SELECT DATE '2020-01-01', interval '1 day', '5'::int, '{1}'::int[], true, FALSE, null"),
            "SELECT DATE ?, interval ?, ?::int, ?::int[], ?, ?, null");
  EXPECT_EQ(text("SELECT 1e5, 1.5E-3, 0x1F, 1_000, 10.0.0.1, .5, 5., -1, a-1, a - 1, -a, (-1), f(-1)-1"),
            "SELECT ?, ?, ?, ?, ?, ?, ?, ?, a-?, a - ?, -a, (?), f(?)-?");
  EXPECT_EQ(text("SELECT a->>'key', b #> '{x}', c @> '{}', d ? 'k', ARRAY[1,-2]"),
            "SELECT a->>?, b #> ?, c @> ?, d ? ?, ARRAY[?,?]");
  EXPECT_EQ(text("SELECT 'a'\n 'b' -- c\n 'd', 'e' \n"), "SELECT ?, ?");
  EXPECT_EQ(text("SELECT E'a'\n'b\\'c', 1"), "SELECT ?, ?");
  EXPECT_EQ(mysql("SELECT \"it\\\"s\", 'a' 'b', _utf8mb4'x', 0b01, x'ff', 'a''b', \"c\"\"d\"").text,
            "SELECT ?, ?, _utf8mb4?, ?, ?, ?, ?");
}

TEST(Sql, KeepsPlaceholders) {
  EXPECT_EQ(text("SELECT $1::text, $12 WHERE a = $3"), "SELECT $1::text, $12 WHERE a = $3");
  EXPECT_EQ(mysql("SELECT ? WHERE a=?").text, "SELECT ? WHERE a=?");
}

TEST(Sql, TellsOneElementOfAList) {
  EXPECT_EQ(text("SELECT a IN (1, 2,3 , 'x'), b"), "SELECT a IN (?), b");
  EXPECT_EQ(text("SELECT a NOT IN ($1, $2)"), "SELECT a NOT IN (?)");
  EXPECT_EQ(text("SELECT a IN (-1, -2, +3)"), "SELECT a IN (?)");
  EXPECT_EQ(text("SELECT a IN (1, b, 2, 3, f(4, 5), 6)"), "SELECT a IN (?, b, ?, f(?, ?), ?)");
  EXPECT_EQ(text("SELECT a IN (SELECT b FROM c WHERE d IN (1, 2) AND e = 3)"),
            "SELECT a IN (SELECT b FROM c WHERE d IN (?) AND e = ?)");
  EXPECT_EQ(text("SELECT f(1, 2)"), "SELECT f(?, ?)");
}

TEST(Sql, DropsComments) {
  EXPECT_EQ(text("SELECT/* a /* secret */ b */1--secret\n,2"), "SELECT ? ,?");
  EXPECT_EQ(text("SELECT 1 /* secret"), "SELECT ?");
  EXPECT_EQ(text("SELECT 1 -- secret"), "SELECT ?");
  EXPECT_EQ(mysql("SELECT 1 # secret\n, 2 -- secret\n, 5--3 /* a /* secret */").text, "SELECT ? , ? , ?-?");
  EXPECT_EQ(summary("SELECT 1 FROM a /* secret */ . /* secret */ b"), "SELECT a.b");
}

TEST(Sql, ReadsExecutableCommentsAsMySqlDoes) {
  EXPECT_EQ(mysql("/*!40101 SET NAMES utf8 */").text, "SET NAMES utf8");
  EXPECT_EQ(mysql("SELECT /*!80000 a, */ 'x' /*M!100100 , b*/ FROM t").summary, "SELECT t");
  EXPECT_EQ(mysql("SELECT 1 /*!99999 secret */").text, "SELECT ?");
  EXPECT_EQ(mysql("/*M!999999\\- enable the sandbox mode */ SELECT 1").text, "SELECT ?");
}

TEST(Sql, HidesSecretsThatAreNoLiterals) {
  for (const std::string_view statement :
       {"SET my.token TO hunter2", "SET my.token = \"hunter2\"", "SET x = a, hunter2", "ALTER SYSTEM SET x = hunter2",
        "ALTER ROLE joe SET x TO hunter2", "ALTER ROLE joe WITH ENCRYPTED PASSWORD 'hunter2'"}) {
    const Statement told = postgresql(statement);
    EXPECT_THAT(told.text + told.summary + told.target, Not(HasSubstr("hunter2"))) << statement;
  }
  EXPECT_EQ(mysql("SET @a = hunter2, b = 1").text, "SET @a = ?, b = ?");
  EXPECT_EQ(mysql("CREATE USER 'joe'@'%' IDENTIFIED BY 'hunter2'").text, "CREATE USER ?@? IDENTIFIED BY ?");
}

TEST(Sql, EndsBeforeAStringWhoseEndDependsOnASettingNobodyKnows) {
  constexpr std::string_view statement = R"(SELECT 'it\'s hunter2' , 'x')";
  EXPECT_EQ(text(statement), "SELECT ?");
  EXPECT_EQ(describe(statement, {.text = true, .backslash_escapes = true}).text, "SELECT ? , ?");
  EXPECT_EQ(describe(R"(SELECT 'C:\', a)", {.text = true, .backslash_escapes = false}).text, "SELECT ?, a");
  EXPECT_EQ(describe(R"(SELECT 'C:\', a)", {.dialect = Dialect::mysql, .text = true, .backslash_escapes = false}).text,
            "SELECT ?, a");
  EXPECT_EQ(text(R"(SELECT 'C:\\', a, 'a\b')"), "SELECT ?, a, ?");
}

TEST(Sql, EndsWithALiteralThatDoesNot) {
  EXPECT_EQ(text("SELECT a, 'hunter2"), "SELECT a, ?");
  EXPECT_EQ(text("SELECT a, $x$hunter2"), "SELECT a, ?");
  EXPECT_EQ(text("SELECT a, \"hunter2"), "SELECT a, ?");
  EXPECT_EQ(text("SELECT a, E'hunter2\\"), "SELECT a, ?");
  EXPECT_EQ(mysql("SELECT a, \"hunter2").text, "SELECT a, ?");
}

TEST(Sql, TellsNoHalfNameOfACutStatement) {
  const auto cut = [](std::string_view statement) { return describe(statement, {.text = true, .cut = true}); };
  EXPECT_EQ(cut("SELECT * FROM ord").summary, "SELECT");
  EXPECT_EQ(cut("SELECT * FROM ord").text, "SELECT * FROM ?");
  EXPECT_EQ(cut("SELECT * FROM public.").summary, "SELECT");
  EXPECT_EQ(cut("SELECT * FROM orders ").summary, "SELECT orders");
  EXPECT_EQ(cut("SEL").operation, "");
  EXPECT_EQ(cut("SELECT $ta").text, "SELECT ?");
  EXPECT_EQ(cut("INSERT INTO orders VALUES (1, 'hunter2").summary, "INSERT orders");
}

TEST(Sql, KeepsItsBounds) {
  const std::string name(longest_name + 1, 'x');
  EXPECT_EQ(summary("SELECT * FROM " + name), "SELECT");
  EXPECT_EQ(text("SELECT " + name), "SELECT ?");
  std::string many = "SELECT * FROM t0";
  for (int i = 1; i < 100; ++i) many += ", table_" + std::to_string(i);
  EXPECT_LE(summary(many).size(), longest_summary);
  EXPECT_GT(summary(many).size(), longest_summary - 9);
  EXPECT_EQ(summary(many).substr(summary(many).rfind(' ')).substr(0, 7), " table_");
  std::string kinds = "CREATE";
  for (int i = 0; i < 100; ++i) kinds += " MATERIALIZED";
  EXPECT_LE(operation(kinds).size(), longest_name);
  std::string wide = "SELECT a";
  for (int i = 0; i < 2000; ++i) wide += ", abc";
  EXPECT_LE(text(wide).size(), longest_text);
  EXPECT_EQ(summary("SELECT " + std::string(1000, '(') + "SELECT 1 FROM a" + std::string(1000, ')') + " FROM b"),
            "SELECT b");
}

}  // namespace
