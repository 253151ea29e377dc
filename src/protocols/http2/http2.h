// SPDX-License-Identifier: Apache-2.0
// The protocol HTTP/2, and gRPC on it; the table of protocols finds it by its folder's name.
#pragma once

#include "protocols/session.h"

namespace subfloor::protocols {

extern const Descriptor http2_descriptor;

}  // namespace subfloor::protocols
