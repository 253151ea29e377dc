// SPDX-License-Identifier: Apache-2.0
// ApiClient: the other end of ApiServer's socket, for the command line.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "base/fd.h"
#include "base/result.h"
#include "exporters/api/filter.h"
#include "exporters/api/top_view.h"

namespace subfloor {

// One line of an observe stream.
struct ApiLine {
  std::string text;  // a call, or sums of calls, as JSON, without the newline; empty where this line is a notice of
                     // dropped calls
  std::uint64_t dropped = 0;  // calls left out here because this client was slow
};

class ApiClient {
 public:
  // ENOENT or ECONNREFUSED as the error's code: no agent there. EACCES: not allowed to ask it.
  [[nodiscard]] static Result<ApiClient> connect(const std::string& path);

  // Asks and waits for the answer, at most five seconds.
  [[nodiscard]] Result<nlohmann::json> ask(const std::string& question);
  [[nodiscard]] Result<nlohmann::json> status() { return ask("status"); }
  [[nodiscard]] Result<nlohmann::json> trace(const std::string& id);

  // Asks for calls and waits until the agent has agreed. Afterwards fd() turns readable when there is more.
  [[nodiscard]] Result<> observe(const CallFilter& filter);
  // The same for sums: then each line is those of an interval.
  [[nodiscard]] Result<> top(const TopRequest& request);
  [[nodiscard]] int fd() const { return socket_.get(); }

  // Reads what is there without waiting. Code ECONNRESET: the agent went away.
  [[nodiscard]] Result<> receive();
  // The next whole line received, if there is one.
  [[nodiscard]] std::optional<ApiLine> next();

 private:
  [[nodiscard]] Result<> begin(const nlohmann::json& request, const std::string& agreement);
  [[nodiscard]] Result<> send(const std::string& line) const;
  [[nodiscard]] Result<std::string> wait_line();
  [[nodiscard]] std::optional<std::string> take_line();

  Fd socket_;
  std::string received_;
  std::size_t taken_ = 0;  // of received_
};

}  // namespace subfloor
