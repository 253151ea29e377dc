// SPDX-License-Identifier: Apache-2.0
// Redis (and Valkey, KeyDB): RESP2 and RESP3. The table of protocols finds it by its folder's name.
#pragma once

#include "protocols/session.h"

namespace subfloor::protocols {

extern const Descriptor redis_descriptor;

namespace redis {

extern const Protocol protocol;

}  // namespace redis
}  // namespace subfloor::protocols
