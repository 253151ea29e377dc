// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "protocols/session.h"

namespace subfloor::protocols::kafka {

// Whether a request of Kafka begins here. Responses alone say too little.
[[nodiscard]] Guess recognise(const Opening& opening);

}  // namespace subfloor::protocols::kafka
