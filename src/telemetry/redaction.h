// SPDX-License-Identifier: Apache-2.0
// Takes secrets out of a call. It runs before anything else sees the call, so that nothing later has to be trusted with
// it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/call.h"

namespace subfloor {

[[nodiscard]] std::vector<std::string> default_redacted_headers();
[[nodiscard]] std::vector<std::string> default_redacted_query_keys();

struct RedactionOptions {
  std::vector<std::string> headers = default_redacted_headers();
  std::vector<std::string> query_keys = default_redacted_query_keys();
};

// A set of names that compares ASCII case-insensitively and costs next to nothing for a name that is not in it.
class NameSet {
 public:
  explicit NameSet(std::vector<std::string> names);
  [[nodiscard]] bool contains(std::string_view name) const;

 private:
  std::uint64_t lengths_ = 0, letters_ = 0;  // bit n: some name has n bytes (bit 63: 63 or more)
  std::vector<std::string> names_;  // lower case
};

class Redactor {
 public:
  static constexpr std::string_view mark = "[redacted]";

  explicit Redactor(const RedactionOptions& options = {});

  // Replaces by `mark`: values of secret headers; values of secret query parameters, in the query, in path parameters
  // (";jsessionid=") and in headers that carry a URL (Referer, Location …); user names and passwords in URLs.
  // The bytes replaced are wiped, not merely left behind.
  void apply(Call& call) const;

 private:
  [[nodiscard]] bool secret_key(std::string_view key) const;
  // Appends the redacted form of text to out and says true where there was something to redact; else leaves out alone.
  [[nodiscard]] bool redact_parameters(std::string_view text, std::string& out) const;
  [[nodiscard]] bool redact_url(std::string_view text, std::string& out) const;
  void redact_headers(HeaderList& headers) const;

  NameSet headers_;
  NameSet url_headers_;
  NameSet query_keys_;
};

}  // namespace subfloor
