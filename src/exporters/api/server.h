// SPDX-License-Identifier: Apache-2.0
// The agent's local API: JSON lines on a unix socket. A client sends one line and is answered:
//   {"request":"status"}                       one line, then the end; so for each of Handlers::questions
//   {"request":"observe","filter":{…}}         {"observing":{…filter…}}, then one line per call until the client
//                                              goes; {"dropped":n} where n calls did not fit its queue
//   {"request":"trace","trace":"4bf9…"}        {"trace":…,"calls":[…]}: those that are kept, by when they began
//   {"request":"top","by":"route",…}           {"top":{…what was asked…}}, then the sums of each interval as one line
//                                              (top_view.h), until the client goes
// A request that is not understood is answered {"error":"why"}.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "base/fd.h"
#include "base/reactor.h"
#include "base/result.h"
#include "exporters/api/filter.h"

namespace subfloor {

class ApiServer {
 public:
  struct Handlers {
    std::function<nlohmann::json()> status;
    // Appends the call as one JSON object, with or without a newline after it.
    std::function<void(std::string& out, const Observation&)> format;
    // Somebody observes now, or nobody does any more: publish() is not needed in between.
    std::function<void(bool)> audience = [](bool) {};
    // Others that are answered as status is.
    std::map<std::string, std::function<nlohmann::json()>> questions = {};
    // What is known of a trace, by its id as CallFilter::trace holds it.
    std::function<nlohmann::json(const std::string& id)> trace = {};
    // What lines of `top` tell of the agent.
    std::function<nlohmann::json()> brief = [] { return nlohmann::json::object(); };
  };

  struct Limits {
    std::size_t clients = 64;
    std::size_t top_views = 8;  // of them, those that are answered with sums
    std::size_t queue_bytes = std::size_t{1} << 20;   // per client, of lines it has not taken yet
    std::size_t request_bytes = std::size_t{16} << 10;
  };

  // Listens at path (its folder is made where missing), mode 0600, or 0660 for the group where one is named. A socket
  // file that nobody listens at is replaced; where somebody does: EADDRINUSE. The reactor must outlive the server.
  [[nodiscard]] static Result<std::unique_ptr<ApiServer>> make(Reactor& reactor, const std::string& path,
                                                               const std::string& group, Handlers handlers,
                                                               Limits limits);
  [[nodiscard]] static Result<std::unique_ptr<ApiServer>> make(Reactor& reactor, const std::string& path,
                                                               const std::string& group, Handlers handlers) {
    return make(reactor, path, group, std::move(handlers), Limits{});
  }

  // Removes the socket file.
  ~ApiServer();
  ApiServer(const ApiServer&) = delete;
  ApiServer& operator=(const ApiServer&) = delete;

  // Gives the call to everyone whose filter it passes. Never blocks.
  void publish(const Observation& observation);

  [[nodiscard]] std::size_t clients() const { return clients_.size(); }
  // Clients that are told of calls, one by one or as sums.
  [[nodiscard]] std::size_t observers() const { return observers_; }
  // Calls that did not fit a client's queue, since the start.
  [[nodiscard]] std::uint64_t dropped() const { return dropped_; }

 private:
  struct Client;

  ApiServer(Reactor& reactor, Handlers handlers, Limits limits);
  void accept_all();
  void accept_later();
  void serve(int fd);
  [[nodiscard]] bool receive(Client& client);
  void answer(Client& client, const std::string& line);
  [[nodiscard]] nlohmann::json tell_trace(const nlohmann::json& request) const;
  [[nodiscard]] Result<nlohmann::json> begin_observing(Client& client, const nlohmann::json& request);
  [[nodiscard]] Result<nlohmann::json> begin_top(Client& client, const nlohmann::json& request);
  void end_interval(int fd);
  void enqueue(Client& client, const std::string& line);
  [[nodiscard]] bool flush(Client& client);
  void close(int fd);

  Reactor& reactor_;
  Handlers handlers_;
  Limits limits_;
  std::string path_;
  std::uint64_t inode_ = 0;  // of the socket file, so that a successor's is not removed
  Fd listener_;
  int resume_timer_ = -1;
  std::map<int, std::unique_ptr<Client>> clients_;
  std::size_t observers_ = 0, top_views_ = 0;
  std::uint64_t dropped_ = 0;
  std::string line_;  // reused by publish()
};

}  // namespace subfloor
