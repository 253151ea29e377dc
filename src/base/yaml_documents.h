// SPDX-License-Identifier: Apache-2.0
// Where the documents of a YAML text begin, without taking anything else of it. For who includes it to link yaml-cpp.
#pragma once

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <sstream>
#include <string>
#include <vector>

namespace subfloor {

class YamlDocuments final : public YAML::EventHandler {
 public:
  // At most so many are looked for: yaml-cpp 0.7 finds documents without end in ",a", and its LoadAll takes them all.
  // Throws what yaml-cpp throws.
  YamlDocuments(const std::string& yaml, std::size_t limit) {
    std::istringstream text(yaml);
    YAML::Parser parser(text);
    while (starts.size() < limit && parser.HandleNextDocument(*this)) {
    }
  }

  std::vector<YAML::Mark> starts;

 private:
  void OnDocumentStart(const YAML::Mark& mark) override { starts.push_back(mark); }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t, const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}
};

}  // namespace subfloor
