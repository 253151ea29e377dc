// SPDX-License-Identifier: Apache-2.0
// The agent may be of another version than this program, so nothing in its answer is taken for granted.
#include "cli/status_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "cli/text.h"

namespace subfloor::cli {
namespace {

using Json = nlohmann::json;

const Json& member(const Json& object, const char* key) {
  static const Json none;
  const auto found = object.is_object() ? object.find(key) : object.end();
  return object.is_object() && found != object.end() ? *found : none;
}

std::string text_of(const Json& object, const char* key) {
  const Json& value = member(object, key);
  return value.is_string() ? value.get<std::string>() : std::string();
}

std::uint64_t count_of(const Json& value) {
  if (value.is_number_unsigned()) return value.get<std::uint64_t>();
  return value.is_number_integer() ? static_cast<std::uint64_t>(std::max<std::int64_t>(value.get<std::int64_t>(), 0))
                                   : 0;
}

struct Loss {
  std::string family, cause;
  std::uint64_t count;
};

// Either {"tcp_send":{"ring_full":3}} or [{"family":"tcp_send","cause":"ring_full","count":3}].
std::vector<Loss> losses_of(const Json& status) {
  std::vector<Loss> all;
  const Json& losses = member(status, "losses");
  if (losses.is_array()) {
    for (const Json& loss : losses)
      all.push_back({text_of(loss, "family"), text_of(loss, "cause"), count_of(member(loss, "count"))});
  } else if (losses.is_object()) {
    for (const auto& [family, causes] : losses.items()) {
      if (!causes.is_object()) continue;
      for (const auto& [cause, count] : causes.items()) all.push_back({family, cause, count_of(count)});
    }
  }
  return all;
}

// Rounded down: what is not complete must not read 1.0000.
std::string ratio(const Json& value) {
  return value.is_number() ? fmt::format("{:.4f}", std::floor(value.get<double>() * 1e4) / 1e4) : "unknown";
}

std::string human_uptime(const Json& seconds) {
  if (!seconds.is_number()) return "unknown";
  const auto total = static_cast<std::uint64_t>(std::max(seconds.get<double>(), 0.0));
  const std::uint64_t days = total / 86'400, hours = total / 3600 % 24, minutes = total / 60 % 60;
  if (days > 0) return fmt::format("{}d {}h", days, hours);
  if (hours > 0) return fmt::format("{}h {}m", hours, minutes);
  return minutes > 0 ? fmt::format("{}m {}s", minutes, total % 60) : fmt::format("{}s", total);
}

class Page {
 public:
  explicit Page(const Look& look) : look_(look) {}

  void line(std::string_view label, std::string_view value, std::string_view sgr = "") {
    const std::string shown = printable(value, look_.utf8);
    text_ += fmt::format("{}  {}\n", paint("1", fit(label, 14, look_.utf8)), paint(sgr, shown));
  }
  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  [[nodiscard]] std::string paint(std::string_view sgr, const std::string& text) const {
    return look_.colour && !sgr.empty() ? fmt::format("\x1b[{}m{}\x1b[0m", sgr, text) : text;
  }
  Look look_;
  std::string text_;
};

// Connections may be a number, or numbers by name.
std::string connections_text(const Json& connections) {
  if (!connections.is_object()) return connections.is_number() ? connections.dump() : "unknown";
  std::string all;
  for (const auto& [name, count] : connections.items())
    if (count.is_number()) all += fmt::format("{}{} {}", all.empty() ? "" : ", ", count.dump(), name);
  return all.empty() ? "0" : all;
}

std::string names_of(const Json& list) {
  std::string all;
  if (!list.is_array()) return all;
  for (const Json& name : list)
    if (name.is_string()) all += (all.empty() ? "" : ", ") + name.get<std::string>();
  return all;
}

void add_config(Page& page, const Json& status) {
  const Json& config = member(status, "config");
  if (!config.is_object()) return;
  const std::string file = text_of(config, "file");
  page.line("configuration", fmt::format("{} · generation {}, since {}", file.empty() ? "no file, the defaults" : file,
                                         count_of(member(config, "generation")), text_of(config, "loaded")));
  const Json& last = member(config, "last_reload");
  if (last.is_object() && member(last, "succeeded") == false)
    page.line("", fmt::format("reload at {} refused: {}", text_of(last, "time"), text_of(last, "message")), "31");
  if (const std::string names = names_of(member(config, "waiting_for_restart")); !names.empty())
    page.line("", "waiting for a restart: " + names, "33");
}

void add_sensors(Page& page, const Json& status) {
  const Json& sensors = member(status, "sensors");
  if (!sensors.is_array()) return;
  for (const Json& sensor : sensors) {
    const std::string rung = text_of(sensor, "rung");
    page.line("sensor", fmt::format("{}: {}", text_of(sensor, "name"), rung.empty() ? "not attached" : rung),
              rung.empty() ? "31" : "32");
    if (const std::string lost = text_of(sensor, "lost"); !lost.empty()) page.line("", "without: " + lost);
    const Json& refused = member(sensor, "refused");
    if (!refused.is_array()) continue;
    for (const Json& one : refused)
      page.line("", fmt::format("{} refused: {}", text_of(one, "rung"), text_of(one, "why")), "2");
  }
}

// Nothing where nobody is asked, or no runtime is on this host and none is missed.
void add_rules(Page& page, const Json& status) {
  const Json& rules = member(status, "rules");
  const std::uint64_t count = count_of(member(rules, "rules"));
  const Json& mistakes = member(rules, "mistakes");
  if (count == 0 && mistakes.empty()) return;
  page.line("rules", fmt::format("{} in force · {} alerts", count, count_of(member(rules, "alerts"))));
  for (const Json& mistake : mistakes)
    if (mistake.is_string())
      page.line("", mistake.get<std::string>().substr(0, mistake.get<std::string>().find('\n')), "33");
}

void add_identity(Page& page, const Json& status) {
  const Json& identity = member(status, "identity");
  const std::string runtime = text_of(identity, "runtime"), problem = text_of(identity, "problem");
  const std::uint64_t all = count_of(member(identity, "containers"));
  const std::string named = fmt::format("{} of {} known", count_of(member(identity, "named")), all);
  if (!runtime.empty()) {
    page.line("containers", fmt::format("named by {} at {} · {}", runtime, text_of(identity, "socket"), named), "32");
  } else if (!problem.empty() && (all > 0 || !text_of(identity, "socket").empty())) {
    page.line("containers", fmt::format("without names: {} · {}", problem, named), "33");
  }
}

void add_losses(Page& page, const Json& status) {
  const Json& completeness = member(status, "completeness");
  const Json& total = member(completeness, "total");
  const bool whole = total.is_number() && total.get<double>() >= 1;
  page.line(
      "completeness",
      fmt::format("{} in the last window, {} since the start", ratio(member(completeness, "window")), ratio(total)),
      whole ? "32" : "33");
  page.line("lost", std::to_string(lost_of(status)), lost_of(status) == 0 ? "32" : "33");
  for (const Loss& loss : losses_of(status))
    if (loss.count > 0) page.line("", fmt::format("{} · {}: {}", loss.family, loss.cause, loss.count), "33");
}

// "otlp_traces · grpc to collector:4317 · 12 sent, 0 wait", then what was dropped and why the last attempt failed.
void add_exporters(Page& page, const Json& status) {
  const Json& exporters = member(status, "exporters");
  if (!exporters.is_object()) return;
  for (const auto& [name, exporter] : exporters.items()) {
    const std::string endpoint = text_of(exporter, "endpoint"), error = text_of(exporter, "last_error");
    const std::string where =
        endpoint.empty() ? "" : fmt::format(" · {} to {}", text_of(exporter, "protocol"), endpoint);
    page.line("exporter",
              fmt::format("{}{} · {} sent, {} wait", name, where, count_of(member(exporter, "sent")),
                          count_of(member(exporter, "queued"))),
              error.empty() ? "32" : "33");
    const Json& dropped = member(exporter, "dropped");
    if (dropped.is_object()) {
      for (const auto& [cause, count] : dropped.items())
        if (count_of(count) > 0) page.line("", fmt::format("dropped · {}: {}", cause, count_of(count)), "33");
    }
    if (!error.empty()) page.line("", "last attempt: " + error, "33");
  }
}

void add_tls(Page& page, const Json& status) {
  const Json& tls = member(status, "tls");
  if (member(tls, "watched") != true) return;
  std::size_t attached = 0;
  const Json& files = member(tls, "files");
  for (const Json& file : files.is_array() ? files : Json::array()) {
    const std::string refused = text_of(file, "refused");
    attached += refused.empty() ? 1 : 0;
    if (!refused.empty()) page.line("TLS", fmt::format("{} refused: {}", text_of(file, "path"), refused), "33");
  }
  const Json& unjoined = member(tls, "unjoined");
  page.line("TLS", fmt::format("{} libraries · {} of {} connections read · {} calls without a socket", attached,
                               count_of(member(tls, "joined_connections")), count_of(member(tls, "connections")),
                               count_of(member(unjoined, "calls"))));
  const Json& opaque = member(tls, "opaque");
  for (const Json& one : opaque.is_array() ? opaque : Json::array()) {
    page.line("",
              fmt::format("opaque: {} (pid {}), {} connections: {}", text_of(one, "process"),
                          count_of(member(one, "pid")), count_of(member(one, "connections")), text_of(one, "reason")),
              "33");
  }
}

void add_cost(Page& page, const Json& status) {
  const Json& cost = member(status, "cost");
  const Json& cpu = member(cost, "cpu_seconds");
  const Json& uptime = member(status, "uptime_s");
  if (cpu.is_number()) {
    const double seconds = cpu.get<double>();
    const bool share = uptime.is_number() && uptime.get<double>() > 0;
    page.line("CPU",
              fmt::format("{:.2f} s{}", seconds,
                          share ? fmt::format(" ({:.2f} % of one core)", 100 * seconds / uptime.get<double>()) : ""));
  }
  if (const Json& rss = member(cost, "rss_bytes"); rss.is_number()) page.line("memory", human_size(count_of(rss)));
  page.line("calls", std::to_string(count_of(member(cost, "calls"))));
  page.line("records", std::to_string(count_of(member(cost, "records"))));
}

}  // namespace

std::string status_table(const Json& status, const Look& look) {
  Page page(look);
  const std::string health = text_of(status, "health");
  const bool well = health.empty() || health == "ok";
  page.line(
      "agent",
      fmt::format("{} · version {} · pid {} · up {}", health.empty() ? "running" : health, text_of(status, "version"),
                  count_of(member(status, "pid")), human_uptime(member(status, "uptime_s"))),
      well ? "32" : "31");
  add_config(page, status);
  add_sensors(page, status);
  add_identity(page, status);
  add_rules(page, status);
  add_losses(page, status);
  add_exporters(page, status);
  add_tls(page, status);
  add_cost(page, status);
  page.line("connections", connections_text(member(status, "connections")));
  return page.take();
}

std::string payload_rung(const Json& status) {
  const Json& sensors = member(status, "sensors");
  if (!sensors.is_array()) return "";
  for (const Json& sensor : sensors)
    if (text_of(sensor, "name") == "tcp") return text_of(sensor, "rung");
  return "";
}

std::uint64_t lost_of(const Json& status) {
  std::uint64_t total = 0;
  for (const Loss& loss : losses_of(status)) total += loss.count;
  return total;
}

std::string completeness_of(const Json& status) { return ratio(member(member(status, "completeness"), "total")); }

}  // namespace subfloor::cli
