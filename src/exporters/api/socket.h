// SPDX-License-Identifier: Apache-2.0
// What both ends of the API socket need.
#pragma once

#include <sys/types.h>

#include <string>

#include "base/fd.h"
#include "base/result.h"

namespace subfloor::unix_socket {

// A connected, non-blocking stream socket.
[[nodiscard]] Result<Fd> connect_to(const std::string& path);

// A listening, non-blocking stream socket at path; see ApiServer::make.
[[nodiscard]] Result<Fd> listen_at(const std::string& path, const std::string& group);

// Of the process at the other end; 0 where unknown.
[[nodiscard]] pid_t peer_pid(int fd);

}  // namespace subfloor::unix_socket
