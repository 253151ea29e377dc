// SPDX-License-Identifier: Apache-2.0
#include "sensors/tcp/decoder.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/byte_reader.h"

namespace subfloor::sensors {
namespace {

// Content of threads that took it and never said from where (that record was lost): the table starts anew beyond this.
constexpr std::size_t pending_limit = std::size_t{8} << 20;  // bytes

Address address_of(const tcp_endpoint& end) {
  Address address;
  std::copy(std::begin(end.ip), std::end(end.ip), address.ip.begin());
  address.port = end.port;
  return address;
}

// An abstract name begins with a NUL, which is written '@'; a path may end with one.
std::string unix_path(const tcp_socket_open& open) {
  std::string path(open.path, std::min<std::size_t>(open.path_length, sizeof open.path));
  while (path.size() > 1 && path.back() == '\0') path.pop_back();
  if (path == std::string(1, '\0')) return "";
  if (!path.empty() && path.front() == '\0') path.front() = '@';
  return path;
}

}  // namespace

bool TcpDecoder::decode(const record_header& header, std::span<const std::byte> record) {
  switch (header.kind) {
    case TCP_SOCKET_OPEN: return socket_opened(record);
    case TCP_SOCKET_CLOSE: return socket_closed(record);
    case TCP_RETRANSMIT: {
      tcp_retransmit retransmit;
      if (!ByteReader(record).read(retransmit)) return false;
      events_.on_retransmit(retransmit.key, retransmit.header.time);
      return true;
    }
    case TCP_DATA: return data(record, false);
    case TCP_UNIX_CONTENT: return data(record, true);
    case TCP_UNIX_RECEIVED: return unix_received(record);
    default: return false;
  }
}

bool TcpDecoder::socket_opened(std::span<const std::byte> record) {
  tcp_socket_open open;
  if (!ByteReader(record).read(open)) return false;
  SocketOpened opened;
  opened.connection.key = open.key;
  opened.connection.transport = open.is_unix ? Transport::unix_stream : Transport::tcp;
  opened.connection.local = address_of(open.local);
  opened.connection.remote = address_of(open.remote);
  if (open.is_unix) opened.connection.unix_path = unix_path(open);
  opened.connection.net_namespace = open.net_namespace;
  opened.connection.joined_late = open.old != 0;
  opened.connection.opened = open.old ? 0 : open.header.time;
  opened.side_known = open.side != TCP_SIDE_UNKNOWN;
  opened.listening_side = open.side == TCP_SIDE_ACCEPTED;
  opened.inbound_position = open.inbound_position;
  opened.outbound_position = open.outbound_position;
  opened.pid = open.pid;
  opened.peer = open.peer;
  events_.on_socket_opened(opened);
  return true;
}

bool TcpDecoder::socket_closed(std::span<const std::byte> record) {
  tcp_socket_close close;
  if (!ByteReader(record).read(close)) return false;
  events_.on_socket_closed({.key = close.key,
                            .when = close.header.time,
                            .srtt_us = close.srtt_us,
                            .retransmits = close.retransmits,
                            .has_positions = true,
                            .inbound_position = close.inbound_position,
                            .outbound_position = close.outbound_position});
  return true;
}

bool TcpDecoder::data(std::span<const std::byte> record, bool unix_content) {
  ByteReader reader(record);
  tcp_data head;
  std::string_view bytes;
  if (!reader.read(head) || !reader.read_text(head.captured, bytes) || bytes.size() > head.length) return false;
  if (unix_content) {
    const std::size_t cost = bytes.size() + sizeof(Piece);
    if (pending_bytes_ + cost > pending_limit) {
      pending_.clear();
      pending_bytes_ = 0;
    }
    pending_bytes_ += cost;
    pending_[head.tid].push_back({head.key, std::string(bytes), head.length, head.begin});
    return true;
  }
  events_.on_stream_data({.key = head.key,
                          .outbound = head.direction == TCP_DIRECTION_OUT,
                          .has_position = head.has_position != 0,
                          .position = head.position,
                          .length = head.length,
                          .bytes = bytes,
                          .other_position = head.other_position,
                          .begin = std::min<Nanoseconds>(head.begin, head.header.time),
                          .end = head.header.time,
                          .pid = head.pid,
                          .tid = head.tid,
                          .sleeps = head.sleeps,
                          .goroutine = head.goroutine});
  return true;
}

bool TcpDecoder::unix_received(std::span<const std::byte> record) {
  tcp_unix_received received;
  if (!ByteReader(record).read(received)) return false;
  std::vector<Piece> pieces;
  if (const auto found = pending_.find(received.tid); found != pending_.end()) {
    pieces = std::move(found->second);
    pending_.erase(found);
    for (const Piece& piece : pieces) pending_bytes_ -= piece.bytes.size() + sizeof(Piece);
  }
  if (received.peek) return true;
  if (received.length > 0) {
    deliver(received, pieces);
    return true;
  }
  if (received.over == 0) return true;
  for (const SocketKey ended : std::array<SocketKey, 2>{received.key, received.peer}) {
    if (ended != 0) events_.on_socket_closed({.key = ended, .when = received.header.time});
  }
  return true;
}

void TcpDecoder::deliver(const tcp_unix_received& received, const std::vector<Piece>& pieces) {
  const Nanoseconds now = received.header.time;
  // Only the last pieces are of this call: those before it belong to one whose end was lost.
  std::size_t first = pieces.size();
  std::uint64_t delivered = 0;
  while (first > 0 && delivered + pieces[first - 1].length <= received.length) delivered += pieces[--first].length;
  const bool whole = delivered == received.length;  // else records were lost, and nobody knows where the hole is
  for (const Piece& piece : std::span(pieces).subspan(first)) {
    StreamData data{.length = piece.length, .begin = piece.begin, .end = now};
    if (whole) data.bytes = piece.bytes;
    // The sender's stream first, so that a request is known before its reader answers it.
    if (piece.sender != 0) {
      data.key = piece.sender;
      data.outbound = true;
      events_.on_stream_data(data);
    }
    data.key = received.key;
    data.outbound = false;
    data.pid = received.pid;
    data.tid = received.tid;
    events_.on_stream_data(data);
  }
  if (!whole) {
    events_.on_stream_data({.key = received.key,
                            .length = received.length - delivered,
                            .begin = now,
                            .end = now,
                            .pid = received.pid,
                            .tid = received.tid});
  }
}

}  // namespace subfloor::sensors
