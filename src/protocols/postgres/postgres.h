// SPDX-License-Identifier: Apache-2.0
// PostgreSQL's protocol 3; the table of protocols finds it by its folder's name.
#pragma once

#include "protocols/session.h"

namespace subfloor::protocols {

namespace postgres {
extern const Protocol protocol;
}

extern const Descriptor postgres_descriptor;

}  // namespace subfloor::protocols
