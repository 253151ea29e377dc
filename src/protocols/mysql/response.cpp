// SPDX-License-Identifier: Apache-2.0
#include "protocols/mysql/response.h"

#include <algorithm>

#include "protocols/mysql/fields.h"
#include "protocols/mysql/packets.h"

namespace subfloor::protocols::mysql {
namespace {

constexpr char ok = '\x00', file_wanted = '\xfb', eof = '\xfe', error = '\xff';
constexpr std::uint64_t eof_length = 5;
constexpr std::uint64_t ok_shortest = 7;

bool is_eof(std::string_view head, std::uint64_t length) { return head.front() == eof && length <= eof_length; }

// Reads what is behind the number of rows in a packet OK: what of the session changed.
void read_session(Fields fields, const Agreement& agreement, Answer& answer) {
  constexpr std::uint8_t schema = 1;
  if (agreement.known && !agreement.has(capability::session_track)) return;
  (void)fields.text();  // for people
  Fields changes(fields.text());
  bool readable = fields.ok();
  while (readable && changes.left() > 0) {
    const std::uint8_t type = changes.u8();
    Fields change(changes.text());
    const std::string_view name = type == schema ? change.text() : std::string_view();
    readable = changes.ok() && change.ok();
    if (!readable || type != schema) continue;
    answer.schema_told = true;
    answer.schema.assign(name);
  }
  if (readable) return;
  answer.schema_told = true;  // perhaps: where that would be was not copied
  answer.schema.clear();
}

}  // namespace

void Answer::clear() {
  rows = affected = 0;
  has_rows = has_affected = many = schema_told = of_mariadb = false;
  error.reset();
  sqlstate = {};
  statement.reset();
  schema.clear();
}

bool ends_rows(std::string_view head, std::uint64_t length) {
  // A row that begins so has a value of 16 MiB at least.
  return !head.empty() && head.front() == eof && length < longest_packet;
}

End parse_end(std::string_view head, std::uint64_t length) {
  Fields fields(head);
  fields.skip(1);
  if (length <= eof_length) {
    fields.skip(2);
  } else {
    (void)fields.number();
    (void)fields.number();
  }
  return {.status = fields.u16()};
}

void Response::begin(Shape shape) {
  shape_ = shape;
  expect_ = shape == Shape::rows ? Expect::rows : shape == Shape::fields ? Expect::field_list : Expect::first;
  left_ = 0;
  columns_ = 0;
}

// Is there enough of a payload to tell what it is?
bool Response::readable(std::string_view head, std::uint64_t length) const {
  constexpr std::uint64_t enough = 16;
  if (counts_down() || (expect_ == Expect::first && shape_ == Shape::text)) return true;
  if (head.empty()) return false;
  const bool special = head.front() == eof || head.front() == error || expect_ != Expect::rows;
  return !special || head.size() >= std::min(length, enough);
}

Response::Result Response::on_packet(std::string_view head, std::uint64_t length, Agreement& agreement,
                                     Answer& answer) {
  if (!readable(head, length)) return Result::wrong;
  if (!head.empty() && head.front() == error && !counts_down()) return on_error(head, answer);
  switch (expect_) {
    case Expect::first: return on_first(head, length, agreement, answer);
    case Expect::definitions: return --left_ > 0 ? Result::more : after_definitions(agreement);
    case Expect::definitions_end:
      expect_ = Expect::rows;
      if (!agreement.deprecate_eof) agreement.deprecate_eof = !is_eof(head, length);
      if (*agreement.deprecate_eof) return on_row(head, length, agreement, answer);
      if (!is_eof(head, length)) return Result::wrong;
      if (const End end = parse_end(head, length); (end.status & server_status::cursor) != 0)
        return finish(end.status, agreement, answer);
      return Result::more;
    case Expect::rows: return on_row(head, length, agreement, answer);
    case Expect::parameters:
      if (--left_ > 0) return Result::more;
      if (agreement.deprecate_eof == true) return after_parameters();
      expect_ = Expect::parameters_end;
      // Without columns nobody can tell whether EOF will come: if so, it comes as a straggler.
      return agreement.deprecate_eof || columns_ > 0 ? Result::more : Result::done;
    case Expect::parameters_end: {
      if (!agreement.deprecate_eof) agreement.deprecate_eof = !is_eof(head, length);
      if (is_eof(head, length)) return after_parameters();
      if (!*agreement.deprecate_eof) return Result::wrong;
      const Result result = after_parameters();
      return result == Result::done || --left_ > 0 ? result : Result::done;
    }
    case Expect::columns:
      if (--left_ > 0) return Result::more;
      expect_ = Expect::columns_end;
      return agreement.deprecate_eof == false ? Result::more : Result::done;
    case Expect::columns_end: return is_eof(head, length) ? Result::done : Result::wrong;
    case Expect::field_list: return ends_rows(head, length) ? Result::done : Result::more;
  }
  return Result::wrong;
}

Response::Result Response::on_first(std::string_view head, std::uint64_t length, Agreement& agreement, Answer& answer) {
  const char first = head.front();
  switch (shape_) {
    case Shape::simple:
      if (first == eof && length < longest_packet) return Result::done;
      return first == ok ? on_ok(head, agreement, answer) : Result::wrong;
    case Shape::text: return Result::done;
    case Shape::login:
      if (first == ok) return on_ok(head, agreement, answer);
      return first == eof || first == 1 ? Result::more : Result::wrong;
    case Shape::prepare: return first == ok ? on_prepared(head, answer) : Result::wrong;
    case Shape::result: return on_result(head, length, agreement, answer);
    default: return Result::wrong;
  }
}

Response::Result Response::on_result(std::string_view head, std::uint64_t length, Agreement& agreement,
                                     Answer& answer) {
  if (head.front() == ok) return on_ok(head, agreement, answer);
  if (head.front() == file_wanted) return Result::client_sends;
  if (is_eof(head, length)) return finish(parse_end(head, length).status, agreement, answer);
  Fields fields(head);
  constexpr std::uint64_t most_columns = 4096;
  left_ = fields.number();
  // A byte behind the number says whether the columns are described, or are as they were.
  const bool described = fields.left() == 0 || fields.u8() != 0;
  if (!fields.ok() || fields.left() > 0 || left_ == 0 || left_ > most_columns) return Result::wrong;
  answer.has_rows = true;
  expect_ = Expect::definitions;
  return described ? Result::more : after_definitions(agreement);
}

Response::Result Response::on_prepared(std::string_view head, Answer& answer) {
  Fields fields(head);
  fields.skip(1);
  const std::uint32_t number = fields.u32();
  columns_ = fields.u16();
  left_ = fields.u16();
  fields.skip(1);
  if (!fields.ok()) return Result::wrong;
  fields.skip(2);
  const bool described = fields.left() == 0 || fields.u8() != 0;
  answer.statement = number;
  if (!described) return Result::done;
  if (left_ == 0) return after_parameters();
  expect_ = Expect::parameters;
  return Result::more;
}

Response::Result Response::after_definitions(const Agreement& agreement) {
  expect_ = agreement.deprecate_eof == true ? Expect::rows : Expect::definitions_end;
  return Result::more;
}

Response::Result Response::after_parameters() {
  left_ = columns_;
  expect_ = Expect::columns;
  return left_ > 0 ? Result::more : Result::done;
}

Response::Result Response::on_row(std::string_view head, std::uint64_t length, Agreement& agreement, Answer& answer) {
  answer.has_rows = true;
  if (ends_rows(head, length)) return finish(parse_end(head, length).status, agreement, answer);
  ++answer.rows;
  return Result::more;
}

Response::Result Response::on_error(std::string_view head, Answer& answer) const {
  Fields fields(head);
  fields.skip(1);
  const std::uint16_t code = fields.u16();
  if (!fields.ok()) return Result::wrong;
  if (code == progress_code && expect_ != Expect::rows) {
    answer.of_mariadb = true;
    return Result::more;
  }
  answer.error = code;
  const std::string_view state = fields.take(6);
  if (fields.ok() && state.front() == '#')
    std::copy_n(state.begin() + 1, answer.sqlstate.size(), answer.sqlstate.begin());
  return Result::done;
}

Response::Result Response::on_ok(std::string_view head, Agreement& agreement, Answer& answer) {
  Fields fields(head);
  fields.skip(1);
  const std::uint64_t affected = fields.number();
  (void)fields.number();  // the last id that was given
  if (!fields.ok()) return Result::wrong;
  const std::uint16_t status = fields.u16();
  fields.skip(2);
  answer.affected += affected;
  answer.has_affected = true;
  if ((status & server_status::session_changed) != 0) read_session(fields, agreement, answer);
  return finish(status, agreement, answer);
}

Response::Result Response::finish(std::uint16_t status, Agreement& agreement, Answer& answer) {
  agreement.backslash_escapes = (status & server_status::no_backslash_escapes) == 0;
  if ((status & server_status::more_results) == 0 || shape_ == Shape::simple) return Result::done;
  answer.many = true;
  shape_ = Shape::result;
  expect_ = Expect::first;
  return Result::more;
}

namespace {

std::uint32_t length_at(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint8_t>(bytes[at]) | std::uint32_t{static_cast<std::uint8_t>(bytes[at + 1])} << 8 |
         std::uint32_t{static_cast<std::uint8_t>(bytes[at + 2])} << 16;
}

// Is there a packet that ends just where the one at `at` begins, with the number before its?
bool follows_another(std::string_view bytes, std::size_t at) {
  const char before = static_cast<char>(static_cast<std::uint8_t>(bytes[at + 3]) - 1);
  for (std::size_t p = at; p-- > 0;) {
    if (at - p > packet_header && bytes[p + 3] == before && length_at(bytes, p) == at - p - packet_header) return true;
  }
  return false;
}

std::optional<End> end_at(std::string_view bytes, std::size_t at) {
  const std::string_view payload = bytes.substr(at + packet_header);
  if (length_at(bytes, at) != payload.size()) return std::nullopt;
  if (payload.front() == error) {
    Fields fields(payload);
    fields.skip(1);
    const std::uint16_t code = fields.u16();
    if (code == progress_code || fields.u8() != '#') return std::nullopt;
    return End{0, code};
  }
  const bool is_end = payload.front() == eof && (payload.size() == eof_length || payload.size() >= ok_shortest);
  if (!is_end) return std::nullopt;
  // Sets of rows change nothing, and give no ids.
  if (payload.size() != eof_length && payload.substr(1, 2) != std::string_view("\0\0", 2)) return std::nullopt;
  return parse_end(payload, payload.size());
}

}  // namespace

std::optional<End> end_of_answer(std::string_view bytes) {
  constexpr std::size_t longest = 640;  // of the last packet: a message for people is 512 at most
  constexpr std::size_t shortest = packet_header + eof_length;
  for (std::size_t size = shortest; size <= std::min(longest, bytes.size()); ++size) {
    const std::size_t at = bytes.size() - size;
    const std::optional<End> end = end_at(bytes, at);
    if (end && (at == 0 || follows_another(bytes, at))) return end;
  }
  return std::nullopt;
}

}  // namespace subfloor::protocols::mysql
