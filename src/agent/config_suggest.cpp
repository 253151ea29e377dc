// SPDX-License-Identifier: Apache-2.0
#include "agent/config_suggest.h"

#include <algorithm>
#include <numeric>

namespace subfloor::agent {
namespace {

// Insertions, deletions and replacements from one to the other.
std::size_t edit_distance(const std::string& a, const std::string& b) {
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

class Nearest {
 public:
  explicit Nearest(std::string name) : name_(std::move(name)) {}

  void consider(const std::string& candidate, const std::string& shown) {
    if (name_.size() > 64) return;
    const std::size_t distance = edit_distance(name_, candidate);
    const std::size_t near = candidate.size() < 4 ? 1 : std::max<std::size_t>(2, candidate.size() / 3);
    if (distance > near || distance >= distance_) return;
    distance_ = distance;
    shown_ = shown;
  }
  [[nodiscard]] bool found() const { return !shown_.empty(); }
  [[nodiscard]] std::string text() const { return found() ? fmt::format(" (did you mean '{}'?)", shown_) : ""; }

 private:
  std::string name_, shown_;
  std::size_t distance_ = 1000;
};

}  // namespace

std::string suggest_section(const std::vector<Section>& sections, const std::string& name) {
  Nearest nearest(name);
  for (const Section& section : sections) {
    nearest.consider(section.name, section.name);
    for (const Key& key : section.keys) {
      nearest.consider(key.name, fmt::format("{}.{}", section.name, key.name));
      nearest.consider(fmt::format("{}.{}", section.name, key.name), fmt::format("{}: {}:", section.name, key.name));
    }
  }
  return nearest.text();
}

std::string suggest_key(const std::vector<Section>& sections, const Section& section, const std::string& name) {
  Nearest here(name), elsewhere(name);
  for (const Key& key : section.keys) here.consider(key.name, key.name);
  for (const Section& other : sections)
    for (const Key& key : other.keys) elsewhere.consider(key.name, fmt::format("{}.{}", other.name, key.name));
  return here.found() ? here.text() : elsewhere.text();
}

}  // namespace subfloor::agent
