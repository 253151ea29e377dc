// SPDX-License-Identifier: Apache-2.0
// The grammar of conditions, and where one that is none breaks off.
#include "rules/parser.h"

#include "rules/testing.h"

namespace subfloor::rules {
namespace {

using namespace testing;
using ::testing::HasSubstr;

// "COLUMN: message" of the mistake in a text of one line, or "" where it is a condition.
std::string mistake_in(const std::string& condition) {
  MappedText text;
  for (std::uint32_t i = 0; i < condition.size(); ++i) text.append(condition[i], {0, i});
  Report report;
  const auto parsed = Parser(text, report).parse_condition();
  EXPECT_EQ(parsed.has_value(), report.errors() == 0);
  if (parsed) return "";
  return fmt::format("{}: {}", report.all().at(0).place.offset + 1, report.all().at(0).message);
}

TEST(Parser, TakesAllOfTheGrammar) {
  for (const char* condition : {"proc.name=cat",
                                "proc.name = \"a b\"",
                                "proc.name in (a,b , 'c d')",
                                "proc.name in ()",
                                "fd.num<=5",
                                "evt.rawres>-1",
                                "fd.num > 0xff",
                                "not proc.name exists",
                                "not not(a.b = c)",
                                "macro_name",
                                "macro1 and(macro2)or(macro3)",
                                "(((macro)))",
                                "proc.aname[2]=init",
                                "proc.env[\"A B\"] exists",
                                "container.mount.dest[/proc*] in (x)",
                                "tolower(proc.name) = x",
                                "concat(proc.name, \"a\", 5) = x",
                                "join(\",\", (proc.name, \"b\")) = x",
                                "getopt(fd.types, \"nt:\")[t] = v",
                                "proc.name = val(proc.pname)",
                                "fd.types in tolower(proc.name)",
                                "fd.num >= val(fd.sport)",
                                "proc.name startswith oneof (a, b)",
                                "proc.name\n  contains\n\tx",
                                "evt.dir=<",
                                "proc.name glob *.sh",
                                "a.b!=c",
                                "a.b == c",
                                "a.b intersects (x)",
                                "a.b pmatch (/x)",
                                "a.b = x or(c.d = y)",
                                "a.b = c:d/e.f-g"})
    EXPECT_EQ(mistake_in(condition), "") << condition;
}

TEST(Parser, TellsWhereItBreaksOff) {
  EXPECT_EQ(mistake_in(""), "1: expected a field, a macro or '(', not the end");
  EXPECT_EQ(mistake_in("a.b = c d"), "9: expected 'and' or 'or' before 'd'");
  EXPECT_EQ(mistake_in("a.b = c and"), "12: expected a blank or '(' behind 'and'");
  EXPECT_EQ(mistake_in("a.b = c and )"), "13: expected a field, a macro or '(', not ')'");
  EXPECT_EQ(mistake_in("a.b = c order"), "11: expected a blank or '(' behind 'or'");
  EXPECT_EQ(mistake_in("(a.b = c"), "9: expected ')' or 'and' or 'or', not the end");
  EXPECT_EQ(mistake_in("a.b ~ c"), "5: expected an operator behind 'a.b', not '~'");
  EXPECT_EQ(mistake_in("a.b inode (c)"), "5: expected an operator behind 'a.b', not 'inode'");
  EXPECT_EQ(mistake_in("a.b ="), "6: expected a value, not the end");
  EXPECT_EQ(mistake_in("a.b contains'x'"), "13: expected a blank behind 'contains', not '''");
  EXPECT_EQ(mistake_in("a.b < x"), "7: expected a number, a transformer or val(), not 'x'");
  EXPECT_EQ(mistake_in("a.b in (x, )"), "12: expected a value, not ')'");
  EXPECT_EQ(mistake_in("a.b in (x y)"), "11: expected ')' or ',' in the list, not 'y'");
  EXPECT_EQ(mistake_in("a.b in shells"), "8: unknown list 'shells'");
  EXPECT_EQ(mistake_in("a.b[ = x"), "5: expected an argument of 'a.b' between [ and ]");
  EXPECT_EQ(mistake_in("a.b[1 = x"), "6: expected ']' behind the argument of 'a.b', not ' '");
  EXPECT_EQ(mistake_in("tolower(a.b = x"), "13: expected ')' that closes 'tolower(', not '='");
  EXPECT_EQ(mistake_in("tolower() = x"), "9: expected a field, a transformer, a number or a quoted text, not ')'");
  EXPECT_EQ(mistake_in("a.b = val(x)"), "11: expected a field within val(), not 'x'");
}

TEST(Parser, UndoesEscapesInQuotes) {
  const auto value_of = [](const std::string& quoted) {
    Cursor cursor(quoted);
    const auto value = cursor.take_quoted();
    return value && cursor.at_end() ? *value : "(" + cursor.problem() + ")";
  };
  EXPECT_EQ(value_of(R"("a\\b\"c\/\x41\t")"), "a\\b\"c/A\t");
  EXPECT_EQ(value_of(R"('it\'s')"), "it's");
  EXPECT_EQ(value_of(R"("ends\\")"), "ends\\");
  EXPECT_EQ(value_of(R"("a\ b")"), "a\\b") << "as Falco has it: the blank is lost";
}

TEST(Parser, RefusesOtherEscapes) {
  EXPECT_EQ(mistake_in(R"(a.b = "x\d")"), "9: unknown escape '\\d'");
  EXPECT_EQ(mistake_in(R"(a.b = "x\'")"), "9: \\' is no escape between double quotes");
  EXPECT_EQ(mistake_in(R"(a.b = "\x4")"), "8: \\x takes two hexadecimal digits");
  EXPECT_EQ(mistake_in(R"(a.b = "abc)"), "7: this quote is never closed");
  EXPECT_EQ(mistake_in("a.b = \"abc\\"), "7: this quote is never closed");
}

TEST(Parser, GoesSoDeepAndNoDeeper) {
  const auto nested = [](std::size_t depth) { return std::string(depth, '(') + "m" + std::string(depth, ')'); };
  EXPECT_EQ(mistake_in(nested(200)), "");
  EXPECT_THAT(mistake_in(nested(201)), HasSubstr("more than 200 parentheses within each other"));
  std::string transformers = "proc.name";
  for (int i = 0; i < 101; ++i) transformers = "tolower(" + transformers + ")";
  EXPECT_THAT(mistake_in(transformers + " = x"), HasSubstr("more than 100 transformers"));
}

TEST(Parser, AMacroMayBeginWithAKeyword) {
  EXPECT_EQ(mistake_in("not_here and android or order66"), "");
  EXPECT_EQ(mistake_in("notable and inside"), "");
}

}  // namespace
}  // namespace subfloor::rules
