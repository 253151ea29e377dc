// SPDX-License-Identifier: Apache-2.0
#include "cli/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>

#include "cli/text.h"

namespace subfloor::cli {
namespace {

constexpr std::size_t status_width = 4, duration_width = 7, narrowest_path = 8;
constexpr Nanoseconds ms = 1'000'000;

constexpr std::string_view bold = "1", dim = "2", red = "31", bold_red = "1;31", green = "32", yellow = "33",
                           cyan = "36";

// "12:34:56.789" in local time of "2026-01-31T12:34:56.789123456Z"; the text as it is where it is no such thing.
std::string local_time(const std::string& text, std::size_t width) {
  std::tm utc{};
  int milliseconds = 0;
  if (std::sscanf(text.c_str(), "%4d-%2d-%2dT%2d:%2d:%2d.%3d", &utc.tm_year, &utc.tm_mon, &utc.tm_mday, &utc.tm_hour,
                  &utc.tm_min, &utc.tm_sec, &milliseconds) != 7)
    return text;
  utc.tm_year -= 1900;
  utc.tm_mon -= 1;
  const std::time_t time = timegm(&utc);
  std::tm local{};
  localtime_r(&time, &local);
  const std::string seconds = fmt::format("{:02}:{:02}:{:02}", local.tm_hour, local.tm_min, local.tm_sec);
  return width < 12 ? seconds : fmt::format("{}.{:03}", seconds, milliseconds);
}

// One glyph that grows with the logarithm of the duration.
std::string_view bar_of(Nanoseconds duration, bool utf8) {
  constexpr std::array<Nanoseconds, 7> steps{1 * ms, 5 * ms, 25 * ms, 100 * ms, 250 * ms, 1000 * ms, 5000 * ms};
  constexpr std::array<std::string_view, 8> bars{"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  constexpr std::array<std::string_view, 8> ascii{".", ".", ":", ":", "|", "|", "#", "#"};
  const auto step = static_cast<std::size_t>(std::upper_bound(steps.begin(), steps.end(), duration) - steps.begin());
  return utf8 ? bars[step] : ascii[step];
}

std::string_view colour_of(Nanoseconds duration) {
  return duration >= 1000 * ms ? red : duration >= 100 * ms ? yellow : green;
}

std::string_view colour_of_status(const std::optional<int>& status) {
  if (!status) return dim;
  if (*status >= 500) return bold_red;
  if (*status >= 400) return yellow;
  return *status >= 300 ? cyan : green;
}

}  // namespace

Table::Table(const Look& look) : look_(look), layout_(layout_for(look.width)) {}

Table::Layout Table::layout_for(std::size_t width) {
  Layout layout;
  if (width == 0) return {.time = 12, .side = 22, .kind = 6, .method = 7, .path = 40, .size = 6, .bar = 1, .note = 12};
  if (width < 90) layout = {.time = 8, .side = 8, .kind = 1, .method = 6, .path = 0, .size = 0, .bar = 0, .note = 0};
  if (width >= 120) layout.size = 6;
  if (width >= 150) layout.note = 12, layout.side = 20;
  if (width >= 180) layout.side = 24;
  // Between columns is one space; the two ends of a call have " → " between them.
  const auto column = [](std::size_t n) { return n == 0 ? 0 : n + 1; };
  const std::size_t others = column(layout.time) + column(2 * layout.side + 3) + column(layout.kind) +
                             column(layout.method) + column(status_width) + column(duration_width) +
                             column(layout.bar) + 2 * column(layout.size) + column(layout.note);
  layout.path = width > others + narrowest_path ? width - others : narrowest_path;
  return layout;
}

std::string Table::coloured(std::string_view sgr, std::string text) const {
  if (!look_.colour || sgr.empty() || text.find_first_not_of(' ') == std::string::npos) return text;
  return fmt::format("\x1b[{}m{}\x1b[0m", sgr, text);
}

std::string Table::header() const {
  const auto cell = [&](std::string_view text, std::size_t width, Align align = Align::left) {
    return width == 0 ? "" : fit(text, width, look_.utf8, align) + " ";
  };
  std::string line = cell("TIME", layout_.time) + cell("CLIENT", layout_.side) + (look_.utf8 ? "→ " : "> ") +
                     cell("SERVER", layout_.side) + cell(layout_.kind > 1 ? "SEEN" : "", layout_.kind) +
                     cell("METHOD", layout_.method) + cell("PATH", layout_.path) + cell("STAT", status_width) +
                     cell("TOOK", duration_width, Align::right) + cell("", layout_.bar) +
                     cell("SENT", layout_.size, Align::right) + cell("GOT", layout_.size, Align::right) +
                     cell("PARTIAL", layout_.note);
  line.erase(line.find_last_not_of(' ') + 1);
  return coloured(bold, line) + "\n";
}

std::string Table::row(const Row& row) const {
  const bool utf8 = look_.utf8;
  const auto cell = [&](std::string_view text, std::size_t width, std::string_view colour = "",
                        Align align = Align::left) {
    return width == 0 ? "" : coloured(colour, fit(text, width, utf8, align)) + " ";
  };
  const auto size = [&](const std::optional<std::uint64_t>& bytes) {
    return cell(bytes ? human_size(*bytes) : "-", layout_.size, dim, Align::right);
  };
  std::string line = cell(printable(local_time(row.time, layout_.time), utf8), layout_.time, dim);
  line += end_cell(row.client) + coloured(dim, utf8 ? " → " : " > ") + end_cell(row.server) + " ";
  line += cell(printable(row.kind, utf8).substr(0, layout_.kind), layout_.kind, dim);
  line += row.protocol.empty() ? cell(printable(row.method, utf8), layout_.method, bold) + path_cell(row) : call_cell(row);
  line += " " + status_cell(row) + " " + duration_cell(row);
  line += size(row.request_bytes) + size(row.response_bytes);
  line += cell(printable(row.partial, utf8), layout_.note, yellow);
  line.erase(line.find_last_not_of(' ') + 1);
  return line + "\n";
}

// "nginx:1234", where there is room for both; a long name is cut, the pid never.
std::string Table::end_cell(const Row::End& end) const {
  const std::string name = end.name.empty() ? "?" : printable(end.name, look_.utf8);
  const std::string pid = end.pid != 0 && layout_.side >= 14 ? fmt::format(":{}", end.pid) : "";
  const std::string shown = shorten(name, layout_.side - pid.size(), look_.utf8);
  const std::string padding(layout_.side - columns(shown) - pid.size(), ' ');
  return shown + coloured(dim, pid) + padding;
}

std::string Table::path_cell(const Row& row) const {
  const std::string path = printable(row.path, look_.utf8);
  const std::string whole = row.query.empty() ? path : path + "?" + printable(row.query, look_.utf8);
  const std::size_t width = look_.width == 0 ? std::max(layout_.path, columns(whole)) : layout_.path;
  const std::string shown = fit(whole, width, look_.utf8);
  if (row.query.empty() || columns(path) >= width) return shown;
  return shown.substr(0, path.size()) + coloured(dim, shown.substr(path.size()));
}

// "postgresql SELECT orders 42P01" in place of method and path.
std::string Table::call_cell(const Row& row) const {
  const std::string protocol = printable(row.protocol, look_.utf8), outcome = printable(row.outcome, look_.utf8);
  std::string text = protocol;
  for (const std::string* part : {&row.method, &row.path})
    if (!part->empty()) text += " " + printable(*part, look_.utf8);
  std::size_t width = layout_.method + 1 + layout_.path;
  if (look_.width == 0) width = std::max(width, columns(text) + 1 + columns(outcome));
  const std::size_t behind = outcome.empty() ? 0 : std::min(columns(outcome), width / 2);
  std::string shown = shorten(text, width - (behind == 0 ? 0 : behind + 1), look_.utf8);
  std::size_t used = columns(shown);
  if (shown.starts_with(protocol)) shown = coloured(dim, protocol) + coloured(bold, shown.substr(protocol.size()));
  if (behind > 0) {
    shown += " " + coloured(row.failed ? red : yellow, shorten(outcome, behind, look_.utf8));
    used += 1 + std::min(behind, columns(shorten(outcome, behind, look_.utf8)));
  }
  return shown + std::string(width - used, ' ');
}

// A '~' after it marks a call that is not whole.
std::string Table::status_cell(const Row& row) const {
  // Others' codes are of many kinds: what they mean is in the call's cell.
  const bool http = row.protocol.empty();
  std::string status = http || !row.answered ? "-" : row.failed ? "err" : "ok";
  if (row.status && (http || (!row.failed && *row.status > 0 && *row.status < 1000))) status = std::to_string(*row.status);
  const std::string mark = row.partial.empty() ? " " : "~";
  const std::string_view colour = http           ? colour_of_status(row.status)
                                  : row.failed   ? bold_red
                                  : row.answered ? green
                                                 : dim;
  return coloured(colour, fit(status, status_width - 1, look_.utf8, Align::right)) +
         coloured(yellow, mark);
}

std::string Table::duration_cell(const Row& row) const {
  const std::string_view colour = colour_of(row.duration);
  std::string cell =
      coloured(colour, fit(human_duration(row.duration, look_.utf8), duration_width, look_.utf8, Align::right)) + " ";
  if (layout_.bar > 0) cell += coloured(colour, std::string(bar_of(row.duration, look_.utf8))) + " ";
  return cell;
}

}  // namespace subfloor::cli
