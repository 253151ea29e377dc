// SPDX-License-Identifier: Apache-2.0
// `subfloor doctor --bundle`: what a bug report needs, in one file, with nothing secret in it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cli/exit_code.h"

namespace subfloor::cli {

struct BundleFile {
  std::string name;
  std::string content;
};

// Takes out what may be secret in text that people and kernels wrote: credentials in URLs, and what follows words like
// "authorization", "token" and "password". A second fence: what goes in is meant to have none.
[[nodiscard]] std::string scrub(std::string_view text);

// Writes a tar.gz of a folder `name` with these files to `path`, which must not exist, with mode 0600. Runs tar(1).
[[nodiscard]] Result<> write_archive(const std::string& path, const std::string& name,
                                     const std::vector<BundleFile>& files);

// The subcommand. `path` "" is a name made of the time, in the current folder; `config` says where the agent is.
[[nodiscard]] Exit doctor_bundle(const std::string& path, const std::string& config);

}  // namespace subfloor::cli
