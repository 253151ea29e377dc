// SPDX-License-Identifier: Apache-2.0
// Events of a few sockets that no kernel would tell: anything about anyone at any time. The streams, and the real
// protocols, must only survive it.
#include <fuzzer/FuzzedDataProvider.h>

#include <string>

#include "base/fuzzing.h"
#include "streams/streams.h"

namespace {

using namespace subfloor;
using namespace subfloor::streams;
using fuzzing::require;

constexpr SocketKey keys = 8;

class Receiver final : public CallReceiver {
 public:
  void on_call(Call&, const Connection&, std::uint32_t, std::uint32_t) override {}
};

class Bystander final : public sensors::Steering {
 public:
  void skip_until(SocketKey, bool, std::uint32_t) override {}
  void copy(SocketKey, bool) override {}
  void copy_deep(SocketKey, bool) override {}
  void copy_at_most(SocketKey, bool, std::uint16_t) override {}
  void off(SocketKey) override {}
  void forget(SocketKey) override {}
};

sensors::SocketOpened opened(SocketKey key, FuzzedDataProvider& input) {
  sensors::SocketOpened opened;
  opened.connection.key = key;
  opened.connection.transport = input.ConsumeBool() ? Transport::tcp : Transport::unix_stream;
  opened.connection.joined_late = input.ConsumeBool();
  opened.connection.opened = input.ConsumeIntegral<std::uint64_t>();
  opened.inbound_position = input.ConsumeIntegral<std::uint32_t>();
  opened.peer = input.ConsumeIntegral<std::uint8_t>() % keys;
  return opened;
}

sensors::SocketClosed closed(SocketKey key, FuzzedDataProvider& input) {
  return {.key = key,
          .when = input.ConsumeIntegral<std::uint64_t>(),
          .has_positions = input.ConsumeBool(),
          .inbound_position = input.ConsumeIntegral<std::uint32_t>()};
}

void tell_of_data(Streams& streams, SocketKey key, FuzzedDataProvider& input) {
  const std::string bytes = input.ConsumeRandomLengthString(200);
  streams.on_data({.key = key,
                   .outbound = input.ConsumeBool(),
                   .has_position = input.ConsumeBool(),
                   .position = input.ConsumeIntegral<std::uint32_t>(),
                   .length = bytes.size() + input.ConsumeIntegral<std::uint32_t>() % 3,
                   .bytes = bytes,
                   .other_position = input.ConsumeIntegral<std::uint32_t>(),
                   .begin = input.ConsumeIntegral<std::uint64_t>(),
                   .end = input.ConsumeIntegral<std::uint64_t>()});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzedDataProvider input(data, size);
  Receiver receiver;
  Bystander bystander;
  Streams streams({.protocols = protocols::all_protocols()}, input.ConsumeBool() ? &bystander : nullptr, receiver);
  while (input.remaining_bytes() > 0) {
    const SocketKey key = input.ConsumeIntegral<std::uint8_t>() % keys;
    switch (input.ConsumeIntegralInRange<int>(0, 6)) {
      case 0: streams.on_opened(opened(key, input)); break;
      case 1: streams.on_closed(closed(key, input)); break;
      case 2: streams.tick(input.ConsumeIntegral<std::uint64_t>()); break;
      default: tell_of_data(streams, key, input);
    }
    require(streams.size() <= keys);
  }
  streams.finish(1);
  require(streams.active(Kind::server) == 0);
  return 0;
}
