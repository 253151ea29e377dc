// SPDX-License-Identifier: Apache-2.0
// Any bytes as a library.
#include <sys/mman.h>
#include <unistd.h>

#include <array>

#include "base/fd.h"
#include "base/fuzzing.h"
#include "elf/elf_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace subfloor;
  const Fd file(::memfd_create("fuzz", MFD_CLOEXEC));
  if (::write(file.get(), data, size) != static_cast<ssize_t>(size)) return 0;
  const auto elf = elf::ElfFile::read(file.get());
  if (!elf) return 0;
  constexpr std::array<std::string_view, 2> names{"SSL_read", "f"};
  const auto offsets = elf->functions(names, elf::ElfFile::Symbols::all);
  fuzzing::require(offsets.size() == names.size());
  return 0;
}
