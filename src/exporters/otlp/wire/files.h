// SPDX-License-Identifier: Apache-2.0
// Certificates and keys.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"
#include "exporters/otlp/settings.h"

namespace subfloor::otlp {

// A PEM file; at most 1 MiB.
[[nodiscard]] Result<std::string> read_pem(const std::string& path);

// When each file that the target names was last changed.
using FileTimes = std::vector<std::filesystem::file_time_type>;
[[nodiscard]] FileTimes file_times(const Target& target);

// Can the files that the target names be read, now?
[[nodiscard]] Result<> check_readable(const Target& target);

}  // namespace subfloor::otlp
