// SPDX-License-Identifier: Apache-2.0
// TlsJoin: which socket the plaintext of a TLS session belongs to. Of Go the kernel says it. Libraries do not; what a
// thread does right before, during and right after a call of the library does.
//
//   nested   while a thread is inside the call, it sends or receives TLS on one socket
//   before   a read outside of which the ciphertext came: the last that this thread received holds a record that is
//            as long as the plaintext makes it
//   after    a write whose ciphertext is sent later: the next that this thread sends holds such a record
//
// A session that nothing speaks for stays unjoined, and is counted.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <unordered_map>
#include <vector>

#include "base/secret.h"
#include "sensors/sensor.h"

namespace subfloor::streams {

// Whether the bytes begin like a TLS record: what a transfer of ciphertext mostly begins with.
[[nodiscard]] bool begins_like_tls(std::string_view bytes);

class TlsJoin {
 public:
  class Receiver {
   public:
    // Whether it is one that is captured: of others no plaintext is told either.
    [[nodiscard]] virtual bool has_socket(SocketKey key) const = 0;
    // From now on the plaintext of this socket is told of.
    virtual void on_tls_joined(SocketKey key) = 0;
    // Of a joined session, each byte once and in order; `since` as in TlsData.
    virtual void on_plaintext(const sensors::StreamData& data, Nanoseconds since) = 0;
    // What is sent and received by this process has to be seen, for there is plaintext of it without a socket.
    virtual void on_tls_sought(std::uint32_t pid) = 0;

   protected:
    ~Receiver() = default;
  };

  struct Counters {
    std::uint64_t joined = 0;          // sessions
    std::uint64_t by_length = 0;       // of them, those that were found by the length of a record
    std::uint64_t unjoined = 0;        // calls of the library whose plaintext was given up: no socket was found
    std::uint64_t unjoined_bytes = 0;
  };

  explicit TlsJoin(Receiver& receiver) : receiver_(receiver) {}

  void on_data(const sensors::StreamData& data);  // of sockets, before anybody else is told
  void on_tls_data(const sensors::TlsData& data);
  void on_tls_over(std::uint64_t session);
  void on_closed(SocketKey key);
  void tick(Nanoseconds now);
  void finish();

  [[nodiscard]] const Counters& counters() const { return counters_; }

 private:
  struct Held {
    sensors::TlsData data;  // its bytes are in `content`
    SecretString content;
  };
  struct Session {
    SocketKey key = 0;  // 0: not joined
    std::vector<Held> held;
    std::size_t held_bytes = 0;
    std::uint32_t pid = 0, last_tid = 0;
    Nanoseconds last_entered = 0, last_end = 0;
    Nanoseconds sought = 0;
  };
  // One transfer of ciphertext.
  struct Transfer {
    SocketKey key = 0;
    Nanoseconds end = 0;
    bool outbound = false;
    std::array<std::uint16_t, 8> records{};  // lengths of those with application data; 0: no more
  };
  // That a session made what was sent: so, unless the next call to be told of was around it.
  struct Guess {
    std::uint64_t session = 0;
    SocketKey key = 0;  // 0: none
    Nanoseconds sent = 0;
  };
  struct Thread {
    std::array<Transfer, 4> recent;  // newest first
    std::vector<std::uint64_t> wrote;  // sessions not joined yet that this thread wrote to
    Guess guess;
  };

  [[nodiscard]] SocketKey nested(const sensors::TlsData& data) const;
  [[nodiscard]] SocketKey received_before(const sensors::TlsData& data) const;
  void guess_writer(Thread& thread, const Transfer& sent);
  void settle(Thread& thread);
  [[nodiscard]] bool may_take(std::uint64_t session, SocketKey key, const sensors::TlsData& data);
  void join(std::uint64_t id, Session& session, SocketKey key);
  void hold(Session& session, const sensors::TlsData& data);
  void give_up(Session& session);
  void give(SocketKey key, const sensors::TlsData& data);

  Receiver& receiver_;
  std::unordered_map<std::uint64_t, Session> sessions_;
  std::unordered_map<SocketKey, std::uint64_t> by_key_;
  std::unordered_map<std::uint32_t, Thread> threads_;
  std::size_t held_ = 0;  // bytes, of all sessions
  Counters counters_;
};

}  // namespace subfloor::streams
