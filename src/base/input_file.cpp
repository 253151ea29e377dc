// SPDX-License-Identifier: Apache-2.0
#include "base/input_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/fd.h"

namespace subfloor {
namespace {

constexpr unsigned file_buffer = 256U << 10, pipe_buffer = 4U << 10;
constexpr std::size_t peek_limit = 64;

}  // namespace

InputFile::InputFile(std::string name, gzFile_s* file, std::uint64_t raw_size)
    : name_(std::move(name)), file_(file), raw_size_(raw_size) {}

InputFile::~InputFile() { gzclose(file_); }

Result<std::unique_ptr<InputFile>> InputFile::open(const std::string& path) {
  const bool standard = path == "-";
  Fd fd(standard ? ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0) : ::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  const std::string name = standard ? "standard input" : path;
  if (!fd) return fail_errno(name, errno);
  struct stat status{};
  if (::fstat(fd.get(), &status) != 0) return fail_errno(name, errno);
  if (S_ISDIR(status.st_mode)) return fail_errno(name, EISDIR);
  const std::uint64_t size = S_ISREG(status.st_mode) ? static_cast<std::uint64_t>(status.st_size) : 0;
  gzFile_s* file = gzdopen(fd.get(), "rb");
  if (file == nullptr) return fail_errno(name, ENOMEM);
  (void)fd.release();  // gzclose() closes it
  gzbuffer(file, size > 0 ? file_buffer : pipe_buffer);
  return std::unique_ptr<InputFile>(new InputFile(name, file, size));
}

Result<std::size_t> InputFile::read_file(std::byte* into, std::size_t size) {
  std::size_t got = 0;
  while (got < size) {
    const auto step = static_cast<unsigned>(std::min(size - got, std::size_t{1} << 30));
    const int n = gzread(file_, into + got, step);
    if (n > 0) got += static_cast<std::size_t>(n);
    if (n > 0 && static_cast<unsigned>(n) == step) continue;
    int code = Z_OK;
    const char* text = gzerror(file_, &code);
    if (code == Z_ERRNO) return fail_errno(name_, errno);
    // What came before a broken end is whole, and is given out first.
    if (got == 0 && code != Z_OK && code != Z_STREAM_END) return fail(fmt::format("gzip: {}", text));
    break;
  }
  return got;
}

Result<std::size_t> InputFile::read(std::span<std::byte> into) {
  const std::size_t early = std::min(peeked_.size(), into.size());
  if (early > 0) {
    std::memcpy(into.data(), peeked_.data(), early);
    peeked_.erase(0, early);
  }
  position_ += early;
  if (early == into.size()) return early;
  TRY_ASSIGN(const std::size_t got, read_file(into.data() + early, into.size() - early));
  position_ += got;
  return early + got;
}

Result<std::size_t> InputFile::read_some(std::span<std::byte> into) {
  const std::size_t step = raw_size_ > 0 ? file_buffer : pipe_buffer;
  return read(into.first(std::min(into.size(), peeked_.empty() ? step : peeked_.size())));
}

Result<std::string_view> InputFile::peek(std::size_t count) {
  const std::size_t wanted = std::min(count, peek_limit);
  if (peeked_.size() < wanted) {
    std::byte more[peek_limit];
    TRY_ASSIGN(const std::size_t got, read_file(more, wanted - peeked_.size()));
    peeked_.append(reinterpret_cast<const char*>(more), got);
  }
  return std::string_view(peeked_).substr(0, wanted);
}

std::uint64_t InputFile::raw_position() const {
  const z_off_t offset = gzoffset(file_);
  return offset > 0 ? static_cast<std::uint64_t>(offset) : 0;
}

}  // namespace subfloor
