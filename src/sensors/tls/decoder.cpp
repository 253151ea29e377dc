// SPDX-License-Identifier: Apache-2.0
#include "sensors/tls/decoder.h"

#include <algorithm>

#include "base/byte_reader.h"
#include "sensors/tls/tls_abi.h"

namespace subfloor::sensors {
namespace {

bool decode_data(std::span<const std::byte> record, Events& events) {
  ByteReader reader(record);
  tls_data head;
  std::string_view bytes;
  if (!reader.read(head) || !reader.read_text(head.captured, bytes) || bytes.size() > head.length) return false;
  events.on_tls_data({.session = head.session,
                      .socket = head.socket,
                      .outbound = head.direction == TLS_DIRECTION_OUT,
                      .position = head.position,
                      .other_position = head.other_position,
                      .length = head.length,
                      .bytes = bytes,
                      .entered = std::min<Nanoseconds>(head.entered, head.header.time),
                      .end = head.header.time,
                      .since = head.since,
                      .pid = head.pid,
                      .tid = head.tid,
                      .sleeps = head.sleeps,
                      .goroutine = head.goroutine});
  return true;
}

bool decode_on_behalf(std::span<const std::byte> record, Events& events) {
  tls_on_behalf told;
  if (!ByteReader(record).read(told)) return false;
  events.on_written_on_behalf({.socket = told.socket,
                               .plaintext = told.plaintext != 0,
                               .position = told.position,
                               .length = told.length,
                               .pid = told.pid,
                               .goroutine = told.goroutine,
                               .asked = told.asked});
  return true;
}

bool decode_handler(std::span<const std::byte> record, Events& events) {
  tls_handler told;
  if (!ByteReader(record).read(told)) return false;
  events.on_handler({.socket = told.socket,
                     .stream = told.stream,
                     .pid = told.pid,
                     .goroutine = told.goroutine,
                     .when = told.header.time});
  return true;
}

}  // namespace

bool TlsDecoder::decode(const record_header& header, std::span<const std::byte> record) {
  if (header.kind == TLS_DATA) return decode_data(record, events_);
  if (header.kind == TLS_ON_BEHALF) return decode_on_behalf(record, events_);
  if (header.kind == TLS_HANDLER) return decode_handler(record, events_);
  tls_over over;
  if (header.kind != TLS_OVER || !ByteReader(record).read(over)) return false;
  events_.on_tls_over(over.session, over.header.time);
  return true;
}

}  // namespace subfloor::sensors
