// SPDX-License-Identifier: Apache-2.0
// Any bytes as an executable.
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>

#include "base/fd.h"
#include "identity/process/elf_language.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const subfloor::Fd file(::memfd_create("fuzz", MFD_CLOEXEC));
  if (::write(file.get(), data, size) != static_cast<ssize_t>(size)) return 0;
  (void)subfloor::identity::language_of_elf(file.get());
  return 0;
}
