// SPDX-License-Identifier: Apache-2.0
// Calls as rows for people: pure text in, text out.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "cli/terminal.h"

namespace subfloor::cli {

struct Row {
  // One end of the call: a process, or where it is not on this host an address.
  struct End {
    std::string name;
    std::uint32_t pid = 0;
  };

  std::string time;              // as in the JSON: RFC 3339, UTC
  std::string kind;              // whose view this is: "server" or "client"
  End client, server;
  std::string protocol;          // "" for HTTP
  std::string method, path, query;  // of other protocols: operation and target
  std::optional<int> status;
  std::string outcome;           // of other protocols: what went wrong, or the status by name where it is not 0
  bool failed = false, answered = true;
  Nanoseconds duration = 0;
  std::uint64_t request_bytes = 0;
  std::optional<std::uint64_t> response_bytes;
  std::string partial;           // why the call is not whole, "" where it is
};

// A call in the form of `-o json`; nothing where the line is not one.
[[nodiscard]] std::optional<Row> parse_row(std::string_view json);

class Table {
 public:
  explicit Table(const Look& look);

  // Both with a newline.
  [[nodiscard]] std::string header() const;
  [[nodiscard]] std::string row(const Row& row) const;

 private:
  // Columns' widths; 0: the column is left out.
  struct Layout {
    std::size_t time = 12, side = 16, kind = 6, method = 7, path = 40, size = 0, bar = 1, note = 0;
  };
  [[nodiscard]] static Layout layout_for(std::size_t width);
  [[nodiscard]] std::string end_cell(const Row::End& end) const;
  [[nodiscard]] std::string path_cell(const Row& row) const;
  [[nodiscard]] std::string call_cell(const Row& row) const;
  [[nodiscard]] std::string status_cell(const Row& row) const;
  [[nodiscard]] std::string duration_cell(const Row& row) const;
  [[nodiscard]] std::string coloured(std::string_view sgr, std::string text) const;

  Look look_;
  Layout layout_;
};

}  // namespace subfloor::cli
