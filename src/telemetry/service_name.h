// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "model/process.h"

namespace subfloor {

// The last component of an executable's path, without the kernel's " (deleted)"; comm where the path is unknown.
[[nodiscard]] std::string_view executable_name(const Process& process);

// What people would call the program, for `service.name`, until something better (environment, Kubernetes) is known:
//   an interpreter's script: `node /app/server.js` → server.js, `python3 -m http.server` → http.server,
//   `java -jar shop.jar` → shop.jar, `java -cp … com.shop.Main` → com.shop.Main, `dotnet Shop.dll` → Shop.dll;
//   else the executable's name, else comm, else "unknown".
// Points into the process, or at static text.
[[nodiscard]] std::string_view service_name(const Process& process);

}  // namespace subfloor
