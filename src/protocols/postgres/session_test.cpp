// SPDX-License-Identifier: Apache-2.0
#include "protocols/postgres/session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocols/postgres/conversation.h"
#include "protocols/postgres/postgres.h"

namespace subfloor::protocols::postgres {
namespace {

using namespace testing;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using Action = Next::Action;

constexpr Options late{.joined_late = true};

// The calls of a conversation behind a startup, at either end.
std::vector<std::string> told(Conversation conversation) {
  conversation.insert(conversation.begin(), {front(startup()), back(authenticated)});
  std::vector<std::string> server = brief(replay(conversation, Kind::server));
  EXPECT_EQ(server, brief(replay(conversation, Kind::client)));
  return server;
}

TEST(Postgres, TellsEverythingAboutACall) {
  Feeder f;
  f.say(From::frontend, startup());
  f.say(From::backend, authenticated);
  f.say(From::frontend, query("SELECT * FROM orders WHERE id = 5"));
  EXPECT_EQ(f.session.active(Kind::server), 1U);
  EXPECT_EQ(f.session.active(Kind::client), 0U);
  f.say(From::backend, row_description + rows(2));
  EXPECT_THAT(f.calls(), IsEmpty());
  f.say(From::backend, complete("SELECT 2") + ready());
  EXPECT_EQ(f.session.active(Kind::server), 0U);
  ASSERT_EQ(f.sink.calls.size(), 1U);
  const Call& call = f.sink.calls[0];
  EXPECT_EQ(call.protocol->name, "postgres");
  EXPECT_EQ(call.kind, Kind::server);
  EXPECT_EQ(call.operation, "SELECT");
  EXPECT_EQ(call.target, "orders");
  EXPECT_EQ(call.error, "");
  EXPECT_EQ(call.partial, partial_no);
  EXPECT_EQ(call.start, 3100U);  // the application had the first byte
  EXPECT_EQ(call.request_end, 3100U);
  EXPECT_EQ(call.first_byte, 4000U);  // it began to answer
  EXPECT_EQ(call.end, 5100U);
  EXPECT_EQ(call.pid, 10U);
  EXPECT_EQ(call.tid, 11U);
  EXPECT_EQ(call.request_body_bytes, 34U);
  EXPECT_EQ(call.response_body_bytes, 16U);
  EXPECT_EQ(call.attributes.find("db.namespace"), "shop");
  EXPECT_EQ(call.attributes.find("db.query.summary"), "SELECT orders");
  EXPECT_EQ(call.attributes.find("db.response.returned_rows"), "2");
  EXPECT_EQ(call.attributes.find("user.name"), "joe");
  EXPECT_EQ(call.attributes.find("postgresql.application_name"), "psql");
  EXPECT_EQ(call.attributes.find("db.query.text"), std::nullopt);
}

TEST(Postgres, TellsTheSanitisedStatementWhereThatIsWanted) {
  const Conversation conversation{front(startup()),
                                  back(authenticated),
                                  front(query("SELECT 'hunter2' FROM  a")),
                                  back(selected(1)),
                                  front(parse("s", "SELECT $1, 7") + sync),
                                  back(parsed + ready()),
                                  front(prepared("s")),
                                  back(bound + selected(1))};
  const std::vector<Call> calls = replay(conversation, Kind::server, {.extras = {.query_text = true}});
  ASSERT_EQ(calls.size(), 2U);
  EXPECT_EQ(calls[0].attributes.find("db.query.text"), "SELECT ? FROM a");
  EXPECT_EQ(calls[1].attributes.find("db.query.text"), "SELECT $1, ?");
}

TEST(Postgres, TakesTheUserForTheDatabaseThatWasNotNamed) {
  Feeder f;
  f.say(From::frontend, untyped(196608, z("user") + z("joe") + '\0'));
  f.say(From::backend, authenticated);
  f.say(From::frontend, query("SELECT 1"));
  f.say(From::backend, selected(1));
  EXPECT_EQ(f.sink.calls.at(0).attributes.find("db.namespace"), "joe");
}

TEST(Postgres, AddsUpTheResultsOfOneQuery) {
  EXPECT_THAT(told({front(query("SELECT 1; INSERT INTO a VALUES (1); SELECT 2")),
                    back(row_description + rows(1) + complete("SELECT 1") + complete("INSERT 0 4") + row_description +
                         rows(2) + complete("SELECT 2") + ready())}),
              ElementsAre("SELECT rows 3 affected 4"));
}

TEST(Postgres, CountsRowsAsTheCommandMeansThem) {
  EXPECT_THAT(told({front(query("UPDATE a SET b = 1")), back(complete("UPDATE 7") + ready()),
                    front(query("CREATE TABLE b AS SELECT 1")), back(complete("SELECT 1") + ready()),
                    front(query("SELECT 1 WHERE false")), back(selected(0)), front(query("")),
                    back(message('I') + ready()), front(query("BEGIN")), back(complete("BEGIN") + ready('T'))}),
              ElementsAre("UPDATE a affected 7", "CREATE TABLE b affected 1", "SELECT rows 0", "?", "BEGIN"));
}

TEST(Postgres, TellsTheStateOfAnErrorAndNeverItsMessage) {
  const std::vector<Call> calls =
      replay({front(startup()), back(authenticated), front(query("SELECT * FROM nothing")),
              back(failure("42P01") + ready()), front(query("SELECT 1")), back(selected(1))});
  EXPECT_THAT(brief(calls), ElementsAre("SELECT nothing !42P01", "SELECT rows 1"));
  EXPECT_EQ(calls[0].attributes.find("db.response.status_code"), "42P01");
  EXPECT_EQ(calls[0].attributes.find("postgresql.severity"), "ERROR");
  EXPECT_THAT(full(calls)[0], Not(HasSubstr("hunter2")));
}

TEST(Postgres, TellsOneCallForEachExecute) {
  EXPECT_THAT(told({front(parse("", "SELECT * FROM a WHERE b = $1") + prepared("")), back(parsed + bound + selected(3)),
                    front(parse("s1", "UPDATE c SET d = $1") + sync), back(parsed + ready()), front(prepared("s1")),
                    back(bound + no_data + complete("UPDATE 1") + ready()), front(prepared("s1")),
                    back(bound + no_data + complete("UPDATE 2") + ready())}),
              ElementsAre("SELECT a rows 3", "UPDATE c affected 1", "UPDATE c affected 2"));
}

TEST(Postgres, CountsWhatAPortalGivesAtATime) {
  EXPECT_THAT(told({front(parse("", "SELECT * FROM a") + bind("p", "") + execute("p", 2) + flush),
                    back(parsed + bound + rows(2) + message('s')), front(execute("p", 2) + sync),
                    back(rows(1) + complete("SELECT 1") + ready())}),
              ElementsAre("SELECT a rows 2", "SELECT a rows 1"));
}

TEST(Postgres, PairsAPipelineInOrder) {
  std::string asked = parse("a", "SELECT * FROM a") + parse("b", "INSERT INTO b VALUES ($1)"),
              answered = parsed + parsed;
  for (int i = 0; i < 50; ++i) {
    asked += bind("", "a") + execute() + bind("", "b") + execute();
    answered += bound + rows(i) + complete("SELECT " + std::to_string(i)) + bound + complete("INSERT 0 1");
  }
  const std::vector<std::string> calls = told({front(asked + sync), back(answered + ready())});
  ASSERT_EQ(calls.size(), 100U);
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(calls[2 * i], "SELECT a rows " + std::to_string(i));
    EXPECT_EQ(calls[2 * i + 1], "INSERT b affected 1");
  }
}

TEST(Postgres, SaysWhatOfAPipelineWasNotExecuted) {
  const std::string one = bind("", "s") + execute();
  EXPECT_THAT(
      told({front(parse("s", "DELETE FROM a") + sync + one + one + one + sync + one + sync),
            back(parsed + ready() + bound + complete("DELETE 1") + bound + failure("23503") + ready() + bound +
                 complete("DELETE 3") + ready())}),
      ElementsAre("DELETE a affected 1", "DELETE a !23503", "DELETE a !pipeline_aborted", "DELETE a affected 3"));
}

TEST(Postgres, TellsOfDiscardedMessagesThatComeAfterTheError) {
  EXPECT_THAT(
      told({front(parse("s", "DELETE FROM a") + bind("", "s") + execute() + flush), back(parsed + failure("22P02")),
            front(bind("", "s") + execute() + sync), back(ready()), front(query("SELECT 1")), back(selected(1))}),
      ElementsAre("DELETE a !22P02", "DELETE a !pipeline_aborted", "SELECT rows 1"));
}

TEST(Postgres, TellsOfAStatementThatCannotBePrepared) {
  EXPECT_THAT(told({front(parse("s", "SELECT * FROM nothing") + sync), back(failure("42P01") + ready()),
                    front(parse("t", "SELECT * FROM nothing") + prepared("t")), back(failure("42P01") + ready()),
                    front(prepared("s")), back(failure("26000") + ready())}),
              ElementsAre("SELECT nothing !42P01", "SELECT nothing !42P01", "? !26000 (context)"));
}

TEST(Postgres, BlamesTheLastCallForWhatFailsAtCommit) {
  EXPECT_THAT(told({front(parse("s", "INSERT INTO a VALUES (1)") + prepared("s")),
                    back(parsed + bound + no_data + complete("INSERT 0 1") + failure("23505") + ready())}),
              ElementsAre("INSERT a !23505 affected 1"));
}

TEST(Postgres, EndsACallWithTheCommitThatSyncBrings) {
  const std::vector<Call> calls =
      replay({front(startup()), back(authenticated), front(parse("", "INSERT INTO a VALUES (1)") + prepared("")),
              back(parsed + bound + no_data + complete("INSERT 0 1")), back(ready())});
  ASSERT_EQ(calls.size(), 1U);
  EXPECT_EQ(calls[0].end, 5100U);
}

TEST(Postgres, NeverTakesANameForAStatementThatItMayNotBe) {
  EXPECT_THAT(told({front(parse("s", "SELECT * FROM a") + sync),
                    back(parsed + ready()),
                    front(query("DEALLOCATE s")),
                    back(complete("DEALLOCATE") + ready()),
                    front(prepared("s")),
                    back(bound + selected(1)),
                    front(parse("t", "SELECT * FROM b") + sync),
                    back(parsed + ready()),
                    front(close('S', "t") + sync),
                    back(closed + ready()),
                    front(prepared("t")),
                    back(bound + selected(1)),
                    front(parse("", "SELECT * FROM c") + sync),
                    back(parsed + ready()),
                    front(query("BEGIN")),
                    back(complete("BEGIN") + ready()),
                    front(prepared("")),
                    back(bound + selected(1)),
                    front(prepared(std::string(64, 'x'))),
                    back(bound + selected(1))}),
              ElementsAre("DEALLOCATE", "SELECT rows 1 (context)", "SELECT rows 1 (context)", "BEGIN",
                          "SELECT rows 1 (context)", "SELECT rows 1 (context)"));
}

TEST(Postgres, CopiesInAndOut) {
  const std::string data = message('d', "1\thunter2\n");
  EXPECT_THAT(
      told({front(query("COPY a FROM STDIN")), back(message('G', "\0\0\1\0\0"s)), front(data + data + data),
            front(message('c')), back(complete("COPY 3") + ready()), front(query("COPY a TO STDOUT")),
            back(message('H', "\0\0\1\0\0"s) + data + data + message('c') + complete("COPY 2") + ready()),
            front(parse("", "COPY a FROM STDIN") + prepared("")),
            back(parsed + bound + no_data + message('G', "\0\0\1\0\0"s)), front(data + message('c') + sync),
            back(complete("COPY 1") + ready()), front(query("COPY a FROM STDIN")), back(message('G', "\0\0\1\0\0"s)),
            front(data + message('f', z("stop"))), back(failure("57014") + ready())}),
      ElementsAre("COPY a affected 3", "COPY a rows 2", "COPY a affected 1", "COPY a !57014"));
}

TEST(Postgres, CopiesWithoutLookingAtTheData) {
  Feeder f;
  f.say(From::frontend, startup());
  f.say(From::backend, authenticated);
  f.say(From::frontend, query("COPY a FROM STDIN"));
  f.say(From::backend, message('G', "\0\0\1\0\0"s));
  const Next next = f.say(From::frontend, "d" + u32(1'000'004) + std::string(4000, 'x'));
  EXPECT_EQ(next.action, Action::skip);
  EXPECT_EQ(next.bytes, 996'000U);
  f.say(From::frontend, "", 996'000);
  f.say(From::frontend, message('c'));
  f.say(From::backend, complete("COPY 1") + ready());
  EXPECT_THAT(f.calls(), ElementsAre("COPY a affected 1"));
  EXPECT_EQ(f.sink.calls[0].request_body_bytes, 1'000'018U);
}

TEST(Postgres, GoesOnInClearTextWhereEncryptionIsRefused) {
  Feeder f;
  f.say(From::frontend, untyped(code_gss));
  f.say(From::backend, "N");
  f.say(From::frontend, untyped(code_ssl));
  f.say(From::backend, "N");
  f.say(From::frontend, startup());
  f.say(From::backend, authenticated);
  f.say(From::frontend, query("SELECT 1"));
  f.say(From::backend, selected(1));
  EXPECT_THAT(f.calls(), ElementsAre("SELECT rows 1"));
}

TEST(Postgres, LeavesEncryptedConnectionsAlone) {
  Feeder f;
  f.say(From::frontend, untyped(code_gss));
  EXPECT_EQ(f.say(From::backend, "G").action, Action::opaque);
  EXPECT_EQ(f.say(From::frontend, "\x01").action, Action::opaque);
}

TEST(Postgres, GoesOnWithinTls) {
  Feeder f;
  f.say(From::frontend, untyped(code_ssl));
  const protocols::Next agreed = f.say(From::backend, "S");
  EXPECT_EQ(agreed.action, Action::opaque);
  EXPECT_TRUE(agreed.tls);
  f.say(From::frontend, startup());
  f.say(From::backend, authenticated);
  f.say(From::frontend, query("SELECT 1"));
  f.say(From::backend, selected(1));
  EXPECT_THAT(f.calls(), ElementsAre("SELECT rows 1"));
}

TEST(Postgres, LeavesReplicationAlone) {
  Feeder f;
  f.say(From::frontend, startup());
  f.say(From::backend, authenticated);
  f.say(From::frontend, query("START_REPLICATION SLOT \"x\" LOGICAL 0/0"));
  EXPECT_EQ(f.say(From::backend, message('W', "\0\0\0"s)).action, Action::opaque);
  EXPECT_THAT(f.calls(), ElementsAre("START_REPLICATION"));
}

TEST(Postgres, CallsFunctions) {
  EXPECT_THAT(told({front(message('F', u32(1) + "\0\0\0\0\0\0"s)), back(message('V', u32(0)) + ready())}),
              ElementsAre("FUNCTION CALL"));
}

TEST(Postgres, ListensPastWhatTheBackendSaysUnasked) {
  const std::string notice = message('N', "SNOTICE\0C00000\0\0"s),
                    notification = message('A', u32(1) + z("c") + z("x"));
  const std::string parameter = message('S', z("application_name") + z("other"));
  EXPECT_THAT(told({front(query("SELECT 1")), back(notice + notification + selected(1)), back(notification),
                    front(query("SET application_name = 'other'")), back(complete("SET") + parameter + ready()),
                    back(failure("57P01", "FATAL"))}),
              ElementsAre("SELECT rows 1", "SET"));
}

TEST(Postgres, TellsWhatIsUnansweredWhenTheConnectionEnds) {
  EXPECT_THAT(told({front(query("SELECT 1"))}), ElementsAre("SELECT (no_response)"));
  EXPECT_THAT(told({front(query("SELECT 1")), back(row_description + rows(1))}), ElementsAre("SELECT (cut_short)"));
  EXPECT_THAT(told({front(query("SELECT 1")), back(failure("57P01", "FATAL"))}), ElementsAre("SELECT !57P01"));
}

const Conversation long_one{
    front(untyped(code_ssl)),
    back("N"),
    front(startup()),
    back(message('R', u32(10) + z("SCRAM-SHA-256") + '\0')),
    front(message('p', "secret")),
    back(authenticated),
    front(query("SELECT * FROM a")),
    back(selected(5)),
    front(parse("s", "SELECT * FROM b WHERE c = $1") + sync),
    back(parsed + ready()),
    front(prepared("s", "hunter2") + prepared("s", "hunter2")),
    back(bound + selected(2)),
    back(bound + failure("22P02") + ready()),
    front(query("COPY a FROM STDIN")),
    back(message('G', "\0\0\1\0\0"s)),
    front(message('d', "1\n") + message('c')),
    back(complete("COPY 1") + ready()),
    front(query("BEGIN; DELETE FROM d; COMMIT")),
    back(complete("BEGIN") + complete("DELETE 3") + complete("COMMIT") + ready()),
    front(message('X')),
};

TEST(Postgres, GivesTheSameCallsHoweverTheBytesAreCut) {
  for (const Kind role : {Kind::server, Kind::client}) {
    const std::vector<std::string> whole = full(replay(long_one, role));
    ASSERT_EQ(whole.size(), 5U);
    for (std::size_t piece = 1; piece < 120; ++piece)
      EXPECT_EQ(full(replay(long_one, role, {}, piece)), whole) << piece;
  }
}

TEST(Postgres, IsNotTakenInByOtherProtocols) {
  Feeder f;
  EXPECT_EQ(f.say(From::frontend, "GET / HTTP/1.1\r\n\r\n").action, Action::invalid);
  Feeder g;
  g.say(From::frontend, startup());
  EXPECT_EQ(g.say(From::backend, "HTTP/1.1 200 OK\r\n\r\n").action, Action::invalid);
}

// What a client reads and a server writes at most 4 KiB are copied of.
TEST(PostgresLoss, TellsBigResultsWhoseEndWasCopied) {
  Feeder f;
  f.say(From::frontend, startup());
  f.say(From::backend, authenticated);
  f.say(From::frontend, query("SELECT * FROM a"));
  const std::string answer = row_description + rows(2000) + complete("SELECT 2000") + ready();
  std::size_t at = 0;
  for (; answer.size() - at > 8192; at += 8192)
    f.say_cut(From::backend, std::string_view(answer).substr(at, 8192), 4096);
  f.say(From::backend, std::string_view(answer).substr(at, 1000));
  f.say(From::backend, std::string_view(answer).substr(at + 1000));
  f.say(From::frontend, query("SELECT * FROM b"));
  f.say(From::backend, selected(1));
  EXPECT_THAT(f.calls(), ElementsAre("SELECT a rows 2000", "SELECT b rows 1"));
  EXPECT_EQ(f.sink.calls[0].partial, partial_no);
}

TEST(PostgresLoss, TellsTheErrorThatEndsABigResult) {
  Feeder f;
  f.say(From::frontend, startup());
  f.say(From::backend, authenticated);
  f.say(From::frontend, query("SELECT * FROM a"));
  f.say_cut(From::backend, row_description + rows(1000), 4096);
  f.say(From::backend, row("x").substr(3) + failure("57014") + ready());
  EXPECT_THAT(f.calls(), ElementsAre("SELECT a !57014"));
}

TEST(PostgresLoss, TakesTheNextQuestionForTheEndOfAnAnswer) {
  Feeder f;
  f.say(From::frontend, startup());
  f.say(From::backend, authenticated);
  f.say(From::frontend, query("SELECT * FROM a"));
  f.say_cut(From::backend, row_description + rows(1000) + complete("SELECT 1000") + ready(), 4096);
  f.say(From::frontend, query("SELECT * FROM b"));
  f.say(From::backend, selected(1));
  EXPECT_THAT(f.calls(), ElementsAre("SELECT a (lost)", "SELECT b rows 1"));
  EXPECT_EQ(f.sink.calls[0].end, 4100U);
}

TEST(PostgresLoss, TellsAnswersToQuestionsThatWereLost) {
  Feeder f;
  f.say(From::frontend, startup());
  f.say(From::backend, authenticated);
  f.say(From::frontend, parse("s", "SELECT * FROM a") + sync);
  f.say(From::backend, parsed + ready());
  std::string asked, answered;
  for (int i = 0; i < 10; ++i) {
    asked += bind("", "s") + execute();
    answered += bound + rows(1) + complete("SELECT 1");
  }
  f.say_cut(From::frontend, asked + sync, 100);
  f.say(From::backend, answered + ready());
  f.say(From::frontend, query("SELECT * FROM b"));
  f.say(From::backend, selected(1));
  const std::vector<std::string> calls = f.calls();
  ASSERT_EQ(calls.size(), 11U);
  EXPECT_EQ(calls[0], "SELECT a rows 1");
  EXPECT_EQ(calls[9], "SELECT (lost)");
  EXPECT_EQ(calls[10], "SELECT b rows 1");
}

TEST(PostgresLoss, ResynchronisesAfterUnknownNumbersOfBytes) {
  for (const From side : {From::frontend, From::backend}) {
    Feeder f;
    f.say(From::frontend, startup());
    f.say(From::backend, authenticated);
    f.say(From::frontend, query("SELECT * FROM a"));
    f.lose(side);
    f.say(From::backend, selected(1));
    f.say(From::frontend, query("SELECT * FROM b"));
    f.say(From::backend, selected(2));
    f.say(From::frontend, query("SELECT * FROM c"));
    f.say(From::backend, selected(3));
    f.close();
    EXPECT_EQ(f.calls().back(), "SELECT c rows 3");
    EXPECT_GE(f.calls().size(), 2U);
    for (const Call& call : f.sink.calls) {
      if (call.target == "a") {
        EXPECT_THAT(brief(call), ::testing::AnyOf("SELECT a rows 1", "SELECT a (lost)"));
      }
      if (call.target == "b") {
        EXPECT_THAT(brief(call), ::testing::AnyOf("SELECT b rows 2", "SELECT b (lost)"));
      }
    }
  }
}

TEST(PostgresLoss, IsNotConfusedByAnAnswerWhoseRecordCameBeforeTheQuestions) {
  Feeder f(Kind::client);
  f.say(From::frontend, startup());
  f.say(From::backend, authenticated);
  f.say(From::backend, selected(1));
  f.now -= 500;  // the write began before the answer was read
  f.give(From::frontend, query("SELECT * FROM a"));
  f.say(From::frontend, query("SELECT * FROM b"));
  f.say(From::backend, selected(2));
  EXPECT_THAT(f.calls(), ElementsAre("SELECT a (lost)", "SELECT b rows 2"));
}

TEST(PostgresLate, TellsFromTheFirstQuestionOn) {
  for (const Kind role : {Kind::server, Kind::client}) {
    const std::vector<Call> calls =
        replay({back(rows(3).substr(5) + complete("SELECT 9") + ready()), front(query("SELECT * FROM a")),
                back(selected(1)), front(prepared("s")), back(bound + selected(2)),
                front(parse("s", "SELECT * FROM b") + prepared("s")), back(parsed + bound + selected(3))},
               role, late);
    EXPECT_THAT(brief(calls),
                ElementsAre("SELECT (joined_late)", "SELECT a rows 1", "SELECT rows 2 (context)", "SELECT b rows 3"));
    EXPECT_EQ(calls[1].attributes.find("db.namespace"), std::nullopt);
    EXPECT_EQ(calls[1].kind, role);
  }
}

TEST(PostgresLate, WaitsForAMessageToBegin) {
  Feeder f(Kind::server, late);
  f.say(From::frontend, query("SELECT '" + std::string(3000, 'x') + "' FROM z").substr(1000));
  f.say(From::backend, selected(1));
  f.say(From::frontend, query("SELECT * FROM a"));
  f.say(From::backend, selected(1));
  EXPECT_EQ(f.calls().back(), "SELECT a rows 1");
}

TEST(PostgresLate, GivesUpOnWhatItNeverUnderstands) {
  Feeder f(Kind::server, late);
  Next next;
  for (int i = 0; i < 600; ++i) next = f.say(From::frontend, std::string(4000, 'x'));
  EXPECT_EQ(next.action, Action::invalid);
}

TEST(PostgresMemory, BoundsWhatIsOutstanding) {
  Feeder f;
  f.say(From::frontend, startup());
  f.say(From::backend, authenticated);
  for (int i = 0; i < 20000; ++i) f.say(From::frontend, bind("", "s") + execute());
  EXPECT_LE(f.session.active(Kind::server), outstanding_limit);
  f.say(From::frontend, sync);
  for (int i = 0; i < 20000; ++i) f.say(From::frontend, sync);
  EXPECT_GT(f.sink.calls.size(), 18000U);
  for (const Call& call : f.sink.calls) ASSERT_EQ(call.partial, partial_lost);
}

TEST(PostgresMemory, ForgetsTheStatementThatWasNotUsedForLongest) {
  Feeder f;
  f.say(From::frontend, startup());
  f.say(From::backend, authenticated);
  for (int i = 0; i < 300; ++i) {
    f.say(From::frontend, parse("s" + std::to_string(i), "SELECT * FROM t" + std::to_string(i)) + sync);
    f.say(From::backend, parsed + ready());
    f.say(From::frontend, prepared("s0"));
    f.say(From::backend, bound + selected(1));
  }
  f.say(From::frontend, prepared("s1"));
  f.say(From::backend, bound + selected(1));
  EXPECT_EQ(f.calls()[299], "SELECT t0 rows 1");
  EXPECT_EQ(f.calls()[300], "SELECT rows 1 (context)");
}

Guess recognise(std::string_view bytes, bool whole = true, std::string_view other = {}) {
  return postgres_descriptor.recognise({.bytes = bytes, .other = other, .whole = whole});
}

TEST(PostgresRecognition, KnowsHowConnectionsBegin) {
  EXPECT_EQ(recognise(startup()), Guess::yes);
  EXPECT_EQ(recognise(startup().substr(0, 20)), Guess::yes);
  EXPECT_EQ(recognise(startup().substr(0, 3)), Guess::maybe_with_more);
  EXPECT_EQ(recognise(untyped(code_ssl)), Guess::yes);
  EXPECT_EQ(recognise(untyped(code_gss)), Guess::yes);
  EXPECT_EQ(recognise(untyped(code_cancel, "12345678")), Guess::yes);
  for (const std::string_view other :
       {"GET / HTTP/1.1\r\n\r\n", "*1\r\n$4\r\nPING\r\n", "\x16\x03\x01\x02\x00\x01", "SSH-2.0-x"}) {
    EXPECT_EQ(recognise(other), Guess::no) << other;
  }
  EXPECT_EQ(recognise("\0\0\0\x20\0\x12\0\4\0\0\0\1"s), Guess::no);  // Kafka
  EXPECT_EQ(recognise(query("SELECT 1")), Guess::no);
}

TEST(PostgresRecognition, KnowsTheMiddleOfConnections) {
  EXPECT_EQ(recognise(query("SELECT 1"), false), Guess::likely);
  EXPECT_EQ(recognise(prepared("s"), false), Guess::likely);
  EXPECT_EQ(recognise(selected(2), false), Guess::likely);
  EXPECT_EQ(recognise(query("SELECT 1"), false, selected(1)), Guess::yes);
  EXPECT_EQ(recognise(selected(1), false, query("SELECT 1")), Guess::yes);
  EXPECT_EQ(recognise(rows(2).substr(3), false), Guess::no);
  EXPECT_EQ(recognise(sync, false), Guess::no);
  EXPECT_EQ(recognise("Hello\n", false), Guess::no);
  EXPECT_EQ(recognise(std::string(64, '\0'), false), Guess::no);
}

}  // namespace
}  // namespace subfloor::protocols::postgres
