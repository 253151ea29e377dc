// SPDX-License-Identifier: Apache-2.0
#include "model/http.h"

#include <algorithm>
#include <array>

namespace subfloor {
namespace {

constexpr std::string_view forwarded = "forwarded", x_forwarded_for = "x-forwarded-for";
constexpr std::size_t longest_node = 64;  // bytes; an IPv6 address with a zone is shorter

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

bool is_node_char(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == ':' ||
         c == '_' || c == '-' || c == '%';
}

// "192.0.2.1:80", "[2001:db8::1]:80", "2001:db8::1", "_hidden": the part that is no port.
std::string_view node_of(std::string_view text) {
  text = trimmed(text);
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') text = text.substr(1, text.size() - 2);
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    text = close == std::string_view::npos ? std::string_view() : text.substr(1, close - 1);
  } else if (const std::size_t colon = text.find(':'); colon != std::string_view::npos && colon == text.rfind(':')) {
    text = text.substr(0, colon);
  }
  if (text.size() > longest_node || equal_ignoring_case(text, "unknown")) return {};
  return std::all_of(text.begin(), text.end(), is_node_char) ? text : std::string_view();
}

// The value of `for` in the first element of Forwarded (RFC 7239).
std::string_view first_for(std::string_view value) {
  value = value.substr(0, value.find(','));
  while (!value.empty()) {
    const std::size_t end = std::min(value.find(';'), value.size());
    const std::string_view pair = trimmed(value.substr(0, end));
    value.remove_prefix(std::min(end + 1, value.size()));
    if (pair.size() > 4 && equal_ignoring_case(pair.substr(0, 4), "for=")) return pair.substr(4);
  }
  return {};
}

}  // namespace

HttpTarget split_target(std::string_view method, std::string_view target) {
  if (method == "CONNECT") return {target, {}};
  target = target.substr(0, target.find('#'));
  if (!target.starts_with('/')) {
    const std::size_t scheme = target.find("://");
    if (scheme != std::string_view::npos) {
      const std::size_t end = target.find_first_of("/?", scheme + 3);
      target = end == std::string_view::npos ? "/" : target.substr(end);
    }
  }
  const std::size_t question = target.find('?');
  if (question == std::string_view::npos) return {target, {}};
  return {question == 0 ? "/" : target.substr(0, question), target.substr(question + 1)};
}

bool is_context_field(std::string_view name) {
  constexpr std::array<std::string_view, 8> names{"host",        "traceparent",  "tracestate", "b3",
                                                  "x-b3-spanid", "x-b3-traceid", "x-b3-flags", "x-b3-sampled"};
  return std::any_of(names.begin(), names.end(),
                     [&](std::string_view each) { return equal_ignoring_case(each, name); });
}

bool is_forwarding_field(std::string_view name) {
  return equal_ignoring_case(name, forwarded) || equal_ignoring_case(name, x_forwarded_for);
}

std::string_view forwarded_client(const HeaderList& headers) {
  if (const auto value = headers.find(forwarded)) {
    if (const std::string_view node = node_of(first_for(*value)); !node.empty()) return node;
  }
  const std::string_view value = headers.find(x_forwarded_for).value_or(std::string_view());
  return node_of(value.substr(0, value.find(',')));
}

void add_client_address(Call& call) {
  if (call.kind != Kind::server) return;
  const std::string_view client = forwarded_client(call.request_headers);
  if (!client.empty()) call.attributes.add("client.address", client);
}

}  // namespace subfloor
