// SPDX-License-Identifier: Apache-2.0
// Replay of what a kernel delivered.
#pragma once

#include <memory>
#include <vector>

#include "agent/replay.h"
#include "recording/reader.h"
#include "sensors/sensor.h"

namespace subfloor::agent {

class RecordingReplay final : public Replay {
 public:
  // An error where the recording's records are not like this program's.
  [[nodiscard]] static Result<std::unique_ptr<Replay>> make(const Config& config,
                                                            std::unique_ptr<recording::Reader> reader);

  [[nodiscard]] Result<bool> read_some() override;
  void finish() override;
  [[nodiscard]] Nanoseconds to_unix(Nanoseconds instant) const override { return instant + unix_offset_; }
  [[nodiscard]] bool knows_processes() const override { return true; }
  [[nodiscard]] const InputFile& file() const override { return reader_->file(); }
  [[nodiscard]] std::vector<Figure> figures() const override;

 private:
  // The kernel obeyed when it was recorded; here, wishes only have to be possible.
  class ObeyedAlready final : public sensors::Steering {
   public:
    void skip_until(SocketKey, bool, std::uint32_t) override {}
    void copy(SocketKey, bool) override {}
    void copy_deep(SocketKey /*key*/, bool /*deep*/) override {}
    void copy_at_most(SocketKey, bool, std::uint16_t) override {}
    void off(SocketKey) override {}
    void forget(SocketKey) override {}
  };
  // Who processes are is recorded as it was found out; their records alone say less.
  class Sockets final : public sensors::Events {
   public:
    explicit Sockets(Pipeline& pipeline) : pipeline_(pipeline) {}
    void on_socket_opened(const sensors::SocketOpened& opened) override { pipeline_.on_socket_opened(opened); }
    void on_stream_data(const sensors::StreamData& data) override { pipeline_.on_stream_data(data); }
    void on_datagram(const sensors::Datagram& datagram) override { pipeline_.on_datagram(datagram); }
    void on_retransmit(SocketKey key, Nanoseconds when) override { pipeline_.on_retransmit(key, when); }
    void on_socket_closed(const sensors::SocketClosed& closed) override { pipeline_.on_socket_closed(closed); }
    void on_tls_data(const sensors::TlsData& data) override { pipeline_.on_tls_data(data); }
    void on_tls_over(std::uint64_t session, Nanoseconds when) override { pipeline_.on_tls_over(session, when); }
    void on_handler(const sensors::Handler& told) override { pipeline_.on_handler(told); }
    void on_written_on_behalf(const sensors::OnBehalf& told) override { pipeline_.on_written_on_behalf(told); }
    void on_exit(std::uint32_t pid, Nanoseconds when) override { pipeline_.on_exit(pid, when); }

   private:
    Pipeline& pipeline_;
  };

  RecordingReplay(const Config& config, std::unique_ptr<recording::Reader> reader);
  [[nodiscard]] Result<> make_decoders();
  [[nodiscard]] bool take(const recording::Entry& entry);
  [[nodiscard]] bool take_record(std::span<const std::byte> record);
  [[nodiscard]] bool take_moment(const recording::Entry& entry);

  std::unique_ptr<recording::Reader> reader_;
  ObeyedAlready steering_;
  Sockets sockets_;
  std::vector<std::unique_ptr<sensors::Decoder>> decoders_;  // by sensor id
  Nanoseconds unix_offset_ = 0;
  Nanoseconds last_ = 0;  // monotonic time of the last record
  std::uint64_t records_ = 0, malformed_ = 0;
  bool stopped_ = false;
};

}  // namespace subfloor::agent
