// SPDX-License-Identifier: Apache-2.0
// What the client sends: the login, and commands.
#include <algorithm>
#include <utility>

#include "protocols/mysql/handshake.h"
#include "protocols/mysql/session.h"

namespace subfloor::protocols::mysql {
namespace {

std::string_view payload_of(const Packets& packets) { return packets.head(); }
bool is_whole(const Packets& packets) { return packets.head().size() == packets.length(); }

// Does text say `use` where a statement may begin?
bool may_use_schema(std::string_view text) {
  for (std::size_t at = text.find_first_of("uU"); at != std::string_view::npos; at = text.find_first_of("uU", at + 1)) {
    if (!equal_ignoring_case(text.substr(at, 3), "use")) continue;
    const std::size_t before = text.substr(0, at).find_last_not_of(" \t\r\n");
    const char last = before == std::string_view::npos ? ';' : text[before];
    const bool new_line = at > 0 && (text[at - 1] == '\n');  // behind a comment, perhaps
    if (last == ';' || last == '/' || new_line) return true;
  }
  return false;
}

}  // namespace

void MysqlSession::on_request_head(const Segment& s, CallSink& sink) {
  if (phase_ == Phase::greeting) return finish(Next::Action::invalid, s.end, sink);
  if (phase_ == Phase::login) return on_login(s, sink);
  const std::uint8_t sequence = requests().packets.sequence();
  of_last_command_ = true;
  if (!waiting_.empty()) {
    const Exchange& last = waiting_.back();
    if (last.sends_file) return;
    if (last.shape == Shape::login && sequence != 0) return;  // a proof of identity: none of our business
  }
  if (sequence != 0 && !compressed_) return fail(s.direction, s.end, sink);
  on_command(s, sink);
}

void MysqlSession::on_request_end(const Segment& s, CallSink& sink) {
  if (phase_ == Phase::login) {
    login_.call.request_end = s.end;
    login_.call.request_body_bytes += requests().packets.passed();
  }
  if (waiting_.empty() || phase_ != Phase::commands || !of_last_command_) return;
  const Packets& packets = requests().packets;
  Exchange& last = waiting_.back();
  last.sequence = static_cast<std::uint8_t>(packets.sequence() + 1);
  last.call.request_end = s.end;
  last.call.request_body_bytes += packets.passed();
  if (last.sends_file && packets.passed() == 0) last.sends_file = false;
  give_early(sink);
}

void MysqlSession::on_login(const Segment& s, CallSink& sink) {
  const Packets& packets = requests().packets;
  Call& call = login_.call;
  if (call.start != 0) return;  // more proofs
  const std::optional<Login> login = parse_login(payload_of(packets), server_capabilities_);
  if (!login) return finish(Next::Action::invalid, s.end, sink);
  if (login->tls_only) {  // within it, the login comes again
    to_tls_ = true;
    return;
  }
  const Segment& first = requests().first;
  call.start = is_server() ? first.end : first.begin;
  call.request_end = first.end;
  call.pid = first.pid;
  call.tid = first.tid;
  if (!compressed_) call.position = first.position;
  call.operation = "CONNECT";
  user_.assign(login->user);
  program_.assign(login->program);
  login_.schema.assign(login->database);
  agreement_.both = server_capabilities_ & login->capabilities;
  agreement_.known = true;
  agreement_.deprecate_eof = agreement_.has(capability::deprecate_eof);
}

void MysqlSession::on_command(const Segment& s, CallSink& sink) {
  const Packets& packets = requests().packets;
  const std::string_view payload = payload_of(packets);
  if (payload.empty() || !plausible_command(payload, packets.length())) return fail(s.direction, s.end, sink);
  const auto code = static_cast<std::uint8_t>(payload.front());
  const Command& is = command(code);
  settle_before_command(sink);
  if (is.shape == Shape::stream) return finish(Next::Action::opaque, s.end, sink);
  of_last_command_ = is.shape != Shape::silent;
  if (is.shape == Shape::silent) return on_silent_command(code, payload);
  if (waiting_.size() >= outstanding_limit) {
    give_up(partial_lost, sink);
    lose(opposite(s.direction));
  }

  const Segment& first = requests().first;
  Exchange& exchange = waiting_.push();
  exchange.code = code;
  exchange.shape = is.shape;
  exchange.unsure = unsure_;
  Call& call = exchange.call;
  call.start = is_server() ? first.end : first.begin;
  call.request_end = first.end;
  call.pid = first.pid;
  call.tid = first.tid;
  if (!compressed_) call.position = first.position;
  last_command_ = call.start;
  if (payload.size() < std::min<std::uint64_t>(packets.length(), head_limit)) tolerant_ = true;
  switch (code) {
    case code::query: describe_query(exchange, payload, is_whole(packets)); break;
    case code::prepare: describe_prepare(exchange, payload, is_whole(packets)); break;
    case code::execute:
    case code::bulk_execute:
    case code::fetch: describe_execute(exchange, payload); break;
    case code::init_database:
      exchange.schema.assign(payload.substr(1));
      call.operation.assign(is.name);
      break;
    case code::change_user: describe_change_user(exchange, payload); break;
    default: call.operation.assign(is.name);
  }
  if (code >= code::bulk_execute || (code == code::execute && exchange.number == last_prepared)) note_mariadb();
  if (waiting_.size() == 1) {
    answer_.clear();
    response_.begin(exchange.shape);
  }
}

// The client has what it waited for, or it would not have sent the next command; unless it never waits. A server reads
// no command before it has answered the last.
void MysqlSession::settle_before_command(CallSink& sink) {
  const bool quiet = !requests().follows && responses().heard >= last_command_;
  if (unsure_ && !quiet) return;
  const bool was_unsure = std::exchange(unsure_, false);
  if (waiting_.empty()) return;
  Exchange& oldest = waiting_.front();
  const bool in_turn = waiting_.size() == 1 && (is_server() || !pipelined_);
  if (oldest.blind && in_turn && !oldest.unsure) return complete(oldest.heard, sink);
  const bool missed = responses().searching && !oldest.began && responses().heard > oldest.call.start;
  if (was_unsure || oldest.blind || oldest.unsure || missed) {
    unsure_ = !quiet && (was_unsure || pipelined_ || waiting_.size() > 1);
    return give_up(reason_for_gaps(), sink);
  }
  pipelined_ = true;
  if (proven_) return;
  unsure_ = true;
  for (std::size_t i = 0; i < waiting_.size(); ++i) waiting_[i].unsure = true;
}

sql::Options MysqlSession::sql_options(bool whole) const {
  return {.dialect = sql::Dialect::mysql,
          .text = extras_.query_text,
          .cut = !whole,
          .backslash_escapes = agreement_.backslash_escapes};
}

void MysqlSession::describe_query(Exchange& exchange, std::string_view payload, bool whole) {
  const std::optional<std::string_view> text =
      statement_of_query(payload, agreement_.known ? std::optional(agreement_.both) : std::nullopt);
  if (!text || (text->empty() && !whole)) {
    exchange.call.partial |= partial_context;
    exchange.may_change_schema = true;
    return;
  }
  sql::describe(*text, sql_options(whole), statement_);
  Call& call = exchange.call;
  call.operation.assign(statement_.operation);
  if (call.operation.empty()) call.operation.assign(command(code::query).name);
  call.target.assign(statement_.target);
  if (!statement_.summary.empty()) call.attributes.add("db.query.summary", statement_.summary, Use::group);
  if (!statement_.text.empty()) call.attributes.add("db.query.text", statement_.text);
  if (statement_.statements > 1 && whole)
    call.attributes.add("db.operation.batch.size", static_cast<std::int64_t>(statement_.statements));
  exchange.schema.assign(whole ? used_schema(*text) : std::string_view());
  exchange.may_change_schema = exchange.schema.empty() && may_use_schema(*text);
  exchange.cut_statement = !whole;
}

void MysqlSession::describe_prepare(Exchange& exchange, std::string_view payload, bool whole) {
  auto statement = std::make_shared<sql::Statement>(sql::describe(payload.substr(1), sql_options(whole)));
  Call& call = exchange.call;
  call.operation.assign(command(code::prepare).name);
  call.target.assign(statement->target);
  const std::string summary = call.operation + ' ' + statement->summary;
  call.attributes.add("db.query.summary", std::string_view(summary).substr(0, sql::longest_summary), Use::group);
  if (!statement->text.empty()) call.attributes.add("db.query.text", statement->text);
  if (statement->operation.empty()) statement->operation.assign(command(code::execute).name);
  exchange.statement = statement;
  last_prepared_ = std::move(statement);
}

void MysqlSession::describe_execute(Exchange& exchange, std::string_view payload) {
  const std::optional<std::uint32_t> number = statement_number(payload);
  if (number) {
    exchange.number = *number;
    exchange.statement = *number == last_prepared ? last_prepared_ : statements_.find(*number);
  }
  Call& call = exchange.call;
  if (exchange.code == code::fetch) call.operation.assign(command(code::fetch).name);
  if (!exchange.statement) {
    call.partial |= partial_context;
    return;
  }
  const sql::Statement& statement = *exchange.statement;
  if (call.operation.empty()) call.operation.assign(statement.operation);
  call.target.assign(statement.target);
  if (!statement.summary.empty()) call.attributes.add("db.query.summary", statement.summary, Use::group);
  if (!statement.text.empty()) call.attributes.add("db.query.text", statement.text);
}

void MysqlSession::describe_change_user(Exchange& exchange, std::string_view payload) {
  exchange.call.operation.assign(command(code::change_user).name);
  const Login login = parse_change_user(payload.substr(1), agreement_.both);
  exchange.user.assign(login.user);
  exchange.schema.assign(login.database);
}

void MysqlSession::on_silent_command(std::uint8_t code, std::string_view payload) {
  if (code != code::close) return;
  if (const auto number = statement_number(payload)) {
    if (*number == last_prepared) {
      last_prepared_.reset();
    } else {
      statements_.remove(*number);
    }
  }
}

}  // namespace subfloor::protocols::mysql
