// SPDX-License-Identifier: Apache-2.0
// Board: the sums that arrived last, each row with its past, in the order and selection that was asked for.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace subfloor::cli {

enum class TopSort : std::uint8_t { rate, errors, p50, p95, p99, bytes, name };
inline constexpr std::array<std::string_view, 7> top_sort_names{"rate", "errors", "p50", "p95",
                                                                "p99",  "bytes",  "name"};
[[nodiscard]] constexpr std::string_view to_string(TopSort sort) {
  return top_sort_names[static_cast<std::size_t>(sort)];
}

struct BoardRow {
  std::string service, kind, peer, protocol, operation, target;  // empty where not told
  double rate = 0, request_bytes_rate = 0, response_bytes_rate = 0;  // per second
  std::optional<double> error_ratio;                                 // 0 to 1
  std::optional<std::uint64_t> p50, p95, p99;                        // nanoseconds
  std::uint64_t total_calls = 0;
  const std::deque<double>* past = nullptr;  // calls per second of each interval, the newest last
};

class Board {
 public:
  static constexpr std::size_t longest_past = 60;  // intervals

  struct Header {
    std::string time, by, rung;
    double rate = 0, rate_over = 0;  // per second, over so many seconds
    std::optional<double> error_ratio;
    std::uint64_t total_calls = 0;
    // Since the view began: the part of the records of the kernel that arrived, 0 to 1, and how many did not.
    std::optional<double> completeness;
    std::uint64_t lost = 0;
    std::uint64_t other_rows = 0;
    BoardRow other;  // what is in no row
  };

  // A line of sums as JSON; false where it is none. A line by another measure begins anew.
  [[nodiscard]] bool take(std::string_view line);

  [[nodiscard]] bool empty() const { return header_.time.empty(); }
  [[nodiscard]] const Header& header() const { return header_; }
  // All that contain the text in what is shown of them, case aside, in order. Good until the next line.
  [[nodiscard]] std::vector<const BoardRow*> rows(TopSort sort, bool inverted, std::string_view text) const;

 private:
  void remember(double interval);

  Header header_;
  std::vector<BoardRow> rows_;
  std::vector<std::uint64_t> calls_;  // of the interval, by row
  std::map<std::string, std::deque<double>> past_;
};

}  // namespace subfloor::cli
