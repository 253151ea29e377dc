// SPDX-License-Identifier: Apache-2.0
// What the configuration consists of: each key with its type, range, doc string and place in Config, declared once.
#pragma once

#include <yaml-cpp/yaml.h>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/config.h"

namespace subfloor::agent {

// Collects what is wrong with a file, a line each.
class Problems {
 public:
  explicit Problems(std::string source) : source_(std::move(source)) {}

  void add(const YAML::Mark& mark, std::string_view what);
  [[nodiscard]] bool any() const { return !text_.empty(); }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string source_;
  std::string text_;
};

struct Key {
  std::string name;
  std::string type;  // with its range: "duration, 1ms to 100ms"
  std::string doc;
  std::function<void(const YAML::Node&, Config&, Problems&)> read;
  std::function<std::string(const Config&)> write;  // the value as YAML on one line
  std::string variable;                             // of the environment that overrides it, "" for none
  bool any_case = false;                            // OpenTelemetry: names in variables are of any case
  // Reads the variable where it is not written as in the file.
  std::function<void(const std::string&, Config&, Problems&)> read_variable{};
  std::function<void(const Config& from, Config& to)> copy{};
  bool secret = false;      // its value is masked where others may read it
  std::string reload = "";  // to what a reload applies a change, in words; "": it needs a restart
};

struct Section {
  std::string name;  // "otlp.tls": a section below another, which comes before it
  std::string doc;
  std::vector<Key> keys;
};

[[nodiscard]] std::vector<Section> config_sections();

// Those of config_otlp.cpp.
[[nodiscard]] std::vector<Section> otlp_sections();

}  // namespace subfloor::agent
