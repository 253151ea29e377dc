// SPDX-License-Identifier: Apache-2.0
#include "model/process.h"

namespace subfloor {

std::string_view to_string(Language language) {
  switch (language) {
    case Language::unknown: return "unknown";
    case Language::go: return "go";
    case Language::rust: return "rust";
    case Language::cpp: return "cpp";
    case Language::java: return "java";
    case Language::python: return "python";
    case Language::nodejs: return "nodejs";
    case Language::ruby: return "ruby";
    case Language::php: return "php";
    case Language::dotnet: return "dotnet";
  }
  return "unknown";
}

}  // namespace subfloor
