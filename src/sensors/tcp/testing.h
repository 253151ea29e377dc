// SPDX-License-Identifier: Apache-2.0
// For the kernel tests of sensor tcp: a sensor on one rung with rings of its own, and what it told.
#pragma once

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/fd.h"
#include "sensors/sensor.h"
#include "sensors/tcp/tcp_abi.h"
#include "sensors/tcp/testing_talk.h"

namespace subfloor::sensors {

extern const Descriptor tcp_descriptor;

namespace testing_tcp {

using namespace std::chrono_literals;

struct Data {
  StreamData head;
  std::string bytes;
};

// What was told of one socket.
struct Told {
  std::vector<SocketOpened> opened;
  std::vector<SocketClosed> closed;
  std::size_t retransmits = 0;
  std::vector<Data> data;

  [[nodiscard]] std::vector<Data> of(bool outbound) const {
    std::vector<Data> found;
    for (const Data& one : data)
      if (one.head.outbound == outbound) found.push_back(one);
    return found;
  }
  [[nodiscard]] std::set<std::uint32_t> pids(bool outbound) const {
    std::set<std::uint32_t> found;
    for (const Data& one : of(outbound)) found.insert(one.head.pid);
    return found;
  }
  [[nodiscard]] std::uint32_t base(bool outbound) const {
    if (!opened.empty()) return outbound ? opened[0].outbound_position : opened[0].inbound_position;
    const auto first = of(outbound);
    return first.empty() ? 0 : first[0].head.position;
  }

  // All bytes of a direction in the order of the stream, '?' where the content was not told; a byte told twice and
  // differently is '!'.
  [[nodiscard]] std::string text(bool outbound) const {
    std::string all;
    for (const Data& one : of(outbound)) {
      const std::size_t at = one.head.has_position ? one.head.position - base(outbound) : all.size();
      if (at > (1U << 28)) return "a position before the socket's birth";
      if (all.size() < at + one.head.length) all.resize(at + one.head.length, '?');
      for (std::size_t i = 0; i < one.bytes.size(); ++i) {
        char& byte = all[at + i];
        byte = byte == '?' || byte == one.bytes[i] ? one.bytes[i] : '!';
      }
    }
    return all;
  }
};

class Heard final : public Events {
 public:
  void on_socket_opened(const SocketOpened& opened) override {
    if (relay != nullptr) return relay->on_socket_opened(opened);
    sockets[opened.connection.key].opened.push_back(opened);
  }
  void on_stream_data(const StreamData& data) override {
    if (relay != nullptr) return relay->on_stream_data(data);
    sockets[data.key].data.push_back({data, std::string(data.bytes)});
    ++records;
  }
  void on_socket_closed(const SocketClosed& closed) override {
    if (relay != nullptr) return relay->on_socket_closed(closed);
    sockets[closed.key].closed.push_back(closed);
  }

  void on_retransmit(SocketKey key, Nanoseconds) override { ++sockets[key].retransmits; }

  Events* relay = nullptr;  // hears all in its stead
  std::map<SocketKey, Told> sockets;
  std::uint64_t records = 0;
};

// Of what a rung cannot be had without, the name of that which this kernel lacks; "".
inline std::string lacking_for(std::string_view rung) {
  if (rung == "tracepoint")
    return libbpf_find_vmlinux_btf_id("tcp_sendmsg_locked", BPF_TRACE_RAW_TP) < 0 ? "tp_btf/tcp_sendmsg_locked (6.16)"
                                                                                  : "";
  if (rung == "fentry") {
    const bpf_insn nothing[] = {{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0},
                                {.code = BPF_JMP | BPF_EXIT, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0}};
    bpf_prog_load_opts options{};
    options.sz = sizeof options;
    options.expected_attach_type = BPF_TRACE_FENTRY;
    options.attach_btf_id = static_cast<__u32>(libbpf_find_vmlinux_btf_id("tcp_sendmsg", BPF_TRACE_FENTRY));
    const Fd program(bpf_prog_load(BPF_PROG_TYPE_TRACING, "lacking", "GPL", nothing, std::size(nothing), &options));
    return program ? "" : std::string("fentry: ") + std::strerror(errno);
  }
  if (rung == "kprobe" && access("/sys/bus/event_source/devices/kprobe/type", R_OK) != 0) return "kprobes";
  return "";
}

// A sensor on one rung.
class Watch {
 public:
  // Null where the kernel lacks what the rung needs: `lacking` then names it. Any other refusal is a failure.
  static std::unique_ptr<Watch> open(const char* rung, const Settings& settings, std::string& lacking,
                                     std::size_t data_bytes = 16 << 20) {
    lacking = lacking_for(rung);
    if (!lacking.empty()) return nullptr;
    std::unique_ptr<Watch> watch(new Watch);
    watch->settings_ = settings;
    watch->settings_.rung = rung;
    auto rings = bpf::Rings::make(8 << 20, data_bytes);
    EXPECT_TRUE(rings) << rings.error().message;
    if (!rings) return nullptr;
    watch->rings_ = std::make_unique<bpf::Rings>(std::move(*rings));
    auto sensor = tcp_descriptor.open(Context{*watch->rings_, watch->heard_, watch->settings_, 5}, watch->report_);
    EXPECT_TRUE(sensor) << sensor.error().message;
    if (!sensor) return nullptr;
    watch->sensor_ = std::move(*sensor);
    auto reader = bpf::RingReader::make(*watch->rings_, [w = watch.get()](const record_header& header, auto record) {
      EXPECT_EQ(header.sensor, 5);
      w->sensor_->handle(header, record);
    });
    EXPECT_TRUE(reader) << reader.error().message;
    if (!reader) return nullptr;
    watch->reader_ = std::move(*reader);
    return watch;
  }

  // All that was submitted before the call. One look may not be enough: a record that is still being written, by
  // whoever, hides those behind it.
  const Told& told(SocketKey key) {
    std::uint64_t submitted = 0;
    for (const FamilyCounters& one : sensor_->counters()) submitted += one.counters.submitted;
    EXPECT_TRUE(until([&] {
      drain();
      return records_ >= submitted;
    }));
    EXPECT_EQ(reader_->malformed(), 0U);
    return heard_.sockets[key];
  }

  // Looks until the condition holds: for what the kernel does in its own time. False where it does not within 10 s.
  template <class Condition>
  bool until(Condition condition) {
    const auto deadline = std::chrono::steady_clock::now() + 10s;
    while (!condition()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      sched_yield();
    }
    return true;
  }

  void relay_to(Events* events) { heard_.relay = events; }
  void drain() { records_ += reader_->drain(); }

  family_counters counters(const std::string& family) {
    for (const FamilyCounters& one : sensor_->counters())
      if (one.family == family) return one.counters;
    ADD_FAILURE() << "no family " << family;
    return {};
  }

  Sensor& sensor() { return *sensor_; }
  Steering& steering() { return *sensor_->steering(); }
  Heard& heard() { return heard_; }
  const bpf::Rings& rings() { return *rings_; }
  const bpf::LadderReport& report() { return report_; }
  void close() { sensor_.reset(); }

 private:
  Watch() = default;
  std::unique_ptr<bpf::Rings> rings_;
  Heard heard_;
  Settings settings_;
  bpf::LadderReport report_;
  std::unique_ptr<Sensor> sensor_;
  std::unique_ptr<bpf::RingReader> reader_;
  std::uint64_t records_ = 0;  // read so far
};

// Best first.
inline constexpr const char* rungs[] = {"fentry", "tracepoint", "kprobe", "syscall"};

inline std::string name_of_rung(const ::testing::TestParamInfo<const char*>& rung) { return rung.param; }

// Each test on each rung.
class TcpSensorOn : public ::testing::TestWithParam<const char*> {
 protected:
  // False where the test cannot go on: it was skipped for want of a kernel feature, or has failed.
  bool open(const Settings& settings = {}, std::size_t data_bytes = 16 << 20) {
    std::string lacking;
    watch_ = Watch::open(GetParam(), settings, lacking, data_bytes);
    if (!lacking.empty()) skip(lacking);
    return watch_ != nullptr;
  }
  const Told& told(SocketKey key) { return watch_->told(key); }
  // Every rung but "syscall" sees all calls that move bytes, by whatever way they came.
  [[nodiscard]] bool sees_every_call() const { return std::string_view(GetParam()) != "syscall"; }

  std::unique_ptr<Watch> watch_;

 private:
  static void skip(const std::string& lacking) { GTEST_SKIP() << "this kernel lacks " << lacking; }
};

}  // namespace testing_tcp
}  // namespace subfloor::sensors
