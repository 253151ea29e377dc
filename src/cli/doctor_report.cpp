// SPDX-License-Identifier: Apache-2.0
// A diagnosis as people and programs read it.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "cli/doctor.h"
#include "cli/text.h"

namespace subfloor::cli {
namespace {

using bpf::State;

class Table {
 public:
  explicit Table(const Look& look) : look_(look) {}

  enum class Colour { plain, bold, dim, green, red, yellow };

  [[nodiscard]] std::string paint(Colour colour, const std::string& text) const {
    static constexpr const char* codes[] = {"", "\x1b[1m", "\x1b[2m", "\x1b[32m", "\x1b[31m", "\x1b[33m"};
    if (!look_.colour || colour == Colour::plain) return text;
    return codes[static_cast<std::size_t>(colour)] + text + "\x1b[0m";
  }

  [[nodiscard]] std::string mark(State state) const {
    switch (state) {
      case State::yes: return paint(Colour::green, look_.utf8 ? "✓" : "+");
      case State::no: return paint(Colour::red, look_.utf8 ? "✗" : "-");
      case State::unknown: break;
    }
    return paint(Colour::yellow, "?");
  }

  [[nodiscard]] const char* dot() const { return look_.utf8 ? " · " : " | "; }

  // Reasons come from the kernel too.
  [[nodiscard]] std::string clean(const std::string& text) const { return printable(text, look_.utf8); }

  void line(const std::string& text) { text_ += text + "\n"; }

  // A label, then text at `column`, broken at blanks to the width and continued at the same column.
  // `label_width` is what the label takes on the screen.
  void row(const std::string& label, std::size_t label_width, std::size_t column, std::string_view text,
           Colour colour) {
    std::string out = label;
    std::size_t at = label_width;
    if (text.empty()) return line(label);
    if (at + 1 > column) {
      out += "\n";
      at = 0;
    }
    const std::size_t room = look_.width > column + 20 ? look_.width - column : 0;
    while (!text.empty()) {
      const std::size_t cut = cut_at(text, room);
      out += std::string(column - at, ' ') + paint(colour, std::string(text.substr(0, cut)));
      text.remove_prefix(cut);
      while (text.starts_with(' ')) text.remove_prefix(1);
      if (!text.empty()) out += "\n";
      at = 0;
    }
    line(out);
  }

  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  static std::size_t cut_at(std::string_view text, std::size_t room) {
    if (room == 0 || text.size() <= room) return text.size();
    const std::size_t blank = text.rfind(' ', room);
    return blank == std::string_view::npos || blank == 0 ? room : blank;
  }

  Look look_;
  std::string text_;
};

using Colour = Table::Colour;

constexpr std::size_t indent = 4;

State state_of(const SensorFinding& finding) {
  if (!finding.report.rung.empty()) return State::yes;
  return finding.why.starts_with("not tried") ? State::unknown : State::no;
}

void write_verdict(Table& table, const Diagnosis& diagnosis) {
  const std::vector<std::string> lacks = diagnosis.observing_lacks();
  const bool tried = std::none_of(lacks.begin(), lacks.end(), [](const std::string& lack) {
    return lack.find(": not tried") != std::string::npos;
  });
  const State state = lacks.empty() ? State::yes : tried ? State::no : State::unknown;
  table.line(table.paint(Colour::bold, "This kernel can: ") + "observe " + table.mark(state));
  for (const std::string& lack : lacks) table.row("  lacking", 9, 11, table.clean(lack), Colour::plain);
  table.line("");
  table.line(table.paint(Colour::dim, "Linux " + diagnosis.kernel + table.dot() + diagnosis.machine));
  table.line("");
}

void write_sensor(Table& table, const SensorFinding& finding, std::size_t column) {
  const bpf::LadderReport& report = finding.report;
  table.row("  " + table.mark(state_of(finding)) + " " + report.sensor, indent + report.sensor.size(), column,
            report.rung.empty() ? table.clean(finding.why) : "by " + report.rung, Colour::plain);
  if (!report.rung.empty()) {
    table.row("", 0, column, report.lost.empty() ? "nothing is lost" : "lost by it: " + report.lost, Colour::dim);
    for (const bpf::Refusal& refusal : report.refused)
      table.row("", 0, column, "refused: " + refusal.rung + ": " + table.clean(refusal.why), Colour::dim);
  }
}

void write_sensors(Table& table, const std::vector<SensorFinding>& sensors) {
  table.line(table.paint(Colour::bold, "Sensors"));
  std::size_t column = 0;
  for (const SensorFinding& finding : sensors) column = std::max(column, indent + finding.report.sensor.size() + 2);
  for (const SensorFinding& finding : sensors) write_sensor(table, finding, column);
  if (sensors.empty()) table.line("  none in this build");
  table.line("");
}

void write_feature(Table& table, const bpf::Feature& feature, std::size_t column) {
  const bool works = feature.state == State::yes;
  std::string text = works ? feature.used_by : table.clean(feature.why);
  if (works && !feature.why.empty()) text = table.clean(feature.why) + table.dot() + text;
  if (!works) text += table.dot() + std::string(feature.state == State::no ? "lost: " : "for: ") + feature.used_by;
  table.row("  " + table.mark(feature.state) + " " + feature.name, indent + feature.name.size(), column, text,
            works ? Colour::dim : Colour::plain);
}

void write_features(Table& table, const std::vector<bpf::Feature>& features) {
  // The few long names take a line of their own instead of moving everything to the right.
  constexpr std::size_t longest = 38;
  std::size_t column = 0;
  for (const bpf::Feature& feature : features)
    if (feature.name.size() <= longest) column = std::max(column, indent + feature.name.size() + 2);
  std::string group;
  for (const bpf::Feature& feature : features) {
    if (feature.group != group) {
      if (!group.empty()) table.line("");
      group = feature.group;
      table.line(table.paint(Colour::bold, "Features: " + group));
    }
    write_feature(table, feature, column);
  }
}

}  // namespace

std::string to_table(const Diagnosis& diagnosis, const Look& look) {
  Table table(look);
  write_verdict(table, diagnosis);
  write_sensors(table, diagnosis.sensors);
  write_features(table, diagnosis.features);
  table.line("");
  table.line(table.mark(State::yes) + " works  " + table.mark(State::no) + " refused  " + table.mark(State::unknown) +
             " could not be tried");
  return table.take();
}

std::string to_json(const Diagnosis& diagnosis) {
  using nlohmann::ordered_json;
  const std::vector<std::string> lacks = diagnosis.observing_lacks();
  ordered_json out = {{"kernel", diagnosis.kernel}, {"machine", diagnosis.machine}};
  out["verdict"] = {{"observe", lacks.empty()}, {"missing", lacks}};
  out["sensors"] = ordered_json::array();
  for (const SensorFinding& finding : diagnosis.sensors) {
    ordered_json refused = ordered_json::array();
    for (const bpf::Refusal& refusal : finding.report.refused)
      refused.push_back({{"rung", refusal.rung}, {"why", refusal.why}});
    const auto& rung = finding.report.rung;
    out["sensors"].push_back({{"name", finding.report.sensor},
                              {"rung", rung.empty() ? ordered_json() : ordered_json(rung)},
                              {"lost", finding.report.lost},
                              {"why", finding.why},
                              {"refused", std::move(refused)}});
  }
  out["features"] = ordered_json::array();
  for (const bpf::Feature& feature : diagnosis.features)
    out["features"].push_back({{"name", feature.name},
                               {"group", feature.group},
                               {"state", to_string(feature.state)},
                               {"why", feature.why},
                               {"needs", feature.needs},
                               {"used_by", feature.used_by}});
  out["capabilities"] = ordered_json::object();
  for (const bpf::KnownCapability& known : bpf::known_capabilities())
    out["capabilities"][std::string(known.name)] = diagnosis.capabilities.effective.has(known.number);
  out["capabilities"]["initial_user_namespace"] = diagnosis.capabilities.initial_user_namespace;
  // Reasons may hold bytes that are no UTF-8.
  return out.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

}  // namespace subfloor::cli
