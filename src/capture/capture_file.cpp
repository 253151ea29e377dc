// SPDX-License-Identifier: Apache-2.0
#include "capture/capture_file.h"

#include <pcap/pcap.h>

#include <algorithm>
#include <array>
#include <cstdio>

#include "capture/link.h"

namespace subfloor::capture {
namespace {

constexpr std::size_t buffer_bytes = std::size_t{1} << 18;
constexpr Nanoseconds second = 1'000'000'000;
constexpr Nanoseconds furthest_second = 17'000'000'000;  // of the year 2508; more would not fit

Nanoseconds time_of(const timeval& stamp) {  // whose tv_usec are nanoseconds here
  if (stamp.tv_sec < 0 || stamp.tv_usec < 0) return 0;
  const auto seconds = std::min(static_cast<Nanoseconds>(stamp.tv_sec), furthest_second);
  return seconds * second + std::min(static_cast<Nanoseconds>(stamp.tv_usec), second - 1);
}

std::string link_name(int link_type) {
  const char* name = pcap_datalink_val_to_name(link_type);
  return name != nullptr ? name : std::to_string(link_type);
}

}  // namespace

bool CaptureFile::recognise(std::string_view first_bytes) {
  constexpr std::array<std::string_view, 6> magic{
      "\xa1\xb2\xc3\xd4", "\xd4\xc3\xb2\xa1",  // µs, either byte order
      "\xa1\xb2\x3c\x4d", "\x4d\x3c\xb2\xa1",  // ns
      "\xa1\xb2\xcd\x34", "\x0a\x0d\x0d\x0a",  // an old variant; pcapng
  };
  return std::any_of(magic.begin(), magic.end(), [&](std::string_view m) { return first_bytes.starts_with(m); }) ||
         first_bytes.starts_with("\x34\xcd\xb2\xa1");
}

long CaptureFile::on_read(void* self, char* into, std::size_t size) {
  auto& file = *static_cast<CaptureFile*>(self);
  auto got = file.file_->read_some(std::as_writable_bytes(std::span(into, size)));
  if (got) return static_cast<long>(*got);
  file.failure_ = std::move(got).error();
  return 0;  // -1 would only make libpcap speak of errno
}

// Only to be asked where it stands.
int CaptureFile::on_seek(void* self, long* offset, int whence) {
  if (whence != SEEK_CUR || *offset != 0) return -1;
  *offset = static_cast<long>(static_cast<CaptureFile*>(self)->file_->position());
  return 0;
}

Result<std::unique_ptr<CaptureFile>> CaptureFile::open(std::unique_ptr<InputFile> file) {
  std::unique_ptr<CaptureFile> capture(new CaptureFile(std::move(file)));
  const cookie_io_functions_t functions{.read = on_read, .write = nullptr, .seek = on_seek, .close = nullptr};
  FILE* stream = fopencookie(capture.get(), "r", functions);
  if (stream == nullptr) return fail_errno(capture->file_->name(), errno);
  setvbuf(stream, nullptr, _IOFBF, buffer_bytes);
  std::array<char, PCAP_ERRBUF_SIZE> why{};
  capture->pcap_ = pcap_fopen_offline_with_tstamp_precision(stream, PCAP_TSTAMP_PRECISION_NANO, why.data());
  if (capture->pcap_ == nullptr) {
    (void)std::fclose(stream);
    if (capture->failure_) return Failure(capture->failure_->in(capture->file_->name()));
    return fail(fmt::format("{}: {}", capture->file_->name(), why.data()));
  }
  capture->link_type_ = pcap_datalink(capture->pcap_);
  if (!known_link(capture->link_type_))
    return fail(fmt::format("{}: link type {} is none of EN10MB, RAW, LINUX_SLL, LINUX_SLL2, NULL, LOOP",
                            capture->file_->name(), link_name(capture->link_type_)));
  return capture;
}

CaptureFile::~CaptureFile() {
  if (pcap_ != nullptr) pcap_close(pcap_);
}

std::string CaptureFile::read_error(const char* text) const {
  const long offset = std::ftell(pcap_file(pcap_));
  return fmt::format("{}: offset {}: {}", file_->name(),
                     offset < 0 ? file_->position() : static_cast<std::uint64_t>(offset), text);
}

Result<std::optional<Packet>> CaptureFile::next() {
  pcap_pkthdr* header = nullptr;
  const u_char* bytes = nullptr;
  const int result = pcap_next_ex(pcap_, &header, &bytes);
  if (failure_) return fail(read_error(failure_->message.c_str()), failure_->code);
  if (result == PCAP_ERROR_BREAK) return std::nullopt;
  if (result != 1) return fail(read_error(pcap_geterr(pcap_)));
  return Packet{time_of(header->ts),
                {{reinterpret_cast<const char*>(bytes), header->caplen}, std::max(header->len, header->caplen)}};
}

}  // namespace subfloor::capture
