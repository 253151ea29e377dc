// SPDX-License-Identifier: Apache-2.0
// What a sensor is to the rest of Subfloor: programs in the kernel whose records come back as events.
// A folder below src/sensors with a `const Descriptor <folder>_descriptor` is all there is to adding one;
// the build makes the table in `all_sensors()` from the folder names.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "bpf/ladder.h"
#include "bpf/rings.h"
#include "model/connection.h"
#include "model/process.h"
#include "model/syscall.h"

namespace subfloor::sensors {

// What the kernel delivered of one stream, in the order of the ring.
struct StreamData {
  SocketKey key = 0;
  bool outbound = false;
  bool has_position = false;       // TCP: position is a sequence number; otherwise records just follow each other
  std::uint32_t position = 0;      // of the first byte
  std::uint64_t length = 0;        // bytes transferred
  std::string_view bytes = {};     // content of the first of them
  std::uint32_t other_position = 0;  // TCP: how far the other direction had come
  Nanoseconds begin = 0, end = 0;
  std::uint32_t pid = 0, tid = 0;
  std::uint32_t sleeps = 0;        // how often the thread had gone to sleep of its own accord; 0 where unknown
  std::uint32_t goroutine = 0;     // of a process of Go, which one; of others, anything
  bool plaintext = false;  // what went through TLS, as the process saw it; positions are of the TLS session
};

// What one call of a TLS library moved.
struct TlsData {
  std::uint64_t session = 0;       // name of the library's object while it serves one connection; never used again
  SocketKey socket = 0;            // that it belongs to; 0 where nobody has said
  bool outbound = false;
  std::uint32_t position = 0;      // of the first byte, from the first that was seen of the session
  std::uint32_t other_position = 0;
  std::uint64_t length = 0;
  std::string_view bytes = {};     // content of the first of them
  Nanoseconds entered = 0, end = 0;  // of the call
  Nanoseconds since = 0;           // since when every call of the library is seen; 0: from after this one
  std::uint32_t pid = 0, tid = 0;
  std::uint32_t sleeps = 0, goroutine = 0;  // as in StreamData
};

// What is about to be written to a socket by one goroutine of a process of Go was asked for by another.
struct OnBehalf {
  SocketKey socket = 0;
  bool plaintext = false;      // of TLS: where its position counts
  std::uint32_t position = 0;  // of the first byte
  std::uint32_t length = 0;    // records that begin in these bytes are of it
  std::uint32_t pid = 0;
  std::uint32_t goroutine = 0;  // that asked, as in StreamData
  Nanoseconds asked = 0;
};

// A goroutine of a process of Go begins to handle the request of a stream of HTTP/2, or is done with that.
struct Handler {
  SocketKey socket = 0;
  std::uint32_t stream = 0;  // 0: done
  std::uint32_t pid = 0;
  std::uint32_t goroutine = 0;  // as in StreamData
  Nanoseconds when = 0;
};

// One UDP datagram as its socket sent or received it.
struct Datagram {
  SocketKey key = 0;
  Address local, remote;           // local.ip all zero where the socket is bound to none
  std::uint32_t net_namespace = 0;
  bool outbound = false;
  std::string_view bytes = {};     // content of the first of `length`
  std::uint64_t length = 0;
  Nanoseconds when = 0;
  std::uint32_t pid = 0, tid = 0;  // 0 where unknown
  bool lost_before = false;        // of some socket, a datagram went by that could not be told of
};

struct SocketOpened {
  Connection connection;
  bool listening_side = false;     // accepted rather than connected; only where side_known
  bool side_known = false;
  std::uint32_t inbound_position = 0, outbound_position = 0;  // sequence numbers of the next bytes
  std::uint32_t pid = 0;           // 0 where unknown; of a TCP client who connects
  SocketKey peer = 0;              // unix sockets: the other end; 0 where unknown
};

struct SocketClosed {
  SocketKey key = 0;
  Nanoseconds when = 0;
  std::uint32_t srtt_us = 0, retransmits = 0;
  bool has_positions = false;      // TCP: how far both streams came
  std::uint32_t inbound_position = 0, outbound_position = 0;
};

// Everything that sensors can tell. Receivers override what they care for.
class Events {
 public:
  virtual void on_socket_opened(const SocketOpened&) {}
  virtual void on_stream_data(const StreamData&) {}
  virtual void on_retransmit(SocketKey, Nanoseconds) {}
  virtual void on_datagram(const Datagram&) {}
  virtual void on_socket_closed(const SocketClosed&) {}  // of streams and of datagrams
  virtual void on_tls_data(const TlsData&) {}
  virtual void on_tls_over(std::uint64_t /*session*/, Nanoseconds /*when*/) {}
  virtual void on_written_on_behalf(const OnBehalf&) {}
  virtual void on_handler(const Handler&) {}

  virtual void on_exec(Process&&, Nanoseconds /*when*/) {}
  virtual void on_fork(std::uint32_t /*parent*/, Process&&, Nanoseconds /*when*/) {}
  virtual void on_exit(std::uint32_t /*pid*/, Nanoseconds /*when*/) {}

  // Its texts are there during the call only.
  virtual void on_syscall(const Syscall&) {}

  // Paths below their hierarchy's mount; of each hierarchy there is.
  virtual void on_cgroup_created(std::string_view /*path*/, Nanoseconds /*when*/) {}
  virtual void on_cgroup_removed(std::string_view /*path*/, Nanoseconds /*when*/) {}

 protected:
  ~Events() = default;
};

// Tells the kernel what need not come up. Writes to shared memory: no system call, takes effect at the next byte.
class Steering {
 public:
  // Content of this direction is not needed before the byte at `position` (sequence number, at most 2^30 ahead).
  virtual void skip_until(SocketKey key, bool outbound, std::uint32_t position) = 0;
  virtual void copy(SocketKey key, bool outbound) = 0;  // back to copying, all that a record holds
  // Whether content is wanted of all of a transfer, as far as records can hold it, or only of its beginning.
  virtual void copy_deep(SocketKey key, bool deep) = 0;
  // Copies, but of each transfer's content only the first `bytes`.
  virtual void copy_at_most(SocketKey key, bool outbound, std::uint16_t bytes) = 0;
  virtual void off(SocketKey key) = 0;                  // nothing of this socket until copy() or forget()
  virtual void forget(SocketKey key) = 0;

 protected:
  ~Steering() = default;
};

struct FamilyCounters {
  std::string family;              // "tcp_send"
  family_counters counters;        // summed over CPUs
  std::uint64_t missed = 0;        // runs the kernel skipped (recursion)
  bool on_control_ring = false;    // its losses are of what came and went, not of payload
};

// Records of one sensor → events. Needs no kernel: a recording is read with it.
class Decoder {
 public:
  virtual ~Decoder() = default;
  // False where the record is not what its kind promises.
  [[nodiscard]] virtual bool decode(const record_header& header, std::span<const std::byte> record) = 0;
};

// A file that a sensor has attached to, or could not.
struct WatchedFile {
  std::string path;     // in the mount namespace of the process it was found by
  std::string library;  // "OpenSSL"
  std::string refused;  // why it is not attached to; empty where it is
  std::size_t processes = 0;  // that are known to map it
};

// What a sensor that attaches to files wants to know while it runs: of processes, which map them.
class ProcessWatcher {
 public:
  virtual void on_exec(std::uint32_t pid) = 0;
  virtual void on_exit(std::uint32_t pid) = 0;
  // It speaks TLS on some socket.
  virtual void on_tls(std::uint32_t pid) = 0;
  // Whether somebody wants to know which call was made for which request.
  virtual void follow_calls(bool wanted) = 0;
  // Every 10 ms or so: does what there is to do, a few ms of it at most.
  virtual void work(Nanoseconds now) = 0;
  // Why nothing of its plaintext can be seen, in words; empty where it can.
  [[nodiscard]] virtual std::string why_opaque(std::uint32_t pid) const = 0;
  [[nodiscard]] virtual std::vector<WatchedFile> files() const = 0;
  // Whether it can still attach, with the capabilities that are held now.
  [[nodiscard]] virtual bool can_attach() const = 0;

 protected:
  ~ProcessWatcher() = default;
};

// Tells the kernel which opens need not come up. One system call each.
class SyscallFilter {
 public:
  // Opens of the file by this name for no more than these accesses (FileAccess, several) are counted as filtered from
  // now on, until something on its path is renamed or mounted elsewhere, the kernel forgets it for want of room, or
  // forget_all(). The call that creates a file always comes. Of a name got before forget_all(), nothing is believed.
  virtual void ignore(const FileName& name, std::uint8_t accesses) = 0;
  virtual void forget_all() = 0;

 protected:
  ~SyscallFilter() = default;
};

class Sensor {
 public:
  using RecordHandler = bpf::RingReader::Handler;

  virtual ~Sensor() = default;
  virtual void handle(const record_header& header, std::span<const std::byte> record) = 0;
  // Tells of what existed before the sensor was attached, in records like those of the rings. Called after all sensors
  // are attached, and again after losses.
  [[nodiscard]] virtual Result<> take_stock(const RecordHandler&) { return {}; }
  [[nodiscard]] Result<> take_stock() {
    return take_stock(
        [this](const record_header& header, std::span<const std::byte> record) { handle(header, record); });
  }
  [[nodiscard]] virtual std::vector<FamilyCounters> counters() const = 0;
  [[nodiscard]] virtual Steering* steering() { return nullptr; }
  [[nodiscard]] virtual ProcessWatcher* watcher() { return nullptr; }
  [[nodiscard]] virtual SyscallFilter* syscall_filter() { return nullptr; }
  // Takes over what of the settings can change while it is attached: ports, system calls. Of sockets that are wanted
  // now and were not before, nobody has told yet: take_stock() does.
  [[nodiscard]] virtual Result<> reconfigure(const struct Settings&) { return {}; }
};

// Passed where (argument & mask) is one of the values.
struct SyscallCheck {
  std::uint8_t argument = 0;  // from 0; 6: the result
  std::vector<std::uint64_t> values;  // at most 8
  bool negated = false;  // passed where it is none of them
  std::uint64_t mask = 0xffffffff;  // most arguments are ints, and the kernel does not look at their upper half
};

// A system call that is wanted, and which of its calls are: what does not pass never leaves the kernel.
struct WantedSyscall {
  WantedSyscall(std::uint16_t wanted) : number(wanted) {}  // NOLINT(google-explicit-constructor): all of its calls

  std::uint16_t number;  // native
  bool successes = true, failures = true;
  std::vector<SyscallCheck> checks;  // all must pass; at most 2
  bool sockets_only = false;  // its descriptor is a socket
  bool addressed_only = false;  // sendto, sendmsg: an address was given
  std::uint16_t file_types = 0;  // its descriptor is a file of these: bit i for S_IFMT >> 12 == i; 0: any, or none
};

struct Settings {
  std::string rung;  // forced, or "" for the best that attaches
  std::vector<std::uint16_t> ports;  // empty: all
  bool unix_sockets = true;
  std::vector<std::uint16_t> datagram_ports{53};  // at either end; empty: none
  std::vector<WantedSyscall> syscalls{};  // none: nothing is attached, and no system call costs more
  std::uint32_t ignored_names = 65536;  // that the kernel remembers; fixed once attached
};

struct Context {
  const bpf::Rings& rings;
  Events& events;
  const Settings& settings;
  std::uint8_t sensor_id;
};

struct Descriptor {
  std::string_view name;  // the folder's name
  // Attaches the best rung; fills report whether or not it succeeds.
  Result<std::unique_ptr<Sensor>> (*open)(const Context& context, bpf::LadderReport& report);
  std::unique_ptr<Decoder> (*decoder)(Events& events) = nullptr;  // events outlive it
};

// What the records of this sensor look like, as a digest of its ABI header: records of another digest are not to be
// decoded. Empty where there is no such sensor. Made by the build.
[[nodiscard]] std::string_view record_format(std::string_view sensor);

// Generated from the folder names.
[[nodiscard]] std::span<const Descriptor* const> all_sensors();

}  // namespace subfloor::sensors
