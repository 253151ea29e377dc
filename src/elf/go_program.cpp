// SPDX-License-Identifier: Apache-2.0
#include "elf/go_program.h"

#include "elf/instructions.h"

namespace subfloor::elf {
namespace {

constexpr std::uint64_t max_code = 256 << 10;
constexpr std::size_t max_returns = 256;

}  // namespace

std::optional<GoProgram> GoProgram::read(const ElfFile& file) {
  auto version = go_version(file);
  if (!version && file.find(".gopclntab") == nullptr) return std::nullopt;
  return GoProgram(file, version.value_or(GoVersion{}), GoTable::find(file));
}

// Since Go 1.17, on arm64 since 1.18. Tables of 1.16 and 1.17 look alike.
bool GoProgram::passes_in_registers() const {
  const int since = file_->machine() == EM_AARCH64 ? 18 : 17;
  return table_->relative() || (version_.major == 1 && version_.minor >= since);
}

Result<GoProbePoints> GoProgram::points_in(const GoFunction& function) const {
  const auto offset = file_->code_offset_of(function.address);
  if (!offset || function.size > max_code) return fail("the function is not where the program's table says");
  const std::string code = file_->bytes(*offset, function.size);
  if (code.size() != function.size) return fail("the file ends inside the function");
  const auto entry = stack_check_branch(file_->machine(), code);
  if (!entry) return fail("the function does not begin as Go's do");
  TRY_ASSIGN(const std::vector<std::uint32_t> returns, find_returns(file_->machine(), code));
  if (returns.empty() || returns.size() > max_returns)
    return fail("the function returns nowhere, or in too many places");
  GoProbePoints points{.entry = *offset + *entry, .returns = {}};
  for (const std::uint32_t at : returns) points.returns.push_back(*offset + at);
  return points;
}

Result<std::optional<GoProbePoints>> GoProgram::probe_points(std::string_view name) const {
  if (!table_) return fail("its table of functions is of an unknown form");
  Result<std::optional<GoProbePoints>> last = std::nullopt;
  for (const std::uint64_t text : table_->texts()) {
    const auto function = table_->function(name, text);
    if (!function) return std::nullopt;
    if (!passes_in_registers()) return fail("it was built with a Go that passes arguments on the stack (before 1.17)");
    auto points = points_in(*function);
    if (points) return *std::move(points);
    last = Failure(std::move(points).error());
  }
  return last;
}

}  // namespace subfloor::elf
