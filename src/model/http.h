// SPDX-License-Identifier: Apache-2.0
// What the versions of HTTP share: how a target is split, and which header fields mean something to telemetry.
#pragma once

#include <string_view>

#include "model/call.h"

namespace subfloor {

struct HttpTarget {
  std::string_view path, query;
};
// Origin form, absolute form (its path only), authority form (whole, of CONNECT), "*". A fragment is dropped.
[[nodiscard]] HttpTarget split_target(std::string_view method, std::string_view target);

// Fields that are read though header fields are not kept: trace context and the host.
[[nodiscard]] bool is_context_field(std::string_view name);
// Fields that name the client behind proxies.
[[nodiscard]] bool is_forwarding_field(std::string_view name);

// The first hop that Forwarded names, else X-Forwarded-For: an address or an obfuscated identifier, without port and
// brackets. Empty where there is none that can be read. Points into the list.
[[nodiscard]] std::string_view forwarded_client(const HeaderList& headers);

// Adds client.address to a server's call, where its request names one.
void add_client_address(Call& call);

}  // namespace subfloor
