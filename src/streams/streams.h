// SPDX-License-Identifier: Apache-2.0
// Streams: from what the kernel delivered of each socket to calls. Puts the bytes of a direction in order, finds out
// which protocol they speak, hands them to its session, and steers the kernel by what the session wants next.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <tuple>
#include <unordered_map>

#include "model/call.h"
#include "model/connection.h"
#include "protocols/session.h"
#include "sensors/sensor.h"
#include "streams/tls_join.h"

namespace subfloor::streams {

class CallReceiver {
 public:
  // pid is that of the call, or of whoever holds the socket where the call's own is not known; peer_pid 0 where
  // unknown.
  virtual void on_call(Call& call, const Connection& connection, std::uint32_t pid, std::uint32_t peer_pid) = 0;
  // The process speaks TLS on a socket, and its plaintext is not seen so far.
  virtual void on_tls(std::uint32_t /*pid*/) {}

 protected:
  ~CallReceiver() = default;
};

// Hears of each transfer before and after its session does, and of requests that begin: for whoever finds out which
// call was made for which request.
class Follower {
 public:
  // `kind`: what this end is, where the kernel saw who connected.
  virtual void before(const Connection& connection, std::optional<Kind> kind, const protocols::Segment& segment) = 0;
  virtual void after(const Connection& connection, const protocols::Segment& segment) = 0;
  virtual void on_request(const Call& call, Kind kind, const Connection& connection, std::uint32_t pid) = 0;
  virtual void on_closed(SocketKey key) = 0;
  // What does it: the thread, or of Go, the goroutine; by a number that means nothing else.
  virtual std::uint32_t task_of(std::uint32_t pid, std::uint32_t tid, std::uint32_t goroutine) = 0;

 protected:
  ~Follower() = default;
};

struct Settings {
  std::span<const protocols::Descriptor* const> protocols;
  bool keep_headers = true;
  std::size_t header_limit = 4096;
  protocols::Extras extras = {};
  // Seen between the ends, by neither: every call is told as its server's, whose address is then the local one.
  bool on_the_wire = false;
  bool tls = true;  // plaintext of TLS libraries is told of, too
  Nanoseconds retry_after = 30'000'000'000;  // a stream nobody recognised is looked at again, twice as late each time
};

struct Counters {
  std::uint64_t calls = 0;
  std::uint64_t switched_off = 0;  // streams found to be nothing known
  std::uint64_t bytes_missed = 0;  // neither copied nor skipped on purpose: lost, or moved by splice and the like
};

// Of one process.
struct TlsUse {
  std::uint64_t connections = 0;  // on which it spoke TLS
  std::uint64_t joined = 0;  // of them, those whose plaintext was seen
  std::uint64_t unseen = 0;  // those that carried data of which no plaintext came
};

class Streams final : private TlsJoin::Receiver {
 public:
  // steering may be null (replay). The receiver and what steering refers to outlive the streams.
  Streams(Settings settings, sensors::Steering* steering, CallReceiver& receiver);
  ~Streams();
  Streams(const Streams&) = delete;
  Streams& operator=(const Streams&) = delete;

  void on_opened(const sensors::SocketOpened& opened);
  void on_data(const sensors::StreamData& data);
  void on_tls_data(const sensors::TlsData& data) { join_.on_tls_data(data); }
  void on_tls_over(std::uint64_t session) { join_.on_tls_over(session); }
  void on_retransmit(SocketKey key);
  void on_closed(const sensors::SocketClosed& closed);

  // Null: nobody. It outlives the streams.
  void set_follower(Follower* follower) { follower_ = follower; }

  // Whether the header fields of calls are wanted from now on; see protocols::Session.
  void keep_headers(bool keep);

  // Once a second or so: looks again at streams that were switched off, drops unix sockets that nobody closed.
  void tick(Nanoseconds now);
  // Between the two, every socket there is is described again (on_opened): those that are not, and were not heard of
  // since, are gone, and word of it was lost.
  void begin_census(Nanoseconds now);
  void end_census(Nanoseconds now);
  // Of sessions opened from now on.
  void set_header_limit(std::size_t bytes) { settings_.header_limit = bytes; }
  void set_extras(const protocols::Extras& extras) { settings_.extras = extras; }
  // The agent stops: every session gives what it has.
  void finish(Nanoseconds now);

  // What is known of a process that is gone is forgotten.
  void forget_process(std::uint32_t pid) { tls_use_.erase(pid); }

  [[nodiscard]] std::size_t size() const { return streams_.size() - plaintexts_; }
  [[nodiscard]] const std::unordered_map<std::uint32_t, TlsUse>& tls_use() const { return tls_use_; }
  [[nodiscard]] const TlsJoin::Counters& tls_counters() const { return join_.counters(); }
  // Requests begun and not yet answered, by Kind, of each family that is spoken now.
  [[nodiscard]] std::map<const Family*, std::array<std::size_t, 2>> active() const;
  [[nodiscard]] std::size_t active(Kind kind) const;
  // Open TCP connections per process; 0 for those whose process has not moved a byte yet.
  [[nodiscard]] std::map<std::uint32_t, std::uint64_t> connections_by_pid() const;
  [[nodiscard]] const Counters& counters() const { return counters_; }

 private:
  struct Stream;
  class Delivery;
  using Tuple = std::tuple<std::uint32_t, Address, Address>;

  Stream& stream_of(const sensors::StreamData& data);
  void find_peer(Stream& stream) const;
  void take(Stream& stream, const sensors::StreamData& data);
  [[nodiscard]] static bool is_plaintext(const Stream& stream);
  [[nodiscard]] sensors::Steering* steering_of(const Stream& stream) const;
  [[nodiscard]] static bool is_tls(std::string_view bytes, bool joined_late);
  [[nodiscard]] static bool begins_handshake(std::string_view bytes);
  void take_ciphertext(Stream& stream, const protocols::Segment& segment);
  void begin_tls(Stream& stream);
  void await_plaintext(Stream& stream);
  void mark_unseen(Stream& stream, bool unseen);
  void want_ciphertext(Stream& stream);
  void end_plaintext(const sensors::SocketClosed& closed);
  void drop_plaintext(const sensors::SocketClosed& closed);
  void tick_tls(Nanoseconds now);
  [[nodiscard]] bool has_socket(SocketKey key) const override { return streams_.contains(key); }
  void on_tls_joined(SocketKey key) override;
  void on_plaintext(const sensors::StreamData& data, Nanoseconds since) override;
  void on_tls_sought(std::uint32_t pid) override { sought_.insert(pid); }
  [[nodiscard]] std::uint32_t peer_pid(Stream& stream) const;
  void feed(Stream& stream, const protocols::Segment& segment);
  void recognise(Stream& stream, const protocols::Segment& segment);
  [[nodiscard]] const protocols::Descriptor* choose(const protocols::Opening& opening, bool& more) const;
  void begin_session(Stream& stream, const protocols::Descriptor& protocol, const protocols::Segment& segment);
  [[nodiscard]] static std::uint16_t server_port(const Stream& stream);
  void copy_again(Stream& stream);
  void open_session(Stream& stream, const protocols::Descriptor& protocol, Call* request = nullptr);
  void hand_over(Stream& stream, const protocols::Segment& segment, const protocols::Next& next);
  void obey(Stream& stream, const protocols::Segment& segment, const protocols::Next& next);
  void switch_off(Stream& stream, Nanoseconds now, bool for_good);
  void pass_skipped(Stream& stream, protocols::Direction direction, std::uint32_t position, Nanoseconds when);
  void pass_skipped_at_close(Stream& stream, protocols::Direction direction, std::uint32_t position, Nanoseconds when);
  void end(const sensors::SocketClosed& closed);
  void remove(SocketKey key);

  Settings settings_;
  sensors::Steering* steering_;
  CallReceiver& receiver_;
  Follower* follower_ = nullptr;
  std::unordered_map<SocketKey, std::unique_ptr<Stream>> streams_;
  std::map<Tuple, SocketKey> by_tuple_;
  std::uint64_t tuples_version_ = 1;  // changes whenever a peer that was not there may be
  std::multimap<Nanoseconds, SocketKey> retries_;
  Nanoseconds census_ = 0;  // when the last one began
  Counters counters_;
  TlsJoin join_{*this};
  std::unordered_map<std::uint32_t, TlsUse> tls_use_;  // by process
  std::set<std::uint32_t> sought_;  // processes with plaintext that no socket was found for
  std::size_t plaintexts_ = 0;  // of the streams
};

}  // namespace subfloor::streams
