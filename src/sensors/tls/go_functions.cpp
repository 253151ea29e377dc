// SPDX-License-Identifier: Apache-2.0
#include "sensors/tls/go_functions.h"

#include "elf/go_program.h"

namespace subfloor::sensors::tls {

Result<std::optional<std::vector<Placement>>> go_placements(const elf::ElfFile& file) {
  const auto program = elf::GoProgram::read(file);
  if (!program) return std::nullopt;
  const auto refused = [&](const Error& error) {
    return fail(fmt::format("{}: {}", program->version().text.empty() ? "Go" : program->version().text, error.message));
  };
  const auto read = program->probe_points("crypto/tls.(*Conn).Read");
  if (!read) return refused(read.error());
  const auto write = program->probe_points("crypto/tls.(*Conn).Write");
  if (!write) return refused(write.error());
  if (!*read || !*write) return std::nullopt;
  // A return whose beginning was not seen is nothing; a beginning whose return is not seen would leave a trace.
  return std::vector<Placement>{{.program = "go_read_returns", .offsets = (*read)->returns},
                                {.program = "go_read_begins", .offsets = {(*read)->entry}},
                                {.program = "go_write_begins", .offsets = {(*write)->entry}}};
}

}  // namespace subfloor::sensors::tls
