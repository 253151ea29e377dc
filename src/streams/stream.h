// SPDX-License-Identifier: Apache-2.0
// One stream, as Streams keeps it: of a socket, or of the plaintext that goes through TLS on it.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "base/secret.h"
#include "streams/streams.h"

namespace subfloor::streams {

[[nodiscard]] constexpr std::size_t index(protocols::Direction direction) {
  return direction == protocols::Direction::outbound ? 1 : 0;
}

struct Streams::Stream {
  // One direction: where it stands, and up to where the kernel was told to skip.
  struct Track {
    bool known = false;
    std::uint32_t next = 0;
    bool skipping = false;
    std::uint32_t skip_until = 0;
    SecretString prefix = {};  // first bytes, while they are too few to tell the protocol
    SecretString unknown = {};  // of a connection joined late: the beginning of what nobody recognised last
    protocols::Segment prefix_segment = {};  // their times
  };

  Connection connection;
  SocketKey id = 0;  // its place in the table: the socket's key, or that of its plaintext
  std::uint32_t pid = 0;
  std::uint64_t peer_sought = 0;  // in which state of by_tuple_ it was last looked for (TCP)
  std::unique_ptr<protocols::Session> session;
  const protocols::Descriptor* protocol = nullptr;  // of the session
  std::unique_ptr<protocols::Session> awaits_plaintext;  // that agreed on TLS, and goes on within it
  std::array<Track, 2> tracks;
  bool heard = false;  // of bytes
  bool off = false;
  bool peeking = false;  // looked at again after it was off: only the first bytes of each transfer come
  bool in_tuples = false;
  bool tls = false;  // this is ciphertext
  bool joined = false;  // whose plaintext is told of, as another stream
  bool unseen = false;  // counted among those of which no plaintext came
  int tls_transfers = 0;  // of ciphertext, since it was last wanted
  std::optional<Kind> kind = {};  // of this end, where the kernel saw who connected
  std::size_t hand_overs = 0;
  int tries = 0;
  Nanoseconds last_seen = 0;
  Nanoseconds described = 0;      // when on_opened told of it last; 0: never
  Nanoseconds retry_after = 0;
  std::optional<std::multimap<Nanoseconds, SocketKey>::iterator> retry = {};  // while it is to be looked at again

  Track& track(protocols::Direction direction) { return tracks[index(direction)]; }
  // Where there are no sequence numbers: how many bytes passed before these.
  [[nodiscard]] std::uint32_t count(protocols::Direction direction, std::uint64_t length) {
    return std::exchange(track(direction).next, track(direction).next + static_cast<std::uint32_t>(length));
  }
};

}  // namespace subfloor::streams
