// SPDX-License-Identifier: Apache-2.0
#include "streams/tls_join.h"

#include <algorithm>
#include <utility>

namespace subfloor::streams {
namespace {

using sensors::StreamData;
using sensors::TlsData;

constexpr std::size_t record_head = 5;
constexpr std::uint8_t application_data = 23, first_type = 20, last_type = 24;
constexpr std::uint16_t longest_record = 16384 + 2048;
constexpr std::uint64_t longest_plaintext = 16384;
// What ciphers with authentication add: TLS 1.3 a tag and the type; 1.2 a tag, and with AES-GCM a nonce.
constexpr std::array<std::uint64_t, 3> overheads{17, 24, 16};
constexpr std::size_t max_held_of_session = std::size_t{64} << 10;
constexpr std::size_t max_held = std::size_t{8} << 20;
constexpr std::size_t max_sessions = 65536, max_threads = 65536;
constexpr Nanoseconds second = 1'000'000'000;
constexpr Nanoseconds give_up_after = 10 * second;   // an unjoined session that nothing more comes of
constexpr Nanoseconds guess_settles_after = second / 10;  // no call is told of so late
constexpr Nanoseconds forget_thread_after = 60 * second;

std::uint8_t byte_at(std::string_view bytes, std::size_t i) { return static_cast<std::uint8_t>(bytes[i]); }

std::uint16_t length_at(std::string_view head) {
  return static_cast<std::uint16_t>(byte_at(head, 3) << 8 | byte_at(head, 4));
}

bool is_as_long(std::uint16_t record, std::uint64_t plaintext) {
  return std::ranges::any_of(overheads, [&](std::uint64_t overhead) { return record == plaintext + overhead; });
}

std::array<std::uint16_t, 8> application_records(std::string_view bytes) {
  std::array<std::uint16_t, 8> lengths{};
  std::size_t found = 0;
  while (found < lengths.size() && begins_like_tls(bytes)) {
    const std::uint16_t length = length_at(bytes);
    if (byte_at(bytes, 0) == application_data) lengths[found++] = length;
    bytes.remove_prefix(std::min<std::size_t>(record_head + length, bytes.size()));
  }
  return lengths;
}

bool holds_record_of(const std::array<std::uint16_t, 8>& records, std::uint64_t plaintext) {
  return std::ranges::any_of(records,
                             [&](std::uint16_t record) { return record != 0 && is_as_long(record, plaintext); });
}

}  // namespace

bool begins_like_tls(std::string_view bytes) {
  if (bytes.size() < record_head) return false;
  const std::uint8_t type = byte_at(bytes, 0);
  return type >= first_type && type <= last_type && byte_at(bytes, 1) == 3 && byte_at(bytes, 2) <= 4 &&
         length_at(bytes) > 0 && length_at(bytes) <= longest_record;
}

void TlsJoin::on_data(const StreamData& data) {
  if (!begins_like_tls(data.bytes) || data.tid == 0 || by_key_.contains(data.key)) return;
  if (threads_.size() >= max_threads) threads_.clear();
  Thread& thread = threads_[data.tid];
  settle(thread);
  if (by_key_.contains(data.key)) return;
  std::move_backward(thread.recent.begin(), thread.recent.end() - 1, thread.recent.end());
  thread.recent.front() = {
      .key = data.key, .end = data.end, .outbound = data.outbound, .records = application_records(data.bytes)};
  if (data.outbound && !thread.wrote.empty()) guess_writer(thread, thread.recent.front());
}

void TlsJoin::on_tls_data(const TlsData& data) {
  const bool too_many = sessions_.size() >= max_sessions && !sessions_.contains(data.session);
  if (too_many || (data.socket != 0 && !receiver_.has_socket(data.socket))) {
    ++counters_.unjoined;
    counters_.unjoined_bytes += data.length;
    return;
  }
  if (const auto thread = threads_.find(data.tid); thread != threads_.end()) {
    if (data.entered <= thread->second.guess.sent) thread->second.guess = {};
    settle(thread->second);
  }
  Session& session = sessions_[data.session];
  session.pid = data.pid;
  session.last_tid = data.tid;
  session.last_entered = data.entered;
  session.last_end = data.end;
  // What is seen of a call stands above what was concluded before: the object may serve another socket now.
  const SocketKey inside = data.socket != 0 ? data.socket : nested(data);
  if (inside != 0 && inside != session.key && may_take(data.session, inside, data)) {
    if (session.key != 0) by_key_.erase(session.key);
    join(data.session, session, inside);
  } else if (session.key == 0 && inside == 0 && !data.outbound) {
    if (const SocketKey before = received_before(data); before != 0) {
      ++counters_.by_length;
      join(data.session, session, before);
    }
  }
  if (session.key != 0) return give(session.key, data);
  hold(session, data);
  if (data.outbound) {
    std::vector<std::uint64_t>& wrote = threads_[data.tid].wrote;
    if (wrote.size() < 64 && std::ranges::find(wrote, data.session) == wrote.end()) wrote.push_back(data.session);
  }
  if (data.end >= session.sought + second) {
    session.sought = data.end;
    receiver_.on_tls_sought(data.pid);
  }
}

// The one socket on which this thread moved ciphertext while it was inside the call; 0 where there is none, or several.
SocketKey TlsJoin::nested(const TlsData& data) const {
  const auto thread = threads_.find(data.tid);
  if (thread == threads_.end()) return 0;
  SocketKey key = 0;
  for (const Transfer& transfer : thread->second.recent) {
    if (transfer.end < data.entered || transfer.end > data.end) continue;
    if (key != 0 && key != transfer.key) return 0;
    key = transfer.key;
  }
  return key;
}

SocketKey TlsJoin::received_before(const TlsData& data) const {
  const auto thread = threads_.find(data.tid);
  if (thread == threads_.end()) return 0;
  for (const Transfer& transfer : thread->second.recent) {
    if (transfer.key == 0 || transfer.outbound || transfer.end > data.entered) continue;
    const bool fits = holds_record_of(transfer.records, data.length);
    return fits && !by_key_.contains(transfer.key) ? transfer.key : 0;
  }
  return 0;
}

// Ciphertext was sent after plaintext was written: of the sessions that were, one and only one may have made it.
void TlsJoin::guess_writer(Thread& thread, const Transfer& sent) {
  std::uint64_t fits = 0;
  int fitting = 0;
  std::erase_if(thread.wrote, [&](std::uint64_t id) {
    const auto session = sessions_.find(id);
    return session == sessions_.end() || session->second.key != 0 || session->second.last_end + second < sent.end;
  });
  for (const std::uint64_t id : thread.wrote) {
    const Session& session = sessions_.at(id);
    const bool as_long = std::ranges::any_of(session.held, [&](const Held& held) {
      return held.data.outbound && held.data.end <= sent.end &&
             holds_record_of(sent.records, std::min<std::uint64_t>(held.data.length, longest_plaintext));
    });
    if (!as_long) continue;
    fits = id;
    ++fitting;
  }
  if (fitting == 1) thread.guess = {fits, sent.key, sent.end};
}

void TlsJoin::settle(Thread& thread) {
  const Guess guess = std::exchange(thread.guess, {});
  if (guess.key == 0 || by_key_.contains(guess.key)) return;
  const auto session = sessions_.find(guess.session);
  if (session == sessions_.end() || session->second.key != 0) return;
  ++counters_.by_length;
  join(session->first, session->second, guess.key);
}

// Another session has the socket: TLS within TLS, where this call is around one of that session's, or else one that
// went without a word.
bool TlsJoin::may_take(std::uint64_t id, SocketKey key, const TlsData& data) {
  const auto holder = by_key_.find(key);
  if (holder == by_key_.end() || holder->second == id) return true;
  const auto other = sessions_.find(holder->second);
  if (other == sessions_.end()) return true;
  const Session& inner = other->second;
  if (inner.last_tid == data.tid && inner.last_entered >= data.entered && inner.last_end <= data.end) return false;
  give_up(other->second);
  sessions_.erase(other);
  by_key_.erase(holder);
  return true;
}

void TlsJoin::join(std::uint64_t id, Session& session, SocketKey key) {
  session.key = key;
  by_key_[key] = id;
  ++counters_.joined;
  receiver_.on_tls_joined(key);
  std::vector<Held> held = std::exchange(session.held, {});
  held_ -= std::exchange(session.held_bytes, 0);
  for (Held& each : held) {
    each.data.bytes = each.content;
    give(key, each.data);
  }
}

void TlsJoin::hold(Session& session, const TlsData& data) {
  const std::size_t cost = data.bytes.size() + sizeof(Held);
  if (session.held_bytes + cost > max_held_of_session || held_ + cost > max_held) give_up(session);
  if (held_ + cost > max_held) {
    ++counters_.unjoined;
    counters_.unjoined_bytes += data.length;
    return;
  }
  session.held.push_back({data, SecretString(data.bytes)});
  session.held_bytes += cost;
  held_ += cost;
}

void TlsJoin::give_up(Session& session) {
  for (const Held& held : session.held) {
    ++counters_.unjoined;
    counters_.unjoined_bytes += held.data.length;
  }
  session.held.clear();
  held_ -= std::exchange(session.held_bytes, 0);
}

void TlsJoin::give(SocketKey key, const TlsData& data) {
  // What was read had arrived when the call ended; when the call began says how long it waited.
  receiver_.on_plaintext({.key = key,
                          .outbound = data.outbound,
                          .has_position = true,
                          .position = data.position,
                          .length = data.length,
                          .bytes = data.bytes,
                          .other_position = data.other_position,
                          .begin = data.outbound ? data.entered : data.end,
                          .end = data.end,
                          .pid = data.pid,
                          .tid = data.tid,
                          .sleeps = data.sleeps,
                          .goroutine = data.goroutine,
                          .plaintext = true},
                         data.since);
}

void TlsJoin::on_tls_over(std::uint64_t id) {
  const auto entry = sessions_.find(id);
  if (entry == sessions_.end()) return;
  if (entry->second.key != 0) by_key_.erase(entry->second.key);
  give_up(entry->second);
  sessions_.erase(entry);
}

void TlsJoin::on_closed(SocketKey key) {
  for (auto& [id, thread] : threads_) {
    if (thread.guess.key == key) settle(thread);
  }
  const auto entry = by_key_.find(key);
  if (entry == by_key_.end()) return;
  sessions_.erase(entry->second);
  by_key_.erase(entry);
}

void TlsJoin::finish() {
  for (auto& [id, thread] : threads_) settle(thread);
  for (auto& [id, session] : sessions_) give_up(session);
}

void TlsJoin::tick(Nanoseconds now) {
  for (auto& [id, thread] : threads_) {
    if (thread.guess.sent + guess_settles_after < now) settle(thread);
  }
  std::erase_if(threads_, [&](const auto& entry) {
    return entry.second.wrote.empty() && entry.second.recent.front().end + forget_thread_after < now;
  });
  for (auto& [id, thread] : threads_)
    std::erase_if(thread.wrote, [&](std::uint64_t session) { return !sessions_.contains(session); });
  for (auto entry = sessions_.begin(); entry != sessions_.end();) {
    Session& session = entry->second;
    const bool waited = session.key == 0 && session.last_end + give_up_after < now;
    if (waited) give_up(session);
    entry = waited ? sessions_.erase(entry) : std::next(entry);
  }
}

}  // namespace subfloor::streams
