// SPDX-License-Identifier: Apache-2.0
// Any bytes as an executable: what is found lies in the file, in order, at instructions that it claims to be.
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>

#include "base/fd.h"
#include "base/fuzzing.h"
#include "elf/elf_file.h"
#include "elf/go_program.h"
#include "elf/instructions.h"

namespace {

using subfloor::fuzzing::require;
using namespace subfloor::elf;

void check_segments(const ElfFile& file, std::size_t size) {
  for (const ElfFile::Segment& segment : file.segments()) {
    require(segment.offset < size && segment.size <= size - segment.offset);
    require(segment.address + segment.size >= segment.address);
    if (segment.size > 0) require(file.offset_of(segment.address).has_value());
  }
}

void check_points(const ElfFile& file, const GoProbePoints& points, std::size_t size) {
  require(!points.returns.empty() && points.returns.front() > points.entry && points.returns.back() < size);
  std::uint64_t before = points.entry;
  for (const std::uint64_t at : points.returns) {
    require(at > before);
    before = at;
    const std::string code = file.bytes(at, file.machine() == EM_AARCH64 ? 4 : 1);
    if (file.machine() == EM_AARCH64)
      require(code == "\xc0\x03\x5f\xd6");
    else  // a return may have prefixes
      require(!code.empty());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const subfloor::Fd fd(::memfd_create("fuzz", MFD_CLOEXEC));
  if (::write(fd.get(), data, size) != static_cast<ssize_t>(size)) return 0;
  const auto file = ElfFile::read(fd.get());
  if (!file) return 0;
  check_segments(*file, size);
  const auto program = GoProgram::read(*file);
  if (!program) return 0;
  require(program->version().text.size() <= 64);
  for (const char c : program->version().text) require(c >= ' ' && c <= '~');
  for (const char* name : {"crypto/tls.(*Conn).Read", "f"}) {
    const auto points = program->probe_points(name);
    if (points && *points) check_points(*file, **points, size);
  }
  return 0;
}
