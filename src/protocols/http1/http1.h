// SPDX-License-Identifier: Apache-2.0
// The protocol HTTP/1.x; the table of protocols finds it by its folder's name.
#pragma once

#include "protocols/session.h"

namespace subfloor::protocols {

extern const Descriptor http1_descriptor;

}  // namespace subfloor::protocols
