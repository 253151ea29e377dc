// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <utility>

#include "protocols/dns/message.h"

namespace subfloor::protocols::dns {
namespace {

constexpr auto types = std::to_array<std::pair<std::uint16_t, std::string_view>>({
    {1, "A"},           {2, "NS"},     {5, "CNAME"},       {6, "SOA"},    {12, "PTR"},   {13, "HINFO"},
    {15, "MX"},         {16, "TXT"},   {28, "AAAA"},       {29, "LOC"},   {33, "SRV"},   {35, "NAPTR"},
    {37, "CERT"},       {39, "DNAME"}, {43, "DS"},         {44, "SSHFP"}, {46, "RRSIG"}, {47, "NSEC"},
    {48, "DNSKEY"},     {50, "NSEC3"}, {51, "NSEC3PARAM"}, {52, "TLSA"},  {59, "CDS"},   {60, "CDNSKEY"},
    {61, "OPENPGPKEY"}, {64, "SVCB"},  {65, "HTTPS"},      {99, "SPF"},   {249, "TKEY"}, {250, "TSIG"},
    {251, "IXFR"},      {252, "AXFR"}, {255, "ANY"},       {256, "URI"},  {257, "CAA"},
});

constexpr std::array<std::string_view, 24> rcodes{
    "NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN",  "NOTIMP",  "REFUSED", "YXDOMAIN", "YXRRSET",
    "NXRRSET", "NOTAUTH", "NOTZONE",  "DSOTYPENI", "OTHER",   "OTHER",   "OTHER",    "OTHER",
    "BADVERS", "BADKEY",  "BADTIME",  "BADMODE",   "BADNAME", "BADALG",  "BADTRUNC", "BADCOOKIE"};

}  // namespace

std::string type_text(std::uint16_t type) {
  const auto* const found = std::lower_bound(types.begin(), types.end(), type,
                                             [](const auto& one, auto wanted) { return one.first < wanted; });
  if (found != types.end() && found->first == type) return std::string(found->second);
  return "TYPE" + std::to_string(type);
}

std::string_view rcode_text(int rcode) {
  return rcode >= 0 && static_cast<std::size_t>(rcode) < rcodes.size() ? rcodes[static_cast<std::size_t>(rcode)]
                                                                       : std::string_view("OTHER");
}

}  // namespace subfloor::protocols::dns
