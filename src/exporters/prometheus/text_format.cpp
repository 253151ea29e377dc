// SPDX-License-Identifier: Apache-2.0
#include "exporters/prometheus/text_format.h"

#include <fmt/format.h>

#include <cmath>
#include <iterator>

#include "telemetry/utf8.h"

namespace subfloor::prometheus {
namespace {

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

std::string sanitised_name(std::string_view name) {
  std::string result;
  if (name.empty() || (name.front() >= '0' && name.front() <= '9')) result += '_';
  for (const char c : name) result += is_name_character(c) ? c : '_';
  return result;
}

std::string_view unit_suffix(const MetricFamily& family) {
  if (family.unit == "ms") return "_milliseconds";
  if (family.unit == "s") return "_seconds";
  if (family.unit == "By") return "_bytes";
  if (family.unit == "1" && family.type == MetricType::gauge) return "_ratio";
  return {};
}

std::string_view type_name(MetricType type) {
  switch (type) {
    case MetricType::counter: return "counter";
    case MetricType::up_down:
    case MetricType::gauge: return "gauge";
    case MetricType::histogram: return "histogram";
  }
  return "untyped";
}

void append_number(std::string& out, double value) {
  if (std::isnan(value)) {
    out += "NaN";
  } else if (std::isinf(value)) {
    out += value > 0 ? "+Inf" : "-Inf";
  } else {
    fmt::format_to(std::back_inserter(out), "{}", value);
  }
}

void append_number(std::string& out, std::uint64_t value) { fmt::format_to(std::back_inserter(out), "{}", value); }

// Help texts escape backslash and newline; label values the quote as well.
void append_escaped(std::string& out, std::string_view text, bool quoted) {
  for (const char c : text) {
    if (c == '\\') {
      out += "\\\\";
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '"' && quoted) {
      out += "\\\"";
    } else {
      out += c;
    }
  }
}

void append_label(std::string& out, std::string_view name, std::string_view value) {
  out += out.back() == '{' ? "" : ",";
  out += sanitised_name(name);
  out += "=\"";
  append_escaped(out, utf8::printable(value), true);
  out += '"';
}

// "{a="1",le="5"}", or nothing where there are no labels. bound: text of `le`, empty for none.
void append_labels(std::string& out, const Labels& labels, std::string_view bound = {}) {
  if (labels.empty() && bound.empty()) return;
  out += '{';
  for (const Label& label : labels) append_label(out, label.name, label.value);
  if (!bound.empty()) append_label(out, "le", bound);
  out += '}';
}

template <class Number>
void append_sample(std::string& out, std::string_view name, std::string_view suffix, const Labels& labels, Number value,
                   std::string_view bound = {}) {
  out.append(name).append(suffix);
  append_labels(out, labels, bound);
  out += ' ';
  append_number(out, value);
  out += '\n';
}

void append_histogram(std::string& out, std::string_view name, const Labels& labels, const HistogramPoint& histogram) {
  std::uint64_t below = 0;
  for (std::size_t i = 0; i < histogram.bounds.size(); ++i) {
    below += histogram.counts[i];
    append_sample(out, name, "_bucket", labels, below, fmt::format("{}", histogram.bounds[i]));
  }
  append_sample(out, name, "_bucket", labels, histogram.count, "+Inf");
  append_sample(out, name, "_sum", labels, histogram.sum);
  append_sample(out, name, "_count", labels, histogram.count);
}

void append_head(std::string& out, std::string_view name, std::string_view help, MetricType type) {
  out.append("# HELP ").append(name) += ' ';
  append_escaped(out, help, false);
  out.append("\n# TYPE ").append(name) += ' ';
  out.append(type_name(type)) += '\n';
}

void append_family(std::string& out, const MetricFamily& family) {
  const std::string name = metric_name(family);
  append_head(out, name, family.help, family.type);
  for (const MetricPoint& point : family.points) {
    if (family.type == MetricType::histogram) {
      append_histogram(out, name, point.labels, point.histogram);
    } else if (const auto* count = std::get_if<std::uint64_t>(&point.value)) {
      append_sample(out, name, "", point.labels, *count);
    } else {
      append_sample(out, name, "", point.labels, std::get<double>(point.value));
    }
  }
}

}  // namespace

std::string metric_name(const MetricFamily& family) {
  std::string name = sanitised_name(family.name);
  const std::string_view unit = unit_suffix(family);
  if (!name.ends_with(unit)) name += unit;
  if (family.type == MetricType::counter) name += "_total";
  return name;
}

std::string write_text(const MetricSnapshot& snapshot) {
  std::string out;
  if (!snapshot.resource.empty()) {
    append_head(out, "target_info", "Target metadata.", MetricType::gauge);
    append_sample(out, "target_info", "", snapshot.resource, std::uint64_t{1});
  }
  for (const MetricFamily& family : snapshot.families) {
    if (!family.points.empty()) append_family(out, family);
  }
  return out;
}

}  // namespace subfloor::prometheus
