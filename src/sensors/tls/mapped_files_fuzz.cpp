// SPDX-License-Identifier: Apache-2.0
// Paths in a memory map are of anybody's choice.
#include <set>

#include "base/fuzzing.h"
#include "sensors/tls/mapped_files.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace subfloor::sensors::tls;
  const auto files = read_mapped_code({reinterpret_cast<const char*>(data), size});
  std::set<FileId> seen;
  for (const MappedFile& file : files) {
    subfloor::fuzzing::require(seen.insert(file.id).second);
    subfloor::fuzzing::require(file.path.starts_with('/') && file.id.inode != 0);
  }
  return 0;
}
