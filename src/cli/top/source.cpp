// SPDX-License-Identifier: Apache-2.0
#include "cli/top/source.h"

#include <sys/epoll.h>

#include <optional>
#include <utility>

#include "agent/agent.h"
#include "cli/live.h"

namespace subfloor::cli {
namespace {

class AgentSource final : public TopSource {
 public:
  AgentSource(Reactor& reactor, std::string socket, ApiClient client, OnLine on_line, OnEnd on_end)
      : reactor_(reactor),
        socket_(std::move(socket)),
        client_(std::move(client)),
        on_line_(std::move(on_line)),
        on_end_(std::move(on_end)) {}
  ~AgentSource() override {
    if (begun_) reactor_.remove(client_->fd());
  }
  AgentSource(const AgentSource&) = delete;
  AgentSource& operator=(const AgentSource&) = delete;

  Result<> begin(const TopRequest& request) override {
    if (std::exchange(begun_, false)) {  // a connection is for one request
      reactor_.remove(client_->fd());
      client_.reset();
    }
    if (!client_) {
      TRY_ASSIGN(client_, ApiClient::connect(socket_));
    }
    TRY(client_->top(request));
    TRY(reactor_.watch(client_->fd(), EPOLLIN, [this] { take(); }));
    begun_ = true;
    return {};
  }
  [[nodiscard]] std::string description() const override {
    return "through the agent at " + socket_ + ", " + rung_text(ask_status(socket_));
  }

 private:
  void take() {
    const Result<> received = client_->receive();
    while (auto line = client_->next())
      if (!line->text.empty()) on_line_(line->text);
    if (received) return;
    reactor_.remove(client_->fd());
    begun_ = false;
    on_end_(received.error());
  }

  Reactor& reactor_;
  std::string socket_;
  std::optional<ApiClient> client_;
  OnLine on_line_;
  OnEnd on_end_;
  bool begun_ = false;
};

class OwnSource final : public TopSource {
 public:
  OwnSource(Reactor& reactor, std::unique_ptr<agent::Agent> agent, OnLine on_line)
      : reactor_(reactor), agent_(std::move(agent)), on_line_(std::move(on_line)) {
    observer_ = agent_->add_observer([this](const Observation& observation) {
      if (view_) view_->add(observation);
    });
  }
  ~OwnSource() override {
    if (timer_ >= 0) reactor_.cancel(timer_);
    agent_->remove_observer(observer_);
  }
  OwnSource(const OwnSource&) = delete;
  OwnSource& operator=(const OwnSource&) = delete;

  Result<> begin(const TopRequest& request) override {
    view_.emplace(request, monotonic_now(), agent_->brief_status());
    if (timer_ >= 0) {
      reactor_.set_period(timer_, request.interval);
      return {};
    }
    TRY_ASSIGN(timer_, reactor_.every(request.interval,
                                      [this] { on_line_(view_->next_line(monotonic_now(), agent_->brief_status())); }));
    return {};
  }
  [[nodiscard]] std::string description() const override { return rung_text(agent_->status()); }

 private:
  Reactor& reactor_;
  std::unique_ptr<agent::Agent> agent_;
  OnLine on_line_;
  std::optional<TopView> view_;
  int timer_ = -1, observer_ = 0;
};

}  // namespace

std::unique_ptr<TopSource> source_of_agent(Reactor& reactor, std::string socket, ApiClient client,
                                           TopSource::OnLine on_line, TopSource::OnEnd on_end) {
  return std::make_unique<AgentSource>(reactor, std::move(socket), std::move(client), std::move(on_line),
                                       std::move(on_end));
}

Result<std::unique_ptr<TopSource>> source_of_own_agent(Reactor& reactor, const agent::Config& config,
                                                       TopSource::OnLine on_line) {
  TRY_ASSIGN(auto agent, agent::Agent::make(config, reactor));
  return std::make_unique<OwnSource>(reactor, std::move(agent), std::move(on_line));
}

}  // namespace subfloor::cli
