// SPDX-License-Identifier: Apache-2.0
#include "rules/value.h"

#include <arpa/inet.h>
#include <fmt/format.h>

namespace subfloor::rules {
namespace {

struct Show {
  std::string operator()(Absent) const { return "<NA>"; }
  std::string operator()(Unknown) const { return "<NA>"; }
  std::string operator()(bool value) const { return value ? "true" : "false"; }
  std::string operator()(std::int64_t value) const { return std::to_string(value); }
  std::string operator()(std::uint64_t value) const { return std::to_string(value); }
  std::string operator()(std::string_view value) const { return std::string(value); }
  std::string operator()(const IpAddress& value) const { return value.text(); }
  std::string operator()(const Values& values) const {
    std::string all;
    for (const Value& value : values) {
      all += all.empty() ? "(" : ",";
      all += to_string(value);
    }
    return all.empty() ? "()" : all + ")";
  }
};

}  // namespace

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  const std::string copy(text);
  IpAddress address;
  address.is_v6 = copy.find(':') != std::string::npos;
  if (copy.find('\0') != std::string::npos) return std::nullopt;
  if (inet_pton(address.is_v6 ? AF_INET6 : AF_INET, copy.c_str(), address.bytes.data()) != 1) return std::nullopt;
  return address;
}

std::string IpAddress::text() const {
  char text[INET6_ADDRSTRLEN] = "";
  inet_ntop(is_v6 ? AF_INET6 : AF_INET, bytes.data(), text, sizeof text);
  return text;
}

std::string to_string(const Value& value) { return std::visit(Show{}, value.content); }

}  // namespace subfloor::rules
