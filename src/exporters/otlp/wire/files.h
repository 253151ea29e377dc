// SPDX-License-Identifier: Apache-2.0
// Certificates and keys.
#pragma once

#include <string>

#include "base/result.h"
#include "exporters/otlp/settings.h"

namespace subfloor::otlp {

// A PEM file; at most 1 MiB.
[[nodiscard]] Result<std::string> read_pem(const std::string& path);

// Can the files that the target names be read, now?
[[nodiscard]] Result<> check_readable(const Target& target);

}  // namespace subfloor::otlp
