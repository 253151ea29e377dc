// SPDX-License-Identifier: Apache-2.0
#include "base/nearest.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <vector>

namespace subfloor {
namespace {

constexpr std::size_t longest_name = 64;

// Insertions, deletions and replacements from one to the other.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row.back();
}

}  // namespace

void Nearest::consider(std::string_view candidate, std::string_view shown) {
  if (name_.size() > longest_name || candidate.size() > 2 * longest_name) return;
  const std::size_t near = candidate.size() < 4 ? 1 : std::max<std::size_t>(2, candidate.size() / 3);
  const std::size_t apart =
      candidate.size() > name_.size() ? candidate.size() - name_.size() : name_.size() - candidate.size();
  if (apart > near || 2 * apart >= rank_) return;
  const std::size_t distance = edit_distance(name_, candidate);
  // Of two as near, the one that was begun is meant rather.
  const std::size_t rank = 2 * distance + (candidate.starts_with(name_) ? 0 : 1);
  if (distance > near || rank >= rank_) return;
  rank_ = rank;
  shown_ = shown;
}

std::string Nearest::text() const { return found() ? fmt::format(" (did you mean '{}'?)", shown_) : ""; }

}  // namespace subfloor
