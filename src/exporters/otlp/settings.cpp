// SPDX-License-Identifier: Apache-2.0
#include "exporters/otlp/settings.h"

#include <algorithm>
#include <charconv>

#include "telemetry/utf8.h"

namespace subfloor::otlp {
namespace {

constexpr std::string_view default_http = "http://localhost:4318", default_grpc = "http://localhost:4317";
constexpr Nanoseconds default_timeout = 10'000'000'000;
constexpr std::size_t longest_message = 300;  // bytes, of a server's words

// A URL in its parts; scheme empty where there is none.
struct Url {
  std::string_view scheme, authority, path, query;  // path with its '/', query with its '?'
};

Url split(std::string_view text) {
  Url url;
  if (const std::size_t colon = text.find("://"); colon != std::string_view::npos) {
    url.scheme = text.substr(0, colon);
    text.remove_prefix(colon + 3);
  }
  const std::size_t end = std::min(text.find_first_of("/?#"), text.size());
  url.authority = text.substr(0, end);
  const std::size_t query = std::min(text.find_first_of("?#", end), text.size());
  url.path = text.substr(end, query - end);
  url.query = text.substr(query);
  return url;
}

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return result;
}

bool is_http(std::string_view scheme) {
  const std::string name = lower(scheme);
  return name == "http" || name == "https";
}

bool has_port(std::string_view authority) {
  const std::size_t colon = authority.rfind(':');
  return colon != std::string_view::npos && authority.find(']', colon) == std::string_view::npos;
}

std::string http_address(Signal signal, const Url& url, bool own) {
  std::string path(url.path);
  if (!own) {
    if (!path.ends_with('/')) path += '/';
    path += "v1/" + std::string(to_string(signal));
  } else if (path.empty()) {
    path = "/";
  }
  return fmt::format("{}://{}{}{}", lower(url.scheme), url.authority, path, url.query);
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

// False where a % is not followed by two digits.
bool decode_percent(std::string_view text, std::string& out) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1, low = high < 0 ? -1 : hex_digit(text[i + 2]);
    if (low < 0) return false;
    out += static_cast<char>(high << 4 | low);
    i += 2;
  }
  return true;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

bool is_token(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

}  // namespace

Result<> check_endpoint(std::string_view endpoint) {
  const Url url = split(endpoint);
  if (endpoint.find_first_of(std::string_view(" \t\r\n\0", 5)) != std::string_view::npos)
    return fail("an endpoint has no spaces");
  if (url.authority.find('@') != std::string_view::npos)
    return fail("user names and passwords do not belong into an endpoint: send them as headers");
  const bool other_resolver = url.scheme == "dns" || url.scheme == "unix" || endpoint.starts_with("unix:");
  if (!url.scheme.empty() && !is_http(url.scheme) && !other_resolver)
    return fail(fmt::format("'{}' is not a scheme of an endpoint: http or https", utf8::printable(url.scheme)));
  if (url.authority.empty() && !other_resolver) return fail("an endpoint names a host, like http://collector:4318");
  return {};
}

Result<Target> resolve(Signal signal, const Settings& all, const Settings& own) {
  Target target;
  target.protocol = own.protocol.value_or(all.protocol.value_or(Protocol::http_protobuf));
  const bool grpc = target.protocol == Protocol::grpc;
  const std::string endpoint =
      own.endpoint.value_or(all.endpoint.value_or(std::string(grpc ? default_grpc : default_http)));
  TRY(check_endpoint(endpoint));
  const Url url = split(endpoint);
  const bool insecure = own.insecure.value_or(all.insecure.value_or(false));
  if (grpc) {
    target.tls = is_http(url.scheme) ? lower(url.scheme) == "https" : !insecure;
    target.address = is_http(url.scheme) ? std::string(url.authority) : endpoint;
    if (is_http(url.scheme) && !has_port(url.authority)) target.address += target.tls ? ":443" : ":80";
  } else {
    if (!is_http(url.scheme))
      return fail("over http/protobuf an endpoint begins with http:// or https://, like http://collector:4318");
    target.tls = lower(url.scheme) == "https";
    target.address = http_address(signal, url, own.endpoint.has_value());
  }
  target.headers = own.headers.value_or(all.headers.value_or(Headers{}));
  if (grpc) {
    for (auto& [name, value] : target.headers) name = lower(name);
  }
  target.gzip = own.gzip.value_or(all.gzip.value_or(false));
  target.timeout = own.timeout.value_or(all.timeout.value_or(default_timeout));
  target.ca = own.ca.value_or(all.ca.value_or(""));
  target.certificate = own.certificate.value_or(all.certificate.value_or(""));
  target.key = own.key.value_or(all.key.value_or(""));
  if (target.certificate.empty() != target.key.empty())
    return fail("a client certificate and its key go together: one of them is not set");
  return target;
}

std::string Target::display() const { return address.substr(0, address.find_first_of("?#")); }

Result<Headers> parse_pairs(std::string_view text) {
  Headers pairs;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t comma = std::min(text.find(','), text.size());
    const std::string_view item = trim(text.substr(0, comma));
    text.remove_prefix(std::min(comma + 1, text.size()));
    if (item.empty()) continue;
    const std::size_t equals = item.find('=');
    const std::string_view name = trim(item.substr(0, equals));
    std::string key, value;
    if (equals == std::string_view::npos || name.empty() || !decode_percent(name, key) ||
        !decode_percent(trim(item.substr(equals + 1)), value))
      return fail(fmt::format("entry {} is not name=value, with %XX for what is not plain", number));
    pairs.emplace_back(std::move(key), std::move(value));
  }
  return pairs;
}

Result<> check_header(std::string_view name, std::string_view value) {
  if (!is_token(name)) return fail(fmt::format("'{}' is not a header's name", utf8::printable(name)));
  const std::string plain = lower(name);
  if (plain == "content-type" || plain == "content-length" || plain == "content-encoding" || plain == "host" ||
      plain == "transfer-encoding" || plain == "te" || plain.starts_with("grpc-"))
    return fail(fmt::format("header '{}' is not to be set: the exporter does", plain));
  if (std::any_of(value.begin(), value.end(), [](char c) { return c < ' ' || c > '~'; }))
    return fail(fmt::format("the value of header '{}' has characters that a header cannot carry", plain));
  return {};
}

std::string scrubbed(std::string_view text, const Headers& headers) {
  std::string result(text);
  for (const auto& [name, value] : headers) {
    // "Bearer abc" may come back without its first word.
    const std::string_view last = std::string_view(value).substr(value.rfind(' ') + 1);
    for (const std::string_view secret : {std::string_view(value), last}) {
      if (secret.size() < 4) continue;
      for (std::size_t at = 0; (at = result.find(secret, at)) != std::string::npos;)
        result.replace(at, secret.size(), "[redacted]");
    }
  }
  if (result.size() > longest_message) result = result.substr(0, longest_message) + "…";
  return utf8::printable(result);
}

}  // namespace subfloor::otlp
