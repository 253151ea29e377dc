// SPDX-License-Identifier: Apache-2.0
// Where the sums come from: the running agent, or one of our own.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "agent/config.h"
#include "base/reactor.h"
#include "exporters/api/client.h"
#include "exporters/api/top_view.h"

namespace subfloor::cli {

class TopSource {
 public:
  using OnLine = std::function<void(std::string_view json)>;
  using OnEnd = std::function<void(const Error& why)>;  // the agent went away

  virtual ~TopSource() = default;

  // Gives lines from now on, and no more of those begun before.
  [[nodiscard]] virtual Result<> begin(const TopRequest& request) = 0;
  [[nodiscard]] virtual std::string description() const = 0;
};

// The reactor outlives either, and so do the functions.
[[nodiscard]] std::unique_ptr<TopSource> source_of_agent(Reactor& reactor, std::string socket, ApiClient client,
                                                         TopSource::OnLine on_line, TopSource::OnEnd on_end);
[[nodiscard]] Result<std::unique_ptr<TopSource>> source_of_own_agent(Reactor& reactor, const agent::Config& config,
                                                                     TopSource::OnLine on_line);

}  // namespace subfloor::cli
