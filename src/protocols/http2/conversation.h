// SPDX-License-Identifier: Apache-2.0
// For the tests of this folder: frames as an implementation writes them, and conversations replayed in every way they
// can be cut.
#pragma once

#include <nghttp2/nghttp2.h>

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocols/http2/frame.h"
#include "protocols/http2/http2.h"
#include "protocols/http2/session.h"

namespace subfloor::protocols::http2::testing {

enum class Side : std::uint8_t { client, server };

struct Turn {
  Side from;
  std::string bytes;
};
using Conversation = std::vector<Turn>;
using Fields = std::vector<std::pair<std::string, std::string>>;

inline std::string frame(FrameType type, std::uint8_t flags, std::uint32_t stream, std::string_view payload) {
  std::string out;
  for (const int shift : {16, 8, 0}) out += static_cast<char>(payload.size() >> shift);
  out += static_cast<char>(type);
  out += static_cast<char>(flags);
  for (const int shift : {24, 16, 8, 0}) out += static_cast<char>(stream >> shift);
  return out.append(payload);
}

inline std::string u32(std::uint32_t number) {
  std::string out;
  for (const int shift : {24, 16, 8, 0}) out += static_cast<char>(number >> shift);
  return out;
}

// One after the other, in which order `+` does not evaluate.
inline std::string join(std::initializer_list<std::string> parts) {
  std::string all;
  for (const std::string& part : parts) all.append(part);
  return all;
}

// One side's encoder.
class Writer {
 public:
  explicit Writer(std::size_t table = 4096) {
    nghttp2_hd_deflater* made = nullptr;
    nghttp2_hd_deflate_new(&made, table);
    deflater_.reset(made);
  }

  void resize_table(std::size_t bytes) { nghttp2_hd_deflate_change_table_size(deflater_.get(), bytes); }

  std::string block(const Fields& fields) {
    std::vector<nghttp2_nv> list;
    for (const auto& [name, value] : fields) {
      list.push_back({reinterpret_cast<std::uint8_t*>(const_cast<char*>(name.data())),
                      reinterpret_cast<std::uint8_t*>(const_cast<char*>(value.data())), name.size(), value.size(),
                      NGHTTP2_NV_FLAG_NONE});
    }
    std::string out(nghttp2_hd_deflate_bound(deflater_.get(), list.data(), list.size()), '\0');
    const auto n = nghttp2_hd_deflate_hd(deflater_.get(), reinterpret_cast<std::uint8_t*>(out.data()), out.size(),
                                         list.data(), list.size());
    out.resize(static_cast<std::size_t>(n));
    return out;
  }
  std::string headers(std::uint32_t stream, const Fields& fields, bool end_stream = true) {
    const int flags = flag_end_headers | (end_stream ? flag_end_stream : 0);
    return frame(FrameType::headers, static_cast<std::uint8_t>(flags), stream, block(fields));
  }

 private:
  struct Deleter {
    void operator()(nghttp2_hd_deflater* deflater) const { nghttp2_hd_deflate_del(deflater); }
  };
  std::unique_ptr<nghttp2_hd_deflater, Deleter> deflater_;
};

inline std::string data(std::uint32_t stream, std::string_view content, bool end_stream = true) {
  return frame(FrameType::data, end_stream ? flag_end_stream : 0, stream, content);
}
inline std::string settings() { return frame(FrameType::settings, 0, 0, std::string("\0\3\0\0\0\x64", 6)); }
inline std::string settings_ack() { return frame(FrameType::settings, flag_ack, 0, {}); }
inline std::string reset(std::uint32_t stream, std::uint32_t code) {
  return frame(FrameType::rst_stream, 0, stream, u32(code));
}
inline std::string window_update(std::uint32_t stream) { return frame(FrameType::window_update, 0, stream, u32(100)); }
inline std::string ping() { return frame(FrameType::ping, 0, 0, "12345678"); }

inline Fields get(std::string_view path) {
  return {{":method", "GET"},
          {":path", std::string(path)},
          {":scheme", "http"},
          {":authority", "example.com:8080"},
          {"user-agent", "test/1"}};
}
inline Fields with(Fields fields, const Fields& more) {
  fields.insert(fields.end(), more.begin(), more.end());
  return fields;
}
inline Fields status(int code) { return {{":status", std::to_string(code)}, {"server", "test"}}; }
inline std::string client_start() { return std::string(connection_preface) + settings(); }

class Recorder final : public CallSink {
 public:
  void on_call(Call& call) override { calls.push_back(call); }
  std::vector<Call> calls;
};

inline std::string to_text(const HeaderList& fields) {
  std::string text;
  for (std::size_t i = 0; i < fields.size(); ++i)
    text.append(" ").append(fields[i].name).append("=").append(fields[i].value);
  return text;
}

// Everything a call says, for comparison.
inline std::string to_text(const Call& call) {
  std::string text(call.protocol->name);
  text += ' ' + std::string(to_string(call.kind)) + ' ' + call.operation + ' ' + call.path + '?' + call.query + ' ' +
          call.version + " status " + (call.status ? std::to_string(*call.status) : "none") + " error " + call.error;
  for (const std::uint64_t number : {call.start, call.request_end, call.first_byte, call.end, call.request_body_bytes,
                                     call.response_body_bytes, std::uint64_t{call.partial}, std::uint64_t{call.pid}}) {
    text += ' ' + std::to_string(number);
  }
  for (std::size_t i = 0; i < call.attributes.size(); ++i)
    text.append(" ").append(call.attributes[i].key).append("=").append(call.attributes[i].value);
  return text + " >" + to_text(call.request_headers) + " <" + to_text(call.response_headers);
}

inline std::vector<std::string> to_text(const std::vector<Call>& calls) {
  std::vector<std::string> texts;
  for (const Call& call : calls) texts.push_back(to_text(call));
  return texts;
}

// A session as one end of a connection sees it. Each turn takes 100 ns and begins 1000 ns after the one before.
class Feeder {
 public:
  explicit Feeder(Kind role = Kind::server, const Options& options = {}) : role_(role), session(options) {}

  [[nodiscard]] Direction direction(Side from) const {
    return (from == Side::client) == (role_ == Kind::server) ? Direction::inbound : Direction::outbound;
  }
  void tick() { now += 1000; }
  Next give(Side from, std::string_view bytes, std::uint64_t gap = 0) {
    last = session.on_segment({direction(from), bytes, bytes.size() + gap, now, now + 100, 10, 11}, sink);
    return last;
  }
  Next say(Side from, std::string_view bytes, std::uint64_t gap = 0) {
    tick();
    return give(from, bytes, gap);
  }
  Next client(std::string_view bytes, std::uint64_t gap = 0) { return say(Side::client, bytes, gap); }
  Next server(std::string_view bytes, std::uint64_t gap = 0) { return say(Side::server, bytes, gap); }
  void lose(Side from) { session.on_lost(direction(from), now, sink); }
  void close() {
    tick();
    session.on_close(now, sink);
  }
  [[nodiscard]] std::vector<Call>& calls() { return sink.calls; }
  // The only call.
  [[nodiscard]] Call call() const { return sink.calls.size() == 1 ? sink.calls[0] : Call{}; }

 private:
  Kind role_;

 public:
  Recorder sink;
  Http2Session session;
  Nanoseconds now = 0;
  Next last;
};

// Client and server that have greeted each other.
struct Talk {
  explicit Talk(Kind role = Kind::server, const Options& options = {}) : feeder(role, options) {
    feeder.client(client_start());
    feeder.server(settings() + settings_ack());
  }
  Writer client, server;
  Feeder feeder;
};

inline std::vector<Call> replay(const Conversation& conversation, Kind role = Kind::server,
                                const Options& options = {}) {
  Feeder feeder(role, options);
  for (const Turn& turn : conversation) feeder.say(turn.from, turn.bytes);
  feeder.close();
  return feeder.calls();
}

}  // namespace subfloor::protocols::http2::testing
