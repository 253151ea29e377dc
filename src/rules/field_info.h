// SPDX-License-Identifier: Apache-2.0
// What is known of a field.
#pragma once

#include <cstdint>
#include <string_view>

namespace subfloor::rules {

enum class Type : std::uint8_t { text, integer, unsigned_integer, boolean, address, network, port, bytes };

enum class Shape : std::uint8_t {
  single,
  list,  // `in`: all of it, `intersects`: some of it
  any,   // of every ancestor: a check holds where it holds for one of them
  ends,  // of both ends of a socket, or all names of one: the same, but != holds where it holds for all
};

// What stands in brackets behind the field. One value of the field is chosen by it.
enum class Argument : std::uint8_t { none, index_optional, key_optional, optional, key_required, required };

struct Flags {
  bool filter_only = false;  // in conditions, not in outputs
  bool dotted = false;       // the argument may stand behind a dot: evt.arg.flags
  bool deprecated = false;
  bool no_value = false;     // cannot stand on the right of an operator, nor in a transformer
};

struct FieldInfo {
  std::string_view name;
  Type type = Type::text;
  std::string_view description;
  Shape shape = Shape::single;
  Argument argument = Argument::none;
  Flags flags = {};
};

[[nodiscard]] constexpr std::string_view to_string(Type type) {
  switch (type) {
    case Type::text: return "text";
    case Type::integer:
    case Type::unsigned_integer: return "number";
    case Type::boolean: return "boolean";
    case Type::address: return "IP address";
    case Type::network: return "IP network";
    case Type::port: return "port";
    case Type::bytes: return "bytes";
  }
  return "";
}

}  // namespace subfloor::rules
