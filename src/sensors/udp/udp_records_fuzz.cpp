// SPDX-License-Identifier: Apache-2.0
// The input is a ring: records one after the other, each a kind, a length of two bytes, and that many bytes, which
// begin as the kind's struct does. Checked: no event claims content that its record does not have.
#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>

#include "base/byte_reader.h"
#include "base/fuzzing.h"
#include "sensors/udp/decoder.h"

namespace {

using namespace subfloor;
using fuzzing::require;

class Checker final : public sensors::Events {
 public:
  explicit Checker(std::size_t limit) : limit_(limit) {}

  void on_datagram(const sensors::Datagram& datagram) override {
    require(datagram.bytes.size() <= datagram.length && datagram.bytes.size() <= limit_);
    unsigned sum = 0;  // touches every byte, for AddressSanitizer
    for (const char c : datagram.bytes) sum += static_cast<unsigned char>(c);
    seen = seen + sum;
  }

  volatile unsigned seen = 0;

 private:
  std::size_t limit_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = fuzzing::text_of(data, size);
  Checker checker(input.size());
  sensors::UdpDecoder decoder(checker);
  ByteReader reader(fuzzing::bytes_of(input));
  std::uint8_t kind = 0;
  std::uint16_t length = 0;
  while (reader.read(kind) && reader.read(length)) {
    std::string_view text;
    require(reader.read_text(std::min<std::size_t>(length, reader.remaining()), text));
    const std::string record(text);  // of exactly that size, so that a byte too many is found
    record_header header{};
    std::memcpy(&header, record.data(), std::min(sizeof header, record.size()));
    header.kind = kind;
    (void)decoder.decode(header, fuzzing::bytes_of(record));
  }
  return 0;
}
