// SPDX-License-Identifier: Apache-2.0
// TLS: what comes of a socket is ciphertext, and says nothing; its plaintext is another stream of the same connection.
#include <algorithm>
#include <utility>

#include "streams/stream.h"
#include "streams/streams.h"

namespace subfloor::streams {
namespace {

using protocols::Segment;

constexpr SocketKey plaintext_mark = SocketKey{1} << 62;  // cookies and inode numbers are small
constexpr int wanted_transfers = 64;  // of ciphertext, in which its plaintext has to show up
constexpr int unseen_after = 4;  // transfers of data: fewer may be the handshake's
constexpr std::size_t max_processes = 65536;
constexpr char application_data = 23, handshake = 22, client_hello = 1, server_hello = 2;

}  // namespace

// Of a connection whose beginning is seen, a handshake; of another, anything.
bool Streams::is_tls(std::string_view bytes, bool joined_late) {
  if (!begins_like_tls(bytes)) return false;
  if (joined_late) return true;
  return bytes[0] == handshake && (bytes.size() < 6 || bytes[5] == client_hello || bytes[5] == server_hello);
}

// Too few bytes to tell; servers peek at the first to find out whether it is TLS.
bool Streams::begins_handshake(std::string_view bytes) {
  return bytes.size() < 5 && bytes[0] == handshake && (bytes.size() < 2 || bytes[1] == 3);
}

bool Streams::is_plaintext(const Stream& stream) { return stream.connection.tls; }

sensors::Steering* Streams::steering_of(const Stream& stream) const {
  return is_plaintext(stream) ? nullptr : steering_;
}

// Nothing of it is understood here: it is only looked at by whoever joins plaintext to it.
void Streams::take_ciphertext(Stream& stream, const Segment& segment) {
  if (segment.bytes.empty() || segment.bytes[0] != application_data) return;
  ++stream.tls_transfers;
  if (stream.tls_transfers == unseen_after) mark_unseen(stream, true);
  if (stream.tls_transfers >= wanted_transfers) switch_off(stream, segment.end, false);
}

void Streams::begin_tls(Stream& stream) {
  stream.tls = true;
  stream.tls_transfers = 0;
  for (Stream::Track& track : stream.tracks) {
    SecretString().swap(track.prefix);
    SecretString().swap(track.unknown);
  }
  want_ciphertext(stream);
  if (stream.pid == 0) return;
  if (tls_use_.size() < max_processes || tls_use_.contains(stream.pid)) ++tls_use_[stream.pid].connections;
  receiver_.on_tls(stream.pid);
}

void Streams::await_plaintext(Stream& stream) {
  stream.awaits_plaintext = std::move(stream.session);
  begin_tls(stream);
}

void Streams::want_ciphertext(Stream& stream) {
  copy_again(stream);
  if (auto* steering = steering_of(stream)) steering->copy_deep(stream.id, false);  // its beginnings will do
}

void Streams::mark_unseen(Stream& stream, bool unseen) {
  if (stream.unseen == unseen) return;
  stream.unseen = unseen;
  const auto use = tls_use_.find(stream.pid);
  if (use == tls_use_.end()) return;
  if (unseen) ++use->second.unseen;
  if (!unseen && use->second.unseen > 0) --use->second.unseen;
}

void Streams::on_tls_joined(SocketKey key) {
  Stream& carrier = stream_of({.key = key, .has_position = true});
  if (!carrier.tls) begin_tls(carrier);
  mark_unseen(carrier, false);
  if (const auto use = tls_use_.find(carrier.pid); !carrier.joined && use != tls_use_.end()) ++use->second.joined;
  const bool again = std::exchange(carrier.joined, true);
  if (carrier.retry) retries_.erase(*std::exchange(carrier.retry, std::nullopt));
  carrier.session.reset();
  carrier.off = true;
  carrier.peeking = false;
  if (auto* steering = steering_of(carrier)) steering->off(key);

  if (again) drop_plaintext({.key = key, .when = carrier.last_seen});
  auto plaintext = std::make_unique<Stream>();
  plaintext->id = key | plaintext_mark;
  plaintext->connection = carrier.connection;
  plaintext->connection.tls = true;
  plaintext->connection.joined_late = plaintext->connection.joined_late || again;
  plaintext->pid = carrier.pid;
  plaintext->kind = carrier.kind;
  plaintext->last_seen = carrier.last_seen;
  if (!again && carrier.awaits_plaintext) {
    plaintext->session = std::move(carrier.awaits_plaintext);
    plaintext->protocol = carrier.protocol;
  }
  const SocketKey id = plaintext->id;
  streams_.insert_or_assign(id, std::move(plaintext));
  ++plaintexts_;
}

void Streams::on_plaintext(const sensors::StreamData& data, Nanoseconds since) {
  const auto entry = streams_.find(data.key | plaintext_mark);
  const auto carrier = streams_.find(data.key);
  if (entry == streams_.end() || carrier == streams_.end()) return;
  Stream& stream = *entry->second;
  if (!stream.heard) {
    // The library was watched before the connection was made, so that this is the first there is of it.
    const bool whole = since != 0 && stream.connection.opened > since;
    if (!whole) {
      stream.connection.joined_late = true;
      stream.session.reset();  // it has waited for what was not seen
    }
    for (Stream::Track& track : stream.tracks) track.known = whole;
  }
  if (data.pid != 0) carrier->second->pid = data.pid;
  take(stream, data);
}

void Streams::end_plaintext(const sensors::SocketClosed& closed) {
  join_.on_closed(closed.key);
  drop_plaintext(closed);
}

void Streams::drop_plaintext(const sensors::SocketClosed& closed) {
  const SocketKey id = closed.key | plaintext_mark;
  if (!streams_.contains(id)) return;
  // The positions are the ciphertext's.
  end({.key = id, .when = closed.when, .srtt_us = closed.srtt_us, .retransmits = closed.retransmits});
  --plaintexts_;
}

// Where plaintext came and no socket was found for it, what its process sends and receives is looked at again.
void Streams::tick_tls(Nanoseconds now) {
  join_.tick(now);
  if (sought_.empty()) return;
  for (const auto& [key, stream] : streams_) {
    if (!stream->off || stream->joined || is_plaintext(*stream) || !sought_.contains(stream->pid) ||
        stream->connection.transport != Transport::tcp)
      continue;
    if (stream->retry) retries_.erase(*std::exchange(stream->retry, std::nullopt));
    stream->off = false;
    stream->tries = stream->tls_transfers = 0;
    stream->connection.joined_late = true;
    for (Stream::Track& track : stream->tracks) track = {};
    want_ciphertext(*stream);
  }
  sought_.clear();
}

}  // namespace subfloor::streams
