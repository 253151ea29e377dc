// SPDX-License-Identifier: Apache-2.0
// The protocol of MySQL and MariaDB; the table of protocols finds it by its folder's name.
#pragma once

#include <array>

#include "protocols/session.h"

namespace subfloor::protocols {

namespace mysql {

// Which of the two it is a call says itself (db.system.name): the server tells it when a connection is made.
inline constexpr Family family{.name = "mysql",
                               .operation_key = "db.operation.name",
                               .target_key = "db.collection.name",
                               .status_key = "",
                               .error_key = "db.response.status_code",
                               .otel_duration_metric = {"", "db.client.operation.duration"},
                               .otel_duration_bounds = otel_database_bounds};
inline constexpr Protocol protocol{"mysql", &family};

}  // namespace mysql

extern const Descriptor mysql_descriptor;

}  // namespace subfloor::protocols
