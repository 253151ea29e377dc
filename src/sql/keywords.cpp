// SPDX-License-Identifier: Apache-2.0
#include "sql/keywords.h"

#include <array>
#include <cstddef>

namespace subfloor::sql {
namespace {

struct Entry {
  std::string_view name = {};
  Word word = Word::none;
};

constexpr Entry entries[] = {
    {"SELECT", Word::select},
    {"INSERT", Word::insert},
    {"UPDATE", Word::update},
    {"DELETE", Word::remove},
    {"MERGE", Word::merge},
    {"REPLACE", Word::replace},
    {"WITH", Word::with},
    {"VALUES", Word::values},
    {"EXPLAIN", Word::explain},
    {"CALL", Word::call},
    {"COPY", Word::copy},
    {"PREPARE", Word::prepare},
    {"DECLARE", Word::declare},
    {"DO", Word::body},
    // Statements of which only the name is told.
    {"BEGIN", Word::command},
    {"START", Word::define},
    {"COMMIT", Word::command},
    {"ROLLBACK", Word::command},
    {"END", Word::command},
    {"ABORT", Word::command},
    {"SAVEPOINT", Word::command},
    {"RELEASE", Word::command},
    {"RESET", Word::command},
    {"SHOW", Word::command},
    {"USE", Word::command},
    {"EXECUTE", Word::command},
    {"DEALLOCATE", Word::command},
    {"DISCARD", Word::command},
    {"FETCH", Word::command},
    {"MOVE", Word::command},
    {"CLOSE", Word::command},
    {"LISTEN", Word::command},
    {"UNLISTEN", Word::command},
    {"NOTIFY", Word::command},
    {"CHECKPOINT", Word::command},
    {"GRANT", Word::command},
    {"REVOKE", Word::command},
    {"REASSIGN", Word::command},
    {"SECURITY", Word::command},
    {"COMMENT", Word::command},
    {"HELP", Word::command},
    {"KILL", Word::command},
    {"FLUSH", Word::command},
    {"PURGE", Word::command},
    {"HANDLER", Word::command},
    {"XA", Word::command},
    {"SIGNAL", Word::command},
    {"RESIGNAL", Word::command},
    {"GET", Word::command},
    {"INSTALL", Word::command},
    {"UNINSTALL", Word::command},
    {"SHUTDOWN", Word::command},
    {"RESTART", Word::command},
    {"CHANGE", Word::command},
    {"STOP", Word::command},
    {"BINLOG", Word::command},
    {"CLONE", Word::command},
    {"IMPORT", Word::command},
    {"CACHE", Word::command},
    {"BACKUP", Word::command},
    {"BASE_BACKUP", Word::command},
    {"IDENTIFY_SYSTEM", Word::command},
    {"START_REPLICATION", Word::command},
    {"CREATE_REPLICATION_SLOT", Word::command},
    {"DROP_REPLICATION_SLOT", Word::command},
    {"READ_REPLICATION_SLOT", Word::command},
    {"TIMELINE_HISTORY", Word::command},
    // Statements that name tables.
    {"TRUNCATE", Word::table_command},
    {"VACUUM", Word::table_command},
    {"ANALYZE", Word::table_command},
    {"ANALYSE", Word::table_command},
    {"CLUSTER", Word::table_command},
    {"LOCK", Word::table_command},
    {"DESCRIBE", Word::table_command},
    {"DESC", Word::table_command},
    {"OPTIMIZE", Word::table_command},
    {"CHECK", Word::table_command},
    {"CHECKSUM", Word::table_command},
    {"REPAIR", Word::table_command},
    // Statements that name a kind of thing.
    {"CREATE", Word::define},
    {"ALTER", Word::define},
    {"DROP", Word::define},
    {"REFRESH", Word::define},
    {"REINDEX", Word::define},
    {"RENAME", Word::define},
    {"LOAD", Word::define},
    {"UNLOCK", Word::define},
    // Kinds.
    {"TABLE", Word::table},
    {"TABLES", Word::table},
    {"VIEW", Word::table},
    {"INDEX", Word::thing},
    {"DATABASE", Word::thing},
    {"SCHEMA", Word::thing},
    {"SEQUENCE", Word::thing},
    {"TYPE", Word::thing},
    {"DOMAIN", Word::thing},
    {"EXTENSION", Word::thing},
    {"AGGREGATE", Word::thing},
    {"PUBLICATION", Word::thing},
    {"TABLESPACE", Word::thing},
    {"STATISTICS", Word::thing},
    {"POLICY", Word::thing},
    {"FUNCTION", Word::program},
    {"PROCEDURE", Word::program},
    {"ROUTINE", Word::program},
    {"PACKAGE", Word::program},
    {"TRIGGER", Word::program},
    {"EVENT", Word::program},
    {"RULE", Word::program},
    {"ROLE", Word::person},
    {"USER", Word::person},
    {"GROUP", Word::clause},  // and a person's kind: grouping is by far the more frequent
    {"SYSTEM", Word::person},
    {"SUBSCRIPTION", Word::person},
    {"SERVER", Word::person},
    {"TRANSACTION", Word::person},
    {"DATA", Word::person},
    {"XML", Word::person},
    {"INSTANCE", Word::person},
    {"PRIVILEGES", Word::person},
    {"OWNED", Word::person},
    {"LANGUAGE", Word::person},
    {"OPERATOR", Word::person},
    {"CONVERSION", Word::person},
    {"CAST", Word::person},
    {"MATERIALIZED", Word::kind_prefix},
    {"FOREIGN", Word::kind_prefix},
    // Clauses.
    {"FROM", Word::from},
    {"JOIN", Word::join},
    {"STRAIGHT_JOIN", Word::join},
    {"INTO", Word::into},
    {"USING", Word::using_},
    {"ON", Word::on},
    {"AS", Word::as},
    {"FOR", Word::for_},
    {"UNION", Word::union_},
    {"EXCEPT", Word::union_},
    {"INTERSECT", Word::union_},
    {"MINUS", Word::union_},
    {"WHERE", Word::clause},
    {"ORDER", Word::clause},
    {"HAVING", Word::clause},
    {"LIMIT", Word::clause},
    {"OFFSET", Word::clause},
    {"WINDOW", Word::clause},
    {"RETURNING", Word::clause},
    {"DEFAULT", Word::clause},
    {"WHEN", Word::clause},
    {"ONLY", Word::modifier},
    {"IF", Word::modifier},
    {"NOT", Word::modifier},
    {"EXISTS", Word::modifier},
    {"CONCURRENTLY", Word::modifier},
    {"LOW_PRIORITY", Word::modifier},
    {"HIGH_PRIORITY", Word::modifier},
    {"DELAYED", Word::modifier},
    {"QUICK", Word::modifier},
    {"IGNORE", Word::modifier},
    {"LATERAL", Word::modifier},
    {"VERBOSE", Word::modifier},
    {"FULL", Word::modifier},
    {"FREEZE", Word::modifier},
    {"EXTENDED", Word::modifier},
    {"RECURSIVE", Word::modifier},
    {"NO_WRITE_TO_BINLOG", Word::modifier},
    {"LOCAL", Word::modifier},
    {"AND", Word::expression},
    {"OR", Word::expression},
    {"BETWEEN", Word::expression},
    {"LIKE", Word::expression},
    {"ILIKE", Word::expression},
    {"IN", Word::in},
    {"IS", Word::expression},
    {"THEN", Word::expression},
    {"ELSE", Word::expression},
    {"CASE", Word::expression},
    {"BY", Word::expression},
    {"ALL", Word::expression},
    {"ANY", Word::expression},
    {"DISTINCT", Word::distinct},
    {"INTERVAL", Word::expression},
    {"DIV", Word::expression},
    {"MOD", Word::expression},
    {"SET", Word::set},
    {"TO", Word::to},
    {"TRUE", Word::boolean},
    {"FALSE", Word::boolean},
};

constexpr std::size_t slots = 1024;
constexpr std::size_t shortest = 2, longest = 23;

constexpr char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

constexpr std::size_t hash(std::string_view word) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned>(static_cast<unsigned char>(upper(word[i]))); };
  return (at(0) * 7 + at(1) * 61 + at(word.size() - 1) * 131 + at(word.size() / 2) * 17 + word.size() * 283) % slots;
}

constexpr std::array<Entry, slots> table = [] {
  std::array<Entry, slots> made{};
  for (const Entry& entry : entries) {
    std::size_t slot = hash(entry.name);
    while (made[slot].word != Word::none) slot = (slot + 1) % slots;
    made[slot] = entry;
  }
  return made;
}();

bool same(std::string_view word, std::string_view name) {
  if (word.size() != name.size()) return false;
  for (std::size_t i = 0; i < word.size(); ++i) {
    if (upper(word[i]) != name[i]) return false;
  }
  return true;
}

}  // namespace

Word look_up(std::string_view word) {
  if (word.size() < shortest || word.size() > longest) return Word::none;
  for (std::size_t slot = hash(word); table[slot].word != Word::none; slot = (slot + 1) % slots) {
    if (same(word, table[slot].name)) return table[slot].word;
  }
  return Word::none;
}

bool operand_follows(Word word) {
  switch (word) {
    case Word::select:
    case Word::values:
    case Word::on:
    case Word::as:
    case Word::for_:
    case Word::clause:
    case Word::in:
    case Word::expression:
    case Word::distinct:
    case Word::set:
    case Word::to:
    case Word::modifier: return true;
    default: return false;
  }
}

}  // namespace subfloor::sql
