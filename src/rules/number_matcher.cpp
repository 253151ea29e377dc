// SPDX-License-Identifier: Apache-2.0
// Numbers, ports, booleans, addresses and networks.
#include <fmt/format.h>
#include <netdb.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>

#include "rules/matcher.h"

namespace subfloor::rules {
namespace {

constexpr WideNumber smallest = std::numeric_limits<std::int64_t>::min();
constexpr WideNumber largest = std::numeric_limits<std::uint64_t>::max();

// Decimal, hexadecimal, or with an exponent or point where it is whole all the same.
std::optional<WideNumber> parse_number(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  const bool hexadecimal = text.starts_with("0x") || text.starts_with("0X");
  if (hexadecimal) text.remove_prefix(2);
  std::uint64_t magnitude = 0;
  const char *const begin = text.begin(), *const end = text.end();
  const auto [stop, failed] = std::from_chars(begin, end, magnitude, hexadecimal ? 16 : 10);
  if (text.empty() || failed != std::errc()) return std::nullopt;
  if (stop != end) {
    double real = 0;
    const auto [last, wrong] = std::from_chars(begin, end, real);
    if (hexadecimal || wrong != std::errc() || last != end || real != std::floor(real) || real > 9e15)
      return std::nullopt;
    magnitude = static_cast<std::uint64_t>(real);
  }
  const WideNumber number = negative ? -static_cast<WideNumber>(magnitude) : static_cast<WideNumber>(magnitude);
  if (number < smallest || number > largest) return std::nullopt;
  return number;
}

// A number, or the name of a service in /etc/services.
std::optional<WideNumber> parse_port(const std::string& text) {
  if (const auto number = parse_number(text)) return *number >= 0 && *number <= 65535 ? number : std::nullopt;
  servent entry{};
  servent* found = nullptr;
  std::array<char, 2048> space{};
  if (getservbyname_r(text.c_str(), nullptr, &entry, space.data(), space.size(), &found) != 0 || found == nullptr)
    return std::nullopt;
  return static_cast<WideNumber>(__builtin_bswap16(static_cast<std::uint16_t>(entry.s_port)));
}

std::optional<WideNumber> parse_as(Type type, const Literal& literal, Report& report) {
  if (type == Type::boolean) {
    if (literal.text == "true") return 1;
    if (literal.text == "false") return 0;
    report.error(literal.place, fmt::format("'{}' is neither true nor false", literal.text));
    return std::nullopt;
  }
  const auto number = type == Type::port ? parse_port(literal.text) : parse_number(literal.text);
  if (!number)
    report.error(literal.place,
                 fmt::format("'{}' is no {}", literal.text, type == Type::port ? "port" : "whole number"));
  if (number && *number < 0 && type == Type::unsigned_integer)
    report.warning(literal.place, fmt::format("the field is never negative, as {} is", literal.text));
  return number;
}

class NumberMatcher final : public Matcher {
 public:
  NumberMatcher(Operator op, WideNumber right) : op_(op), right_(right) {}
  bool matches(const Value& value) const override {
    const auto number = number_of(value);
    return number && compare_numbers(op_, *number, right_);
  }

 private:
  Operator op_;
  WideNumber right_;
};

class NumberSet final : public Matcher {
 public:
  explicit NumberSet(std::vector<WideNumber> numbers) : numbers_(std::move(numbers)) {
    std::sort(numbers_.begin(), numbers_.end());
  }
  bool matches(const Value& value) const override {
    const auto number = number_of(value);
    return number && std::binary_search(numbers_.begin(), numbers_.end(), *number);
  }

 private:
  std::vector<WideNumber> numbers_;
};

struct Network {
  IpAddress address;
  unsigned bits = 0;

  [[nodiscard]] bool holds(const IpAddress& other) const {
    if (other.is_v6 != address.is_v6) return false;
    const std::size_t whole = bits / 8;
    if (std::memcmp(other.bytes.data(), address.bytes.data(), whole) != 0) return false;
    if (bits % 8 == 0) return true;
    const auto mask = static_cast<std::uint8_t>(0xff00U >> (bits % 8));
    return ((other.bytes[whole] ^ address.bytes[whole]) & mask) == 0;
  }
};

std::optional<Network> parse_network(Type type, const Literal& literal, Report& report) {
  const std::string_view text = literal.text;
  const std::size_t slash = text.find('/');
  const auto address = IpAddress::parse(text.substr(0, slash));
  if (!address || (type == Type::address && slash != std::string_view::npos)) {
    report.error(literal.place, fmt::format("'{}' is no {}", text, to_string(type)));
    return std::nullopt;
  }
  Network network{*address, address->is_v6 ? 128U : 32U};
  if (type == Type::address) return network;
  unsigned bits = 0;
  const std::string_view digits = slash == std::string_view::npos ? "" : text.substr(slash + 1);
  const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
  if (failed != std::errc() || end != digits.data() + digits.size() || bits > network.bits) {
    report.error(literal.place, fmt::format("'{}' is no IP network such as 10.0.0.0/8", text));
    return std::nullopt;
  }
  network.bits = bits;
  return network;
}

class AddressMatcher final : public Matcher {
 public:
  AddressMatcher(std::vector<Network> networks, bool negated) : networks_(std::move(networks)), negated_(negated) {}
  bool matches(const Value& value) const override {
    const auto* address = value.get<IpAddress>();
    if (address == nullptr) return false;
    const bool within =
        std::any_of(networks_.begin(), networks_.end(), [&](const Network& n) { return n.holds(*address); });
    return within != negated_;
  }

 private:
  std::vector<Network> networks_;
  bool negated_;
};

}  // namespace

MatcherPtr make_number_matcher(Operator op, Type type, const std::vector<Literal>& literals, Report& report) {
  std::vector<WideNumber> numbers;
  bool valid = true;
  for (const Literal& literal : literals) {
    const auto number = parse_as(type, literal, report);
    valid = valid && number;
    numbers.push_back(number.value_or(0));
  }
  if (!valid) return nullptr;
  if (op == Operator::in || op == Operator::intersects) return std::make_unique<NumberSet>(std::move(numbers));
  return std::make_unique<NumberMatcher>(op, numbers.front());
}

MatcherPtr make_address_matcher(Operator op, Type type, const std::vector<Literal>& literals, Report& report) {
  std::vector<Network> networks;
  bool valid = true;
  for (const Literal& literal : literals) {
    const auto network = parse_network(type, literal, report);
    valid = valid && network;
    networks.push_back(network.value_or(Network{}));
  }
  if (!valid) return nullptr;
  return std::make_unique<AddressMatcher>(std::move(networks), op == Operator::not_equal);
}

}  // namespace subfloor::rules
