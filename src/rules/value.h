// SPDX-License-Identifier: Apache-2.0
// What a field yields for one event, and who yields it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "rules/event_types.h"
#include "rules/fields.h"

namespace subfloor::rules {

// IPv4 in the first four bytes.
struct IpAddress {
  std::array<std::uint8_t, 16> bytes{};
  bool is_v6 = false;
  bool operator==(const IpAddress&) const = default;

  [[nodiscard]] static std::optional<IpAddress> parse(std::string_view text);
  [[nodiscard]] std::string text() const;
};

struct Value;

// Several values, which are somebody else's.
struct Values {
  const Value* data = nullptr;
  std::size_t size = 0;
  [[nodiscard]] inline const Value* begin() const;
  [[nodiscard]] inline const Value* end() const;
};

struct Absent {};   // the event has no such thing: every check of it is false
struct Unknown {};  // it may have: nobody looked yet

// Text is UTF-8 or any bytes. What it points to must stay until the next event.
struct Value {
  using Content = std::variant<Absent, Unknown, bool, std::int64_t, std::uint64_t, std::string_view, IpAddress, Values>;
  Content content;

  Value() = default;
  Value(Unknown unknown) : content(unknown) {}
  Value(bool value) : content(value) {}
  Value(std::int64_t value) : content(value) {}
  Value(std::uint64_t value) : content(value) {}
  Value(std::string_view value) : content(value) {}
  Value(const char*) = delete;  // it would be a bool
  Value(const IpAddress& value) : content(value) {}
  Value(Values values) : content(values) {}

  [[nodiscard]] bool absent() const { return std::holds_alternative<Absent>(content); }
  [[nodiscard]] bool unknown() const { return std::holds_alternative<Unknown>(content); }
  template <class T>
  [[nodiscard]] const T* get() const {
    return std::get_if<T>(&content);
  }
};

const Value* Values::begin() const { return data; }
const Value* Values::end() const { return data + size; }

// What is known of one event.
class Facts {
 public:
  virtual ~Facts() = default;
  [[nodiscard]] virtual EventType event_type() const = 0;
  // Asked at most once per event and field, with its argument. What follows from the type is not asked for: evt.type,
  // syscall.type, evt.dir.
  [[nodiscard]] virtual Value extract(const FieldReference& field) = 0;
};

// As outputs show it; "<NA>" where absent or unknown. A list is "(a,b)".
[[nodiscard]] std::string to_string(const Value& value);

}  // namespace subfloor::rules
