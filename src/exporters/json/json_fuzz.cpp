// SPDX-License-Identifier: Apache-2.0
// Any bytes as what a call and a process are made of. Checked: what is written is one line of JSON in UTF-8, and says
// of text that was good what was given.
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/fuzzing.h"
#include "exporters/json/json.h"
#include "telemetry/utf8.h"

namespace {

using namespace subfloor;

constexpr Protocol http1{"http1", &http_family};
using fuzzing::require;

constexpr std::string_view trace = "0af7651916cd43dd8448eb211c80319c", span = "b7ad6b7169203331";

std::vector<std::string> parts_of(std::string_view text, std::size_t count) {
  std::vector<std::string> parts;
  while (parts.size() < count) {
    const std::size_t end = parts.size() + 1 == count ? text.size() : std::min(text.find('\x1f'), text.size());
    parts.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(text.size(), end + 1));
  }
  return parts;
}

nlohmann::json check_line(const std::string& line) {
  require(line.find_first_of("\r\n") == std::string::npos);
  nlohmann::json json = nlohmann::json::parse(line, nullptr, false);  // refuses what is no UTF-8
  require(json.is_object());
  require(json.contains("time") && json.contains("duration_ns") && json.contains("partial"));
  require(utf8::printable(line) == line);
  return json;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto parts = parts_of(fuzzing::text_of(data + 1, size - 1), 10);
  Call call;
  call.protocol = &http1;
  call.kind = data[0] & 1 ? Kind::server : Kind::client;
  call.partial = data[0] >> 3;
  if (data[0] & 2) call.status = 200 + (data[0] >> 4);
  call.operation = parts[0];
  call.path = parts[1];
  call.query = parts[2];
  call.request_headers.add(parts[3], parts[4]);
  call.response_headers.add(parts[4], parts[3]);
  call.error = parts[5];
  call.version = parts[6];
  Connection connection;
  connection.transport = data[0] & 4 ? Transport::unix_stream : Transport::tcp;
  connection.unix_path = parts[7];
  Process process;
  process.comm = parts[8];
  process.executable = parts[9];
  process.arguments = parts;
  process.cgroup = parts[5];
  std::string line;
  json::append_json(line, Observation{call, connection, process, &process, trace, span, "", ""});
  const nlohmann::json read = check_line(line);
  if (utf8::printable(call.path) == call.path && !call.path.empty()) require(read.at("url.path") == call.path);
  return 0;
}
