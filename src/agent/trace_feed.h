// SPDX-License-Identifier: Apache-2.0
// What the streams tell of transfers and requests, as the tracer takes it.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "model/process.h"
#include "streams/streams.h"
#include "tracing/tracer.h"

namespace subfloor::agent {

class TraceFeed final : public streams::Follower {
 public:
  explicit TraceFeed(tracing::Tracer& tracer) : tracer_(tracer) {}

  void before(const Connection& connection, std::optional<Kind> kind, const protocols::Segment& segment) override;
  void after(const Connection& connection, const protocols::Segment& segment) override;
  void on_request(const Call& call, Kind kind, const Connection& connection, std::uint32_t pid) override;
  // A call is over.
  [[nodiscard]] tracing::Unnamed on_call(const Call& call, const Connection& connection);
  void on_written_on_behalf(const sensors::OnBehalf& told) {
    tracer_.on_errand({.socket = told.socket,
                       .plaintext = told.plaintext,
                       .position = told.position,
                       .length = told.length,
                       .pid = told.pid,
                       .goroutine = told.goroutine,
                       .asked = told.asked});
  }
  void on_handler(const sensors::Handler& told) {
    tracer_.on_handler({told.socket, told.stream, told.pid, told.goroutine, told.when});
  }
  void on_closed(SocketKey key) override { tracer_.on_closed(key); }
  std::uint32_t task_of(std::uint32_t pid, std::uint32_t tid, std::uint32_t goroutine) override {
    return tracer_.task_of(pid, tid, goroutine);
  }

 private:
  tracing::Tracer& tracer_;
};

// Ids as text.
class TraceText {
 public:
  explicit TraceText(const tracing::Names& names) : flags(names.sampled ? 1 : 0), has_parent_(names.parent != 0) {
    tracing::write(names.trace, id_.data());
    tracing::write(names.span, span_.data());
    if (has_parent_) tracing::write(names.parent, parent_.data());
  }
  [[nodiscard]] std::string_view id() const { return {id_.data(), id_.size()}; }
  [[nodiscard]] std::string_view span() const { return {span_.data(), span_.size()}; }
  [[nodiscard]] std::string_view parent() const { return {parent_.data(), has_parent_ ? parent_.size() : 0}; }

  const std::uint8_t flags;  // W3C

 private:
  bool has_parent_;
  std::array<char, 32> id_;
  std::array<char, 16> span_, parent_;
};

// Whether it is what an OpenTelemetry SDK sends its spans with.
[[nodiscard]] bool exports_spans(const Call& call);

// How it is known to work, where it is.
[[nodiscard]] tracing::Style style_of(const Process& process);

}  // namespace subfloor::agent
