// SPDX-License-Identifier: Apache-2.0
#include "protocols/mysql/commands.h"

#include <algorithm>
#include <array>

#include "model/call.h"
#include "protocols/mysql/fields.h"

namespace subfloor::protocols::mysql {
namespace {

constexpr std::array<Command, 0x21> commands{{
    {},  // 0: COM_SLEEP, of the server alone
    {"QUIT", Shape::silent, 1, true},
    {"INIT_DB", Shape::simple, 1},
    {"QUERY", Shape::result, 1},
    {"FIELD_LIST", Shape::fields, 2},
    {"CREATE_DB", Shape::simple, 2},
    {"DROP_DB", Shape::simple, 2},
    {"REFRESH", Shape::simple, 2, true},
    {"SHUTDOWN", Shape::simple, 1},
    {"STATISTICS", Shape::text, 1, true},
    {"PROCESS_INFO", Shape::result, 1, true},
    {},  // COM_CONNECT
    {"PROCESS_KILL", Shape::simple, 5, true},
    {"DEBUG", Shape::simple, 1, true},
    {"PING", Shape::simple, 1, true},
    {},  // COM_TIME
    {},  // COM_DELAYED_INSERT
    {"CHANGE_USER", Shape::login, 3},
    {"BINLOG_DUMP", Shape::stream, 11},
    {"TABLE_DUMP", Shape::stream, 3},
    {},  // COM_CONNECT_OUT
    {"REGISTER_SLAVE", Shape::simple, 18},
    {"PREPARE", Shape::prepare, 1},
    {"EXECUTE", Shape::result, 5},
    {"STMT_SEND_LONG_DATA", Shape::silent, 7},
    {"STMT_CLOSE", Shape::silent, 5, true},
    {"STMT_RESET", Shape::simple, 5, true},
    {"SET_OPTION", Shape::simple, 3, true},
    {"FETCH", Shape::rows, 9, true},
    {},  // COM_DAEMON
    {"BINLOG_DUMP_GTID", Shape::stream, 11},
    {"RESET_CONNECTION", Shape::simple, 1, true},
    {"CLONE", Shape::stream, 1},
}};
constexpr Command bulk_execute{"BULK_EXECUTE", Shape::result, 7};
constexpr Command multi{"MULTI", Shape::loose, 2};

constexpr std::array<std::string_view, 32> keywords{
    "SELECT", "INSERT",   "UPDATE",  "DELETE",   "REPLACE", "SET",       "SHOW",  "BEGIN",
    "COMMIT", "ROLLBACK", "START",   "CREATE",   "DROP",    "ALTER",     "CALL",  "USE",
    "WITH",   "DO",       "EXPLAIN", "DESCRIBE", "DESC",    "TRUNCATE",  "LOCK",  "UNLOCK",
    "LOAD",   "PREPARE",  "EXECUTE", "KILL",     "ANALYZE", "SAVEPOINT", "GRANT", "XA"};

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && (is_space(text.back()) || text.back() == ';')) text.remove_suffix(1);
  return text;
}

// A statement that begins with a comment or in brackets is one as well, but not for certain.
bool begins_statement(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  const auto* const end = std::find_if_not(text.begin(), text.end(), is_letter);
  const std::string_view word = text.substr(0, static_cast<std::size_t>(end - text.begin()));
  if (word.empty() || (end != text.end() && !is_space(*end) && *end != ';' && *end != '(' && *end != '*')) return false;
  return std::any_of(keywords.begin(), keywords.end(),
                     [&](std::string_view keyword) { return equal_ignoring_case(word, keyword); });
}

// Whether text could be that of a statement, whatever it says: no control characters but white space.
bool may_be_text(std::string_view text) {
  return std::none_of(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(text.size(), 64)),
                      [](char c) { return (static_cast<unsigned char>(c) < ' ' && !is_space(c)) || c == 0x7f; });
}

// Takes the value of a query attribute; false where its type is not known.
bool take_value(Fields& fields, std::uint8_t type) {
  enum : std::uint8_t {
    tiny = 1,
    small,
    integer,
    real,
    precise,
    null,
    timestamp,
    large,
    medium,
    date,
    time,
    date_time,
    year
  };
  switch (type) {
    case tiny: fields.skip(1); return true;
    case small:
    case year: fields.skip(2); return true;
    case integer:
    case medium:
    case real: fields.skip(4); return true;
    case large:
    case precise: fields.skip(8); return true;
    case null: return true;
    case timestamp:
    case date:
    case time:
    case date_time: fields.skip(fields.u8()); return true;
    case 0:     // decimal
    case 15:    // text
    case 16: (void)fields.text(); return true;
    default:
      if (type < 242) return false;  // 242 and above: JSON, decimals, enumerations, blobs, strings
      (void)fields.text();
      return true;
  }
}

// Behind the attributes of a query: number of them, 1, and where there are some, which are null, 1, their types and
// names, their values.
std::optional<std::string_view> behind_attributes(std::string_view payload) {
  Fields fields(payload);
  constexpr std::uint64_t most = 64;  // attributes
  const std::uint64_t count = fields.number();
  if (fields.number() != 1 || count > most) return std::nullopt;
  if (count == 0) return fields.ok() ? std::optional(fields.rest()) : std::nullopt;
  const std::string_view nulls = fields.take((count + 7) / 8);
  if (fields.u8() != 1) return std::nullopt;
  std::array<std::uint8_t, most> types{};
  for (std::uint64_t i = 0; i < count; ++i) {
    types[i] = static_cast<std::uint8_t>(fields.u16() & 0xff);
    (void)fields.text();
  }
  for (std::uint64_t i = 0; i < count && fields.ok(); ++i) {
    const bool is_null = (static_cast<std::uint8_t>(nulls[i / 8]) >> (i % 8) & 1) != 0;
    if (!is_null && !take_value(fields, types[i])) return std::nullopt;
  }
  return fields.ok() ? std::optional(fields.rest()) : std::nullopt;
}

}  // namespace

const Command& command(std::uint8_t code) {
  static constexpr Command none;
  if (code < commands.size()) return commands[code];
  if (code == code::bulk_execute) return bulk_execute;
  return code == 0xfe ? multi : none;
}

bool plausible_command(std::string_view begin, std::uint64_t length) {
  const auto code = static_cast<std::uint8_t>(begin.front());
  const Command& is = command(code);
  if (is.shape == Shape::unknown || length < is.shortest || (is.exact && length != is.shortest)) return false;
  if (code == code::prepare) return may_be_text(begin.substr(1));
  if (code == code::query) {
    const std::optional<std::string_view> text = statement_of_query(begin, std::nullopt);
    return !text || may_be_text(*text);
  }
  if (code == code::execute && begin.size() >= 10) return begin.substr(6, 4) == std::string_view("\1\0\0\0", 4);
  return true;
}

bool certain_command(std::string_view begin, std::uint64_t length) {
  if (begin.empty() || !plausible_command(begin, length)) return false;
  const auto code = static_cast<std::uint8_t>(begin.front());
  if (code == code::prepare) return begins_statement(begin.substr(1));
  if (code != code::query) return false;
  const std::optional<std::string_view> text = statement_of_query(begin, std::nullopt);
  return text && begins_statement(*text);
}

std::optional<std::string_view> statement_of_query(std::string_view payload, std::optional<Capabilities> both) {
  payload.remove_prefix(std::min<std::size_t>(1, payload.size()));
  if (both) {
    if ((*both & capability::query_attributes) == 0) return payload;
    return behind_attributes(payload);
  }
  // No statement begins with a control character that is no white space; a number of attributes nearly always does.
  const bool attributes =
      !payload.empty() && static_cast<unsigned char>(payload.front()) < ' ' && !is_space(payload.front());
  return attributes ? behind_attributes(payload) : std::optional(payload);
}

std::optional<std::uint32_t> statement_number(std::string_view payload) {
  Fields fields(payload);
  fields.skip(1);
  const std::uint32_t number = fields.u32();
  return fields.ok() ? std::optional(number) : std::nullopt;
}

std::string_view used_schema(std::string_view statement) {
  statement = trimmed(statement);
  if (statement.size() < 5 || !equal_ignoring_case(statement.substr(0, 3), "use") || !is_space(statement[3])) return {};
  statement = trimmed(statement.substr(4));
  const bool quoted = statement.size() > 2 && statement.front() == '`' && statement.back() == '`';
  if (quoted) statement = statement.substr(1, statement.size() - 2);
  const auto may_be_part = [&](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return quoted ? c != '`' : byte >= 0x80 || is_letter(c) || (c >= '0' && c <= '9') || c == '_' || c == '$';
  };
  return std::all_of(statement.begin(), statement.end(), may_be_part) ? statement : std::string_view();
}

}  // namespace subfloor::protocols::mysql
