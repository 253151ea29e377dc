// SPDX-License-Identifier: Apache-2.0
// Datagrams of a few sockets and peers, as a kernel tells them or not: any content, any order, any time. Checked:
// bounds, and that of each flow no more calls come than messages went.
#include <fuzzer/FuzzedDataProvider.h>

#include <string>

#include "base/fuzzing.h"
#include "streams/datagrams.h"

namespace {

using namespace subfloor;
using namespace subfloor::streams;
using fuzzing::require;

constexpr SocketKey keys = 4;
constexpr std::size_t flows = 6;

class Receiver final : public CallReceiver {
 public:
  void on_call(Call& call, const Connection& connection, std::uint32_t, std::uint32_t) override {
    require(connection.transport == Transport::udp && connection.key < keys);
    require(!call.operation.empty());
    ++calls;
  }
  std::uint64_t calls = 0;
};

Address address(FuzzedDataProvider& input) {
  Address made;
  made.ip[10] = made.ip[11] = 0xff;
  made.ip[12] = input.ConsumeBool() ? 127 : 224;
  made.port = input.ConsumeIntegralInRange<std::uint16_t>(50, 53);
  return made;
}

void tell_of_datagram(Datagrams& datagrams, FuzzedDataProvider& input) {
  const std::string bytes = input.ConsumeRandomLengthString(200);
  sensors::Datagram datagram;
  datagram.key = input.ConsumeIntegral<std::uint8_t>() % keys;
  datagram.local = address(input);
  datagram.remote = address(input);
  datagram.outbound = input.ConsumeBool();
  datagram.bytes = bytes;
  datagram.length = bytes.size() + input.ConsumeIntegral<std::uint8_t>() % 3;
  datagram.when = input.ConsumeIntegral<std::uint64_t>();
  datagram.pid = input.ConsumeIntegral<std::uint8_t>();
  datagram.lost_before = input.ConsumeIntegral<std::uint8_t>() < 8;
  datagrams.on_datagram(datagram);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzedDataProvider input(data, size);
  Receiver receiver;
  Datagrams datagrams({.protocols = protocols::all_protocols(), .on_the_wire = input.ConsumeBool()}, receiver,
                      {.flows = flows});
  std::uint64_t told = 0;
  while (input.remaining_bytes() > 0) {
    switch (input.ConsumeIntegralInRange<int>(0, 6)) {
      case 0:
        datagrams.on_closed(input.ConsumeIntegral<std::uint8_t>() % keys, input.ConsumeIntegral<std::uint64_t>());
        break;
      case 1: datagrams.tick(input.ConsumeIntegral<std::uint64_t>()); break;
      default: tell_of_datagram(datagrams, input); ++told;
    }
    require(datagrams.size() <= flows);
  }
  datagrams.finish(1);
  require(datagrams.size() == 0);
  require(receiver.calls <= told && receiver.calls == datagrams.counters().calls);
  return 0;
}
