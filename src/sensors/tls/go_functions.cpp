// SPDX-License-Identifier: Apache-2.0
#include "sensors/tls/go_functions.h"

#include <array>
#include <span>
#include <string_view>
#include <utility>

#include "elf/go_program.h"

namespace subfloor::sensors::tls {
namespace {

struct Step {
  std::string_view program;
  bool at_returns;
  std::array<std::string_view, 2> names;  // of one function, in one release or another
};

// By what goroutine a request is asked for, and where it is written: good for something only together. All that notes
// who asks before all that looks it up.
using Part = std::span<const Step>;
constexpr std::array http1 = std::to_array<Step>({
    {"go_http1_asks", false, {"net/http.(*persistConn).roundTrip"}},
    {"go_http1_writes", false, {"net/http.persistConnWriter.Write"}},
});
constexpr std::array http2 = std::to_array<Step>({
    {"go_http2_asks", false, {"net/http.(*http2ClientConn).roundTrip", "net/http.(*http2ClientConn).RoundTrip"}},
    {"go_http2_begins", false, {"net/http.(*http2clientStream).encodeAndWriteHeaders"}},
    {"go_http2_writes", false, {"net/http.(*http2ClientConn).writeHeaders"}},
});
constexpr std::array http2_apart = std::to_array<Step>({
    {"go_http2_asks",
     false,
     {"golang.org/x/net/http2.(*ClientConn).roundTrip", "golang.org/x/net/http2.(*ClientConn).RoundTrip"}},
    {"go_http2_begins", false, {"golang.org/x/net/http2.(*clientStream).encodeAndWriteHeaders"}},
    {"go_http2_writes", false, {"golang.org/x/net/http2.(*ClientConn).writeHeaders"}},
});

// Who handles what was asked for.
constexpr std::array served = std::to_array<Step>({
    {"go_http2_handled", true, {"net/http.(*http2serverConn).runHandler"}},
    {"go_http2_handles", false, {"net/http.(*http2serverConn).runHandler"}},
});
constexpr std::array served_apart = std::to_array<Step>({
    {"go_http2_handled", true, {"golang.org/x/net/http2.(*serverConn).runHandler"}},
    {"go_http2_handles", false, {"golang.org/x/net/http2.(*serverConn).runHandler"}},
});

std::vector<std::uint64_t> places_of(const elf::GoProgram& program, const Step& step) {
  for (const std::string_view name : step.names) {
    if (name.empty()) continue;
    if (const auto points = program.probe_points(name); points && *points)
      return step.at_returns ? (*points)->returns : std::vector{(*points)->entry};
  }
  return {};
}

// Empty where the program has no such part, or one that must not be probed: then its calls are left unconnected.
std::vector<Placement> placements_of(const elf::GoProgram& program, Part part) {
  std::vector<Placement> all;
  for (const Step& step : part) {
    std::vector<std::uint64_t> places = places_of(program, step);
    if (places.empty()) return {};
    all.push_back({.program = step.program, .offsets = std::move(places)});
  }
  return all;
}

std::vector<Placement> following(const elf::GoProgram& program) {
  std::vector<Placement> all;
  for (const Part part : {Part(http1), Part(http2), Part(http2_apart), Part(served), Part(served_apart)}) {
    for (Placement& placement : placements_of(program, part)) all.push_back(std::move(placement));
  }
  return all;
}

}  // namespace

Result<std::optional<Functions>> find_go_functions(const elf::ElfFile& file) {
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
  return Functions{.library = Library::go,
                   .placements = {{.program = "go_read_returns", .offsets = (*read)->returns},
                                  {.program = "go_read_begins", .offsets = {(*read)->entry}},
                                  {.program = "go_write_begins", .offsets = {(*write)->entry}}},
                   .following = following(*program)};
}

}  // namespace subfloor::sensors::tls
