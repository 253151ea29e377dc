// SPDX-License-Identifier: Apache-2.0
#include "telemetry/redaction.h"

#include <string.h>  // explicit_bzero

#include <algorithm>
#include <optional>

namespace subfloor {
namespace {

constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::uint64_t length_bit(std::size_t size) { return std::uint64_t{1} << std::min<std::size_t>(size, 63); }
std::uint64_t letter_bit(char c) {
  return std::uint64_t{1} << (static_cast<unsigned char>(c) & 31U);
}  // of either case

// Might a plain path hold parameters? Nearly all have none.
bool has_parameters(std::string_view path) {
  const auto has = [path](char c) { return path.find(c) != std::string_view::npos; };
  return has(';') || has('?') || has('#');
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char l = lower(c);
  return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

// As servers decode a key: %xx and '+'.
std::string percent_decoded(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && hex_value(text[i + 1]) >= 0 && hex_value(text[i + 2]) >= 0) {
      decoded += static_cast<char>(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2]));
      i += 2;
    } else {
      decoded += text[i] == '+' ? ' ' : text[i];
    }
  }
  return decoded;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

// "user[password]" and "password[]" name what is inside, and what is before, the brackets.
std::string_view without_brackets(std::string_view key) {
  while (key.ends_with(']')) {
    const std::size_t open = key.rfind('[');
    if (open == std::string_view::npos) break;
    const std::string_view inside = key.substr(open + 1, key.size() - open - 2);
    if (!inside.empty()) return inside;
    key = key.substr(0, open);
  }
  return key;
}

// Where the user information of a URL, or of an authority, begins and ends (at its '@'); none for a plain path.
struct Range {
  std::size_t begin, end;
};
std::optional<Range> userinfo(std::string_view text) {
  if (text.empty() || (text.front() == '/' && !text.starts_with("//"))) return std::nullopt;
  const std::size_t slashes = text.find("//");
  const std::size_t begin = slashes == std::string_view::npos ? 0 : slashes + 2;
  const std::string_view authority = text.substr(begin, text.find_first_of("/?#", begin) - begin);
  const std::size_t at = authority.rfind('@');
  if (at == std::string_view::npos) return std::nullopt;
  return Range{begin, begin + at};
}

void replace_and_wipe(std::string& text, const std::string& with) {
  text.resize(text.capacity());  // what earlier, longer contents left behind goes as well
  explicit_bzero(text.data(), text.size());
  text.assign(with);
}

}  // namespace

std::vector<std::string> default_redacted_headers() {
  return {"Authorization", "Cookie", "Set-Cookie", "X-API-Key", "Proxy-Authorization"};
}

std::vector<std::string> default_redacted_query_keys() {
  return {"token",
          "password",
          "passwd",
          "pwd",
          "secret",
          "api_key",
          "apikey",
          "api-key",
          "key",
          "auth",
          "authorization",
          "code",
          "signature",
          "sig",
          "session",
          "sessionid",
          "session_id",
          "jsessionid",
          "phpsessid",
          "sid",
          "jwt",
          "credential",
          "credentials",
          "access_token",
          "id_token",
          "auth_token",
          "refresh_token",
          "client_secret",
          "assertion",
          "private_key",
          "accesstoken",
          "client_assertion",
          "access_key",
          "accesskey",
          "awsaccesskeyid",
          "x-amz-signature",
          "passphrase",
          "otp",
          "x-goog-signature",
          "x-amz-credential",
          "x-amz-security-token",
          "x-goog-credential"};
}

NameSet::NameSet(std::vector<std::string> names) : names_(std::move(names)) {
  for (std::string& name : names_) {
    std::transform(name.begin(), name.end(), name.begin(), lower);
    if (name.empty()) continue;
    lengths_ |= length_bit(name.size());
    letters_ |= letter_bit(name.front());
  }
}

bool NameSet::contains(std::string_view name) const {
  if (name.empty() || (lengths_ & length_bit(name.size())) == 0 || (letters_ & letter_bit(name.front())) == 0)
    return false;
  const char first = lower(name.front());
  return std::any_of(names_.begin(), names_.end(), [&](const std::string& candidate) {
    return candidate.size() == name.size() && candidate.front() == first && equal_ignoring_case(candidate, name);
  });
}

Redactor::Redactor(const RedactionOptions& options)
    : headers_(options.headers),
      url_headers_({"Referer", "Location", "Content-Location", "X-Original-URL", "X-Rewrite-URL", "X-Original-URI",
                    "X-Forwarded-URI", "Refresh", "Link"}),
      query_keys_(options.query_keys) {}

bool Redactor::secret_key(std::string_view key) const {
  if (key.find_first_of("%+ []") == std::string_view::npos) return query_keys_.contains(key);
  const std::string decoded = percent_decoded(key);
  const std::string_view name = trimmed(decoded);
  return query_keys_.contains(name) || query_keys_.contains(without_brackets(name));
}

bool Redactor::redact_parameters(std::string_view text, std::string& out) const {
  constexpr std::string_view separators = "&;?#";
  bool found = false;
  std::size_t copied = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find_first_of(separators, at), text.size());
    const std::string_view parameter = text.substr(at, end - at);
    const std::size_t equals = parameter.find('=');
    if (equals != std::string_view::npos && equals + 1 < parameter.size() && secret_key(parameter.substr(0, equals))) {
      found = true;
      // A '?' may stand inside a value, so only '&', ';' and '#' end what is taken out.
      const std::size_t value_end = std::min(text.find_first_of("&;#", at), text.size());
      out.append(text, copied, at + equals + 1 - copied).append(mark);
      copied = value_end;
      at = value_end + 1;
    } else {
      at = end + 1;
    }
  }
  if (found) out.append(text, copied);
  return found;
}

bool Redactor::redact_url(std::string_view text, std::string& out) const {
  std::string without_user;
  const auto user = userinfo(text);
  if (user) {
    without_user.append(text, 0, user->begin).append(mark).append(text, user->end);
    text = without_user;
  }
  // Parameters begin after the path, or inside it after a ';'.
  const std::size_t begin = std::min(text.find_first_of("?#;"), text.size());
  std::string parameters;
  const bool found = begin < text.size() && redact_parameters(text.substr(begin + 1), parameters);
  if (found) {
    out.append(text, 0, begin + 1).append(parameters);
  } else if (user) {
    out.append(text);
  }
  explicit_bzero(without_user.data(), without_user.size());
  return found || user;
}

void Redactor::redact_headers(HeaderList& headers) const {
  if (headers.empty()) return;
  std::string scratch;
  for (std::size_t i = 0; i < headers.size(); ++i) {
    const HeaderList::Field field = headers[i];
    if (headers_.contains(field.name)) {
      headers.replace_value(i, mark);
    } else if (url_headers_.contains(field.name)) {
      scratch.clear();
      if (redact_url(field.value, scratch)) headers.replace_value(i, scratch);
    }
  }
}

void Redactor::apply(Call& call) const {
  redact_headers(call.request_headers);
  redact_headers(call.response_headers);
  std::string scratch;
  if (call.query.find('=') != std::string::npos && redact_parameters(call.query, scratch)) {
    replace_and_wipe(call.query, scratch);
  }
  scratch.clear();
  if (!call.path.empty() && (call.path.front() != '/' || call.path.starts_with("//") || has_parameters(call.path)) &&
      redact_url(call.path, scratch)) {
    replace_and_wipe(call.path, scratch);
  }
}

}  // namespace subfloor
