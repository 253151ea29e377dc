// SPDX-License-Identifier: Apache-2.0
#include "cli/top/draw.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "cli/text.h"

namespace subfloor::cli {
namespace {

constexpr std::string_view bold = "1", dim = "2", red = "31", green = "32", yellow = "33", reverse = "7";
constexpr std::size_t head_lines = 3;  // title, second line, names of columns
constexpr std::uint64_t ms = 1'000'000;

// "12", "1.2k", "34.5M": at most six columns.
std::string human_rate(double rate) {
  constexpr std::string_view units = "kMGT";
  if (rate < 0.05) return rate > 0 ? "<0.1" : "0";
  if (rate < 9.95) return fmt::format("{:.1f}", rate);
  if (rate < 9999.5) return fmt::format("{:.0f}", rate);
  std::size_t unit = 0;
  for (rate /= 1000; rate >= 999.5 && unit + 1 < units.size(); rate /= 1000) ++unit;
  return fmt::format("{:.1f}{}", rate, units[unit]);
}

std::string percent(const std::optional<double>& ratio) {
  if (!ratio) return "-";
  const double value = *ratio * 100;
  if (value > 0 && value < 0.1) return "<0.1%";
  return fmt::format("{:.{}f}%", value, value < 9.95 && value > 0 ? 1 : 0);
}

std::string grouped(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (std::size_t at = text.size(); at > 3; at -= 3) text.insert(at - 3, ",");
  return text;
}

struct Column {
  std::string_view title;
  std::size_t width;
  Align align = Align::left;
  std::optional<TopSort> sort = std::nullopt;
};

class Page {
 public:
  Page(const Board& board, const TopControls& controls, const Look& look)
      : board_(board), controls_(controls), look_(look) {
    lay_out();
  }

  [[nodiscard]] std::string title() const;
  [[nodiscard]] std::string second(std::size_t shown, std::size_t all) const;
  [[nodiscard]] std::string columns_line() const;
  [[nodiscard]] std::string row(const BoardRow& row) const;
  [[nodiscard]] std::string other() const;
  [[nodiscard]] std::string text_line(std::string_view text) const { return fit_line(text); }

 private:
  void lay_out();
  [[nodiscard]] std::string paint(std::string_view sgr, std::string text) const {
    if (!look_.colour || sgr.empty() || text.find_first_not_of(' ') == std::string::npos) return text;
    return fmt::format("\x1b[{}m{}\x1b[0m", sgr, text);
  }
  [[nodiscard]] std::string cell(std::string_view text, std::size_t width, std::string_view sgr = {},
                                 Align align = Align::left) const {
    return width == 0 ? "" : paint(sgr, fit(printable(text, look_.utf8), width, look_.utf8, align)) + " ";
  }
  [[nodiscard]] std::string fit_line(std::string_view text) const {
    return look_.width == 0 ? std::string(text) : shorten(text, look_.width, look_.utf8);
  }
  [[nodiscard]] std::string numbers(const BoardRow& row) const;
  [[nodiscard]] std::string duration(const std::optional<std::uint64_t>& value, std::size_t width) const;
  [[nodiscard]] std::string separator() const { return look_.utf8 ? " · " : " | "; }

  const Board& board_;
  const TopControls& controls_;
  Look look_;
  std::size_t service_ = 18, kind_ = 6, protocol_ = 10, operation_ = 0, detail_ = 0;  // widths; 0: left out
  std::size_t rate_ = 7, error_ = 6, p50_ = 7, p95_ = 7, p99_ = 7, bytes_ = 6, trend_ = 20;
  std::string_view detail_title_;
};

void Page::lay_out() {
  const std::string& by = board_.header().by;
  if (by == "route" || by == "operation") operation_ = 10;
  detail_title_ = by == "peer" ? "PEER" : by == "route" ? "ROUTE OR TARGET" : "";
  // What grows with the terminal: the peer or route, else the operation, else the service.
  std::size_t& growing = !detail_title_.empty() ? detail_ : by == "operation" ? operation_ : service_;
  const std::size_t least = 16;
  if (look_.width == 0) {
    growing = 40;
    service_ = std::max<std::size_t>(service_, 24);
    return;
  }
  if (look_.width < 130) service_ = 14, trend_ = 10;
  if (look_.width < 110) bytes_ = 0;
  if (look_.width < 90) kind_ = 1, protocol_ = 8, p95_ = 0, trend_ = 0, operation_ = std::min<std::size_t>(operation_, 7);
  if (look_.width < 70) p50_ = 0, service_ = 10, protocol_ = 5;
  growing = 0;
  const auto column = [](std::size_t width) { return width == 0 ? 0 : width + 1; };
  const std::size_t others = column(service_) + column(kind_) + column(protocol_) + column(operation_) +
                             column(detail_) + column(rate_) + column(error_) + column(p50_) + column(p95_) +
                             column(p99_) + 2 * column(bytes_) + column(trend_);
  growing = look_.width > others + least + 1 ? look_.width - others - 1 : least;
}

std::string Page::title() const {
  const Board::Header& header = board_.header();
  const auto& completeness = header.completeness;
  std::string text = "subfloor top" + separator() + "by " + header.by + separator();
  text += fmt::format("{}/s{}{} errors{}", human_rate(header.rate), separator(), percent(header.error_ratio),
                      separator());
  // Rounded down: what is not complete must not read 1.0000.
  text += completeness ? fmt::format("completeness {:.4f}{}{} lost", std::floor(*completeness * 1e4) / 1e4, separator(),
                                     grouped(header.lost))
                       : "completeness unknown";
  if (!header.rung.empty()) text += separator() + header.rung;
  text = fit_line(printable(text, true));
  const bool whole = !completeness || (*completeness >= 1 && header.lost == 0);
  return paint(whole ? bold : "1;33", std::move(text));
}

std::string Page::second(std::size_t shown, std::size_t all) const {
  const Board::Header& header = board_.header();
  if (controls_.typing) return fit_line("filter: " + printable(controls_.text, look_.utf8) + "_");
  std::string text = fmt::format("{} calls since the start{}over the last {:.0f} s{}{} of {} rows",
                                 grouped(header.total_calls), separator(), header.rate_over, separator(), shown, all);
  if (!controls_.text.empty()) text += separator() + "filter: " + printable(controls_.text, look_.utf8);
  if (controls_.paused) text += separator() + "PAUSED";
  if (look_.width > 0) text += separator() + "? for help";
  return paint(dim, fit_line(text));
}

std::string Page::columns_line() const {
  const auto title = [&](std::string_view text, std::size_t width, Align align = Align::left,
                         std::optional<TopSort> sort = std::nullopt) {
    if (width == 0) return std::string();
    const bool sorted = sort == controls_.sort;
    const std::string_view mark = !sorted ? "" : look_.utf8 ? (controls_.inverted ? "▲" : "▼")
                                                            : (controls_.inverted ? "^" : "v");
    return fit(std::string(mark) + std::string(text), width, look_.utf8, align) + " ";
  };
  std::string line = title("SERVICE", service_, Align::left, TopSort::name) + title(kind_ > 1 ? "SIDE" : "", kind_) +
                     title("PROTOCOL", protocol_) + title("OPERATION", operation_) + title(detail_title_, detail_) +
                     title("RATE/s", rate_, Align::right, TopSort::rate) +
                     title("ERR", error_, Align::right, TopSort::errors) +
                     title("P50", p50_, Align::right, TopSort::p50) + title("P95", p95_, Align::right, TopSort::p95) +
                     title("P99", p99_, Align::right, TopSort::p99) +
                     title("IN/s", bytes_, Align::right, TopSort::bytes) + title("OUT/s", bytes_, Align::right) +
                     title("TREND", trend_);
  if (look_.width == 0) line.erase(line.find_last_not_of(' ') + 1);
  return paint(look_.width > 0 ? reverse : bold, fit_line(line));
}

std::string Page::duration(const std::optional<std::uint64_t>& value, std::size_t width) const {
  if (!value) return cell("-", width, dim, Align::right);
  return cell(human_duration(*value, look_.utf8), width, *value >= 1000 * ms ? red : *value >= 100 * ms ? yellow : green,
              Align::right);
}

std::string Page::numbers(const BoardRow& row) const {
  const bool failing = row.error_ratio.value_or(0) > 0;
  const auto size = [&](double rate) {
    return cell(rate > 0 ? human_size(static_cast<std::uint64_t>(rate)) : "-", bytes_, dim, Align::right);
  };
  const bool server = row.kind != "client";
  return cell(human_rate(row.rate), rate_, bold, Align::right) +
         cell(percent(row.error_ratio), error_, failing ? red : dim, Align::right) + duration(row.p50, p50_) +
         duration(row.p95, p95_) + duration(row.p99, p99_) +
         size(server ? row.request_bytes_rate : row.response_bytes_rate) +
         size(server ? row.response_bytes_rate : row.request_bytes_rate) +
         (trend_ == 0 ? "" : sparkline(row.past, trend_, look_.utf8));
}

std::string Page::row(const BoardRow& row) const {
  std::string line = cell(row.service.empty() ? "?" : row.service, service_) +
                     cell(kind_ > 1 ? row.kind : row.kind.substr(0, 1), kind_, dim) + cell(row.protocol, protocol_) +
                     cell(row.operation, operation_, bold);
  const std::string& detail = detail_title_ == "PEER" ? row.peer : row.target;
  if (detail_ > 0) {
    const std::string text = printable(detail, look_.utf8);
    line += fit(text, look_.width == 0 ? std::max(detail_, columns(text)) : detail_, look_.utf8) + " ";
  }
  line += numbers(row);
  line.erase(line.find_last_not_of(' ') + 1);
  return line;
}

std::string Page::other() const {
  BoardRow row = board_.header().other;
  row.service = "{other}";
  return this->row(row);
}

void add_help(const Page& page, std::vector<std::string>& lines) {
  for (const char* text : {"", "  w p r o    by workload, peer, route, operation", "  s S        sort by the next, the previous column",
                           "  i          invert the order", "  /          show only rows that contain a text; Esc ends it",
                           "  up down    scroll; also j k, PgUp PgDn, Home", "  space      pause",
                           "  q          quit", "",
                           "  RATE, ERR, IN and OUT are of the last ten intervals; P50 to P99 of five to ten.",
                           "  A call between two processes of this host has two sides, server and client.",
                           "  {other} is what no row has room for, or a route that is not known."})
    lines.push_back(page.text_line(text));
}

}  // namespace

std::string sparkline(const std::deque<double>* values, std::size_t width, bool utf8) {
  constexpr std::array<std::string_view, 9> bars{" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  constexpr std::string_view ascii = " ..::||##";
  if (values == nullptr) return std::string(width, ' ');
  const std::size_t count = std::min(width, values->size());
  const auto first = values->end() - static_cast<std::ptrdiff_t>(count);
  const double most = count == 0 ? 0 : *std::max_element(first, values->end());
  std::string line(width - count, ' ');
  for (auto value = first; value != values->end(); ++value) {
    // Whatever is not nothing is seen.
    const auto step = *value <= 0 ? 0 : std::max<std::size_t>(1, static_cast<std::size_t>(std::lround(*value / most * 8)));
    utf8 ? line.append(bars[step]) : line.append(1, ascii[step]);
  }
  return line;
}

std::size_t rows_per_page(std::size_t height) { return height > head_lines + 1 ? height - head_lines - 1 : 1; }

std::vector<std::string> draw_top(const Board& board, const TopControls& controls, const Look& look,
                                  std::size_t height) {
  const Page page(board, controls, look);
  const std::vector<const BoardRow*> rows = board.rows(controls.sort, controls.inverted, controls.text);
  const std::size_t most = height == 0 ? rows.size() : rows_per_page(height);
  const std::size_t first = std::min(controls.first, rows.size() > most ? rows.size() - most : 0);
  const std::size_t last = std::min(rows.size(), first + most);
  std::vector<std::string> lines{page.title(), page.second(last - first, rows.size())};
  if (controls.help) {
    add_help(page, lines);
  } else {
    lines.push_back(page.columns_line());
    for (std::size_t i = first; i < last; ++i) lines.push_back(page.row(*rows[i]));
    if (board.header().other.rate > 0 || board.header().other_rows > 0) lines.push_back(page.other());
  }
  if (height > 0 && lines.size() > height) lines.resize(height);
  return lines;
}

}  // namespace subfloor::cli
