// SPDX-License-Identifier: Apache-2.0
// The input is a capture file. Whatever it holds, each connection is opened before it speaks and closed once, each byte
// of a direction comes once and in order, and no more is held than the limits say.
#include <cstdint>
#include <cstdlib>
#include <map>
#include <utility>

#include "capture/capture_file.h"
#include "capture/connections.h"
#include "support/memory_file.h"

namespace {

using namespace subfloor;
using namespace subfloor::capture;

void require(bool condition) {
  if (!condition) std::abort();
}

class Checker final : public sensors::Events {
 public:
  void on_socket_opened(const sensors::SocketOpened& opened) override {
    require(open_.try_emplace(opened.connection.key).second);
    if (opened.connection.joined_late) return;
    open_[opened.connection.key][0] = {true, opened.inbound_position};
    open_[opened.connection.key][1] = {true, opened.outbound_position};
  }
  void on_stream_data(const sensors::StreamData& data) override {
    const auto found = open_.find(data.key);
    require(found != open_.end());
    require(data.length > 0 && data.bytes.size() <= data.length && data.has_position);
    Track& track = found->second[data.outbound ? 1 : 0];
    require(!track.known || track.next == data.position);
    track = {true, data.position + static_cast<std::uint32_t>(data.length)};
  }
  void on_retransmit(SocketKey key, Nanoseconds) override { require(open_.contains(key)); }
  void on_socket_closed(const sensors::SocketClosed& closed) override { require(open_.erase(closed.key) == 1); }

 private:
  struct Track {
    bool known = false;
    std::uint32_t next = 0;
  };
  std::map<SocketKey, std::array<Track, 2>> open_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const subfloor::testing::MemoryFile memory({reinterpret_cast<const char*>(data), size});
  auto input = InputFile::open(memory.path());
  if (!input) return 0;
  auto file = CaptureFile::open(*std::move(input));
  if (!file) return 0;
  constexpr std::size_t each = 8192, all = 16384;
  constexpr std::size_t one_more = std::size_t{1} << 19;  // a segment is taken whole before there is too much
  Checker checker;
  Connections connections(checker, {.open = 8, .closed = 4, .held_each = each, .held_all = all});
  PacketDecoder decoder((*file)->link_type(), connections);
  for (;;) {
    const auto packet = (*file)->next();
    if (!packet || !*packet) break;
    decoder.on_packet(**packet);
    require(connections.size() <= 12);
    require(connections.bytes_held() <= all + one_more);
  }
  decoder.finish();
  connections.finish();
  return 0;
}
