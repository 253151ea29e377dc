// SPDX-License-Identifier: Apache-2.0
#include "identity/process/declared_service.h"

#include <algorithm>

namespace subfloor::identity {
namespace {

constexpr std::size_t longest = 255;

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// The variable's value; the first counts, as it does for getenv().
std::string_view variable(std::string_view environment, std::string_view name) {
  while (!environment.empty()) {
    const std::size_t end = environment.find('\0');
    if (end == std::string_view::npos) return {};  // cut: half a value is none
    const std::string_view entry = environment.substr(0, end);
    environment.remove_prefix(end + 1);
    if (entry.size() > name.size() && entry[name.size()] == '=' && entry.starts_with(name))
      return entry.substr(name.size() + 1);
  }
  return {};
}

int hex_digit(char c) {
  constexpr std::string_view digits = "0123456789abcdef";
  const std::size_t at = digits.find(c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c);
  return at == std::string_view::npos ? -1 : static_cast<int>(at);
}

std::string percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int high = text[i] == '%' && i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
    const int low = high < 0 ? -1 : hex_digit(text[i + 2]);
    out += low < 0 ? text[i] : static_cast<char>(high * 16 + low);
    if (low >= 0) i += 2;
  }
  return out;
}

// "service.name=shop,service.version=1"
std::string_view attribute(std::string_view attributes, std::string_view name) {
  while (!attributes.empty()) {
    const std::size_t end = attributes.find(',');
    const std::string_view pair = attributes.substr(0, end);
    attributes.remove_prefix(end == std::string_view::npos ? attributes.size() : end + 1);
    const std::size_t equals = pair.find('=');
    if (equals != std::string_view::npos && trimmed(pair.substr(0, equals)) == name)
      return trimmed(pair.substr(equals + 1));
  }
  return {};
}

bool is_printable(std::string_view text) {
  return std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; });
}

}  // namespace

std::string declared_service(std::string_view environment) {
  std::string name(trimmed(variable(environment, "OTEL_SERVICE_NAME")));
  if (name.empty())
    name = percent_decoded(attribute(variable(environment, "OTEL_RESOURCE_ATTRIBUTES"), "service.name"));
  return name.size() <= longest && is_printable(name) ? name : std::string();
}

}  // namespace subfloor::identity
