// SPDX-License-Identifier: Apache-2.0
#include "agent/config.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <set>

#include "agent/config_keys.h"
#include "agent/config_suggest.h"
#include "agent/config_units.h"
#include "base/yaml_documents.h"
#include "telemetry/utf8.h"

namespace subfloor::agent {
namespace {

constexpr std::array<std::uint16_t, 12> classic_ports{80,   443,  3000, 4317, 5000, 8000,
                                                      8080, 8081, 8082, 8443, 9082, 9090};
constexpr std::size_t longest_file = std::size_t{1} << 20;

// Calls take(key text, key node, value node) for every entry; says what is wrong with keys as such.
template <class Take>
void for_each_entry(const YAML::Node& map, Problems& problems, Take take) {
  std::set<std::string> seen;
  for (const auto& entry : map) {
    if (!entry.first.IsScalar()) {
      problems.add(entry.first.Mark(), "a key must be a name");
    } else if (!seen.insert(entry.first.Scalar()).second) {
      problems.add(entry.first.Mark(), fmt::format("'{}' is given twice", entry.first.Scalar()));
    } else {
      take(entry.first.Scalar(), entry.first, entry.second);
    }
  }
}

template <class Named>
auto find_name(const std::vector<Named>& all, const std::string& name) {
  return std::find_if(all.begin(), all.end(), [&](const Named& named) { return named.name == name; });
}

void read_section(const Section& section, const std::vector<Section>& all, const YAML::Node& map, Config& config,
                  Problems& problems);

// The section of that name, which lies below another where the name says so.
void read_named_section(const std::string& name, const std::vector<Section>& all, const YAML::Node& key,
                        const YAML::Node& value, Config& config, Problems& problems) {
  const auto known = find_name(all, name);
  if (value.IsMap()) {
    read_section(*known, all, value, config, problems);
  } else if (!value.IsNull()) {  // with every key commented out it is null
    problems.add(value.Mark(), fmt::format("'{}' must be a section with keys below it", key.Scalar()));
  }
}

void read_section(const Section& section, const std::vector<Section>& all, const YAML::Node& map, Config& config,
                  Problems& problems) {
  for_each_entry(map, problems, [&](const std::string& name, const YAML::Node& key, const YAML::Node& value) {
    const auto known = find_name(section.keys, name);
    const std::string below = section.name + "." + name;
    if (known == section.keys.end() && find_name(all, below) != all.end()) {
      read_named_section(below, all, key, value, config, problems);
    } else if (known == section.keys.end()) {
      problems.add(key.Mark(), fmt::format("unknown key '{}' in section '{}'{}", name, section.name,
                                           suggest_key(all, section, name)));
    } else if (value.IsNull()) {  // it has no place of its own
      problems.add(key.Mark(), fmt::format("'{}' has no value (an empty one is written \"\")", name));
    } else {
      known->read(value, config, problems);
    }
  });
}

void read_document(const YAML::Node& document, Config& config, Problems& problems) {
  if (document.IsNull()) return;  // an empty file: all defaults
  if (!document.IsMap()) return problems.add(document.Mark(), "the file must consist of sections, like \"capture:\"");
  const std::vector<Section> sections = config_sections();
  for_each_entry(document, problems, [&](const std::string& name, const YAML::Node& key, const YAML::Node& value) {
    if (name.find('.') != std::string::npos || find_name(sections, name) == sections.end()) {
      problems.add(key.Mark(), fmt::format("unknown section '{}'{}", name, suggest_section(sections, name)));
    } else {
      read_named_section(name, sections, key, value, config, problems);
    }
  });
}

Result<std::string> read_file(const std::string& path) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  struct stat status{};
  if (!file || stat(path.c_str(), &status) != 0) return fail_errno(path, errno != 0 ? errno : EIO);
  if (S_ISDIR(status.st_mode)) return fail_errno(path, EISDIR);
  std::string text(longest_file + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (file.bad()) return fail_errno(path, EIO);
  if (text.size() > longest_file) return fail(path + ": larger than 1MiB, so hardly a configuration", EFBIG);
  return text;
}

std::string lower_case(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return text;
}

// OpenTelemetry gives the Prometheus address in two variables.
Result<> apply_prometheus_environment(Config& config, Environment lookup) {
  const char* host = lookup("OTEL_EXPORTER_PROMETHEUS_HOST");
  const char* port = lookup("OTEL_EXPORTER_PROMETHEUS_PORT");
  if (host != nullptr && *host != '\0') config.prometheus.listen.host = host;
  if (port == nullptr || *port == '\0') return {};
  const Result<std::uint64_t> number = parse_number(port, 1, 65535);
  if (!number) return Failure(number.error().in("environment OTEL_EXPORTER_PROMETHEUS_PORT"));
  config.prometheus.listen.port = static_cast<std::uint16_t>(*number);
  return {};
}

// Other bytes would come out of `config dump` as something else.
void refuse_other_encodings(std::string_view text, Problems& problems) {
  YAML::Mark at;
  while (!text.empty()) {
    const utf8::Step step = utf8::step(text);
    if (!step.valid) return problems.add(at, "this is not UTF-8");
    at.pos += static_cast<int>(step.size);
    at.column = text.front() == '\n' ? 0 : at.column + 1;
    at.line += text.front() == '\n' ? 1 : 0;
    text.remove_prefix(step.size);
  }
}

void refuse_second_document(const std::string& yaml, Problems& problems) {
  const YamlDocuments documents(yaml, 2);
  if (documents.starts.size() > 1)
    problems.add(documents.starts[1], "a second document begins here; the configuration is one");
}

// Where there are mistakes, what is not among them is in config all the same.
Result<> parse_into(Config& config, std::string_view yaml, const std::string& file) {
  Problems problems(file);
  try {
    const std::string text(yaml);
    refuse_other_encodings(text, problems);
    refuse_second_document(text, problems);
    read_document(YAML::Load(text), config, problems);
  } catch (const YAML::Exception& error) {
    problems.add(error.mark, error.msg);
  }
  if (problems.any()) return fail(problems.text());
  return {};
}

Result<> load_into(Config& config, const std::string& path) {
  const std::string chosen = path.empty() ? std::string(default_config_path) : path;
  const Result<std::string> text = read_file(chosen);
  if (text) {
    TRY(parse_into(config, *text, chosen));
    config.file = chosen;
  } else if (!path.empty() || text.error().code != ENOENT) {
    return Failure(text.error());
  }
  TRY(apply_environment(config, [](const char* name) -> const char* { return std::getenv(name); }));
  // What contradicts itself only shows with all of it together.
  for (const otlp::Signal signal : {otlp::Signal::traces, otlp::Signal::metrics}) {
    if (!config.otlp.exports(signal)) continue;
    if (const auto target = config.otlp.target(signal); !target)
      return Failure(target.error().in(fmt::format("otlp, {}", to_string(signal))));
  }
  return {};
}

}  // namespace

std::vector<std::uint16_t> Ports::resolve() const {
  if (mode == Mode::classic) return {classic_ports.begin(), classic_ports.end()};
  return mode == Mode::list ? list : std::vector<std::uint16_t>{};
}

std::vector<std::uint16_t> CaptureConfig::stream_ports() const {
  std::vector<std::uint16_t> all = ports.resolve();
  if (!all.empty()) all.insert(all.end(), dns_ports.begin(), dns_ports.end());
  return all;
}

Result<Config> parse_config(std::string_view yaml, const std::string& file) {
  Config config;
  TRY(parse_into(config, yaml, file));
  return config;
}

Result<> apply_environment(Config& config, Environment lookup) {
  for (const Section& section : config_sections()) {
    for (const Key& key : section.keys) {
      const char* value = key.variable.empty() ? nullptr : lookup(key.variable.c_str());
      if (value == nullptr || *value == '\0') continue;  // OpenTelemetry: empty is the same as unset
      Problems problems("environment " + key.variable);
      if (key.read_variable) {
        key.read_variable(value, config, problems);
      } else {
        YAML::Node node(YAML::NodeType::Scalar);
        node = key.any_case ? lower_case(value) : std::string(value);
        key.read(node, config, problems);
      }
      if (problems.any()) return fail(problems.text());
    }
  }
  return apply_prometheus_environment(config, lookup);
}

Result<Config> load_config(const std::string& path) {
  Config config;
  TRY(load_into(config, path));
  return config;
}

Result<Config> load_config_leniently(const std::string& path, std::string& mistakes) {
  Config config;
  const Result<> loaded = load_into(config, path);
  if (!loaded && loaded.error().code != 0) return Failure(loaded.error());
  mistakes = loaded ? "" : loaded.error().message;
  return config;
}

}  // namespace subfloor::agent
