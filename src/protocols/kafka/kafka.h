// SPDX-License-Identifier: Apache-2.0
// The protocol of Apache Kafka; the table of protocols finds it by its folder's name.
#pragma once

#include "protocols/session.h"

namespace subfloor::protocols {

extern const Descriptor kafka_descriptor;

}  // namespace subfloor::protocols
