// SPDX-License-Identifier: Apache-2.0
// CaptureFile: packets of a pcap or pcapng file, read with libpcap.
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "base/input_file.h"
#include "base/result.h"
#include "capture/decoder.h"

struct pcap;

namespace subfloor::capture {

class CaptureFile {
 public:
  // Does a file that begins so look like a capture? Four bytes suffice.
  [[nodiscard]] static bool recognise(std::string_view first_bytes);

  // An error says what it is that cannot be read: no capture, a link type nobody here knows.
  [[nodiscard]] static Result<std::unique_ptr<CaptureFile>> open(std::unique_ptr<InputFile> file);
  ~CaptureFile();
  CaptureFile(const CaptureFile&) = delete;
  CaptureFile& operator=(const CaptureFile&) = delete;

  // The next packet, valid until the next call; nothing at the end. An error names the offset where it was met.
  [[nodiscard]] Result<std::optional<Packet>> next();

  [[nodiscard]] int link_type() const { return link_type_; }
  [[nodiscard]] const InputFile& file() const { return *file_; }

 private:
  explicit CaptureFile(std::unique_ptr<InputFile> file) : file_(std::move(file)) {}
  [[nodiscard]] std::string read_error(const char* text) const;
  static long on_read(void* self, char* into, std::size_t size);
  static int on_seek(void* self, long* offset, int whence);

  std::unique_ptr<InputFile> file_;
  std::optional<Error> failure_;  // of reading the file, which libpcap has no words for
  pcap* pcap_ = nullptr;
  int link_type_ = 0;
};

}  // namespace subfloor::capture
