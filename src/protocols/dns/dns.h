// SPDX-License-Identifier: Apache-2.0
// The protocol DNS; the table of protocols finds it by its folder's name.
#pragma once

#include "protocols/session.h"

namespace subfloor::protocols {

extern const Descriptor dns_descriptor;

}  // namespace subfloor::protocols
