// SPDX-License-Identifier: Apache-2.0
// The input is a ring: records one after the other, each a kind, a length of two bytes, and that many bytes.
#include <algorithm>
#include <cstring>

#include "base/byte_reader.h"
#include "base/fuzzing.h"
#include "sensors/tls/decoder.h"

namespace {

using namespace subfloor;
using fuzzing::require;

class Checker final : public sensors::Events {
 public:
  void on_tls_data(const sensors::TlsData& data) override {
    require(data.bytes.size() <= data.length);
    require(data.entered <= data.end);
    unsigned sum = 0;  // touches every byte, for AddressSanitizer
    for (const char c : data.bytes) sum += static_cast<unsigned char>(c);
    seen = seen + sum;
  }
  void on_written_on_behalf(const sensors::OnBehalf& told) override { seen = seen + told.length; }
  void on_handler(const sensors::Handler& told) override { seen = seen + told.stream; }
  volatile unsigned seen = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Checker checker;
  sensors::TlsDecoder decoder(checker);
  ByteReader reader(fuzzing::bytes_of(fuzzing::text_of(data, size)));
  std::uint8_t kind = 0;
  std::uint16_t length = 0;
  while (reader.read(kind) && reader.read(length)) {
    std::string_view text;
    require(reader.read_text(std::min<std::size_t>(length, reader.remaining()), text));
    const std::string record(text);
    record_header header{};
    std::memcpy(&header, record.data(), std::min(sizeof header, record.size()));
    header.kind = kind;
    (void)decoder.decode(header, fuzzing::bytes_of(record));
  }
  return 0;
}
