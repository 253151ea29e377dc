// SPDX-License-Identifier: Apache-2.0
#include "identity/containers/runtime.h"

namespace subfloor::identity {

std::string_view runtimes_unavailable() {
  return "this build cannot ask container runtimes: libgrpc++-dev, libprotobuf-dev or protobuf-compiler was not there "
         "when it was made";
}

Result<std::unique_ptr<Runtime>> make_runtime(const std::string& /*socket*/) {
  return fail(std::string(runtimes_unavailable()));
}

}  // namespace subfloor::identity
