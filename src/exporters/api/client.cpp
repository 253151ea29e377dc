// SPDX-License-Identifier: Apache-2.0
#include "exporters/api/client.h"

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <utility>

#include "base/clock.h"
#include "exporters/api/socket.h"

namespace subfloor {
namespace {

constexpr Nanoseconds patience = 5'000'000'000;
constexpr std::string_view dropped_prefix = "{\"dropped\":";

Result<nlohmann::json> parse_answer(const std::string& line) {
  nlohmann::json json = nlohmann::json::parse(line, nullptr, false);
  if (!json.is_object()) return fail("the agent's answer is not JSON", EPROTO);
  if (const auto error = json.find("error"); error != json.end() && error->is_string())
    return fail(error->get<std::string>(), EINVAL);
  return json;
}

}  // namespace

Result<ApiClient> ApiClient::connect(const std::string& path) {
  ApiClient client;
  TRY_ASSIGN(client.socket_, unix_socket::connect_to(path));
  return client;
}

Result<nlohmann::json> ApiClient::ask(const std::string& question) {
  TRY(send(nlohmann::json{{"request", question}}.dump()));
  TRY_ASSIGN(const std::string line, wait_line());
  return parse_answer(line);
}

Result<nlohmann::json> ApiClient::trace(const std::string& id) {
  TRY(send(nlohmann::json{{"request", "trace"}, {"trace", id}}.dump()));
  TRY_ASSIGN(const std::string line, wait_line());
  return parse_answer(line);
}

Result<> ApiClient::observe(const CallFilter& filter) {
  return begin({{"request", "observe"}, {"filter", filter.to_json()}}, "observing");
}

Result<> ApiClient::top(const TopRequest& request) {
  nlohmann::json json = request.to_json();
  json["request"] = "top";
  return begin(json, "top");
}

Result<> ApiClient::begin(const nlohmann::json& request, const std::string& agreement) {
  TRY(send(request.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)));
  TRY_ASSIGN(const std::string line, wait_line());
  TRY_ASSIGN(const nlohmann::json answer, parse_answer(line));
  if (!answer.contains(agreement)) return fail("the agent did not agree to be observed", EPROTO);
  return {};
}

Result<> ApiClient::send(const std::string& line) const {
  const std::string framed = line + "\n";  // far below a socket's buffer, so it goes out whole
  const ssize_t n = ::send(socket_.get(), framed.data(), framed.size(), MSG_NOSIGNAL);
  if (n < 0 && errno == EPIPE) return {};  // it hung up already: what it said before is worth reading
  if (n != static_cast<ssize_t>(framed.size())) return fail_errno("send to the agent", n < 0 ? errno : EAGAIN);
  return {};
}

Result<> ApiClient::receive() {
  received_.erase(0, std::exchange(taken_, 0));
  std::array<char, 65536> buffer{};
  const ssize_t n = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
  if (n == 0) return fail("the agent closed the connection", ECONNRESET);
  if (n < 0) {
    if (errno == EAGAIN || errno == EINTR) return {};
    return fail_errno("read from the agent", errno);
  }
  received_.append(buffer.data(), static_cast<std::size_t>(n));
  return {};
}

std::optional<std::string> ApiClient::take_line() {
  const std::size_t end = received_.find('\n', taken_);
  if (end == std::string::npos) return std::nullopt;
  std::string line = received_.substr(taken_, end - taken_);
  taken_ = end + 1;
  return line;
}

Result<std::string> ApiClient::wait_line() {
  const Nanoseconds until = monotonic_now() + patience;
  for (;;) {
    if (auto line = take_line()) return *std::move(line);
    const Nanoseconds now = monotonic_now();
    if (now >= until) return fail("the agent did not answer", ETIMEDOUT);
    pollfd wait{socket_.get(), POLLIN, 0};
    if (poll(&wait, 1, static_cast<int>((until - now) / 1'000'000) + 1) < 0 && errno != EINTR)
      return fail_errno("poll", errno);
    TRY(receive());
  }
}

std::optional<ApiLine> ApiClient::next() {
  auto text = take_line();
  if (!text) return std::nullopt;
  if (!text->starts_with(dropped_prefix)) return ApiLine{*std::move(text), 0};
  const nlohmann::json notice = nlohmann::json::parse(*text, nullptr, false);
  return ApiLine{"", notice.is_object() ? notice.value("dropped", std::uint64_t{0}) : 0};
}

}  // namespace subfloor
