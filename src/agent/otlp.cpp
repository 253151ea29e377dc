// SPDX-License-Identifier: Apache-2.0
#include "agent/otlp.h"

#include "agent/origin.h"
#include "base/log.h"

namespace subfloor::agent {

template <class Exporter>
Result<> OtlpExport::open(const Config& config, otlp::Signal signal, Way<Exporter>& way) {
  TRY_ASSIGN(const otlp::Target target, config.otlp.target(signal));
  auto transport = otlp::make_transport(signal, target, std::string("subfloor/") + agent_version);
  if (!transport) return Failure(transport.error().in(fmt::format("OTLP, {}", to_string(signal))));
  way.endpoint = target.display();
  way.protocol = target.protocol == otlp::Protocol::grpc ? "grpc" : "http/protobuf";
  way.sender = std::make_unique<otlp::Sender>(otlp::SenderOptions{.name = fmt::format("otlp_{}", to_string(signal)),
                                                                  .queue_bytes = config.otlp.queue,
                                                                  .retry = config.otlp.retry,
                                                                  .secrets = target.headers},
                                              std::move(*transport));
  LOG_INFO("{}: to {} by {}{}", way.sender->name(), way.endpoint, way.protocol, target.tls ? ", with TLS" : "");
  return {};
}

Result<std::unique_ptr<OtlpExport>> OtlpExport::make(const Config& config, const otlp::Origin& origin) {
  const bool spans = config.otlp.exports(otlp::Signal::traces), metrics = config.otlp.exports(otlp::Signal::metrics);
  if (!spans && !metrics) return std::unique_ptr<OtlpExport>();
  std::unique_ptr<OtlpExport> result(new OtlpExport);
  result->flush_timeout_ = config.otlp.flush_timeout;
  const auto shared = std::make_shared<const otlp::Origin>(origin);
  if (spans) {
    TRY(open(config, otlp::Signal::traces, result->spans_));
    result->spans_.exporter = std::make_unique<otlp::SpanExporter>(shared, *result->spans_.sender);
  }
  if (metrics) {
    TRY(open(config, otlp::Signal::metrics, result->metrics_));
    result->metrics_.exporter =
        std::make_unique<otlp::MetricExporter>(shared, config.otlp.temporality, *result->metrics_.sender);
  }
  return result;
}

template <class Take>
void OtlpExport::for_each(Take take) const {
  if (spans_.sender) take(spans_);
  if (metrics_.sender) take(metrics_);
}

void OtlpExport::finish(MetricSnapshot last) {
  if (takes_metrics()) add(std::move(last));
  const Nanoseconds deadline = monotonic_now() + flush_timeout_;
  for_each([&](const auto& way) { way.sender->finish(deadline); });
  for_each([](const auto& way) {
    way.sender->wait();
    const auto counters = way.sender->counters();
    if (const auto lost = counters.dropped.find("shutdown"); lost != counters.dropped.end())
      LOG_WARN("{}: {} not delivered at the end", way.sender->name(), lost->second);
  });
}

std::vector<SelfReport::Exporter> OtlpExport::report() const {
  std::vector<SelfReport::Exporter> all;
  for_each([&](const auto& way) {
    otlp::SenderCounters counters = way.sender->counters();
    all.push_back({.name = way.sender->name(),
                   .queued = counters.queued,
                   .queued_bytes = counters.queued_bytes,
                   .sent = counters.sent,
                   .requests = counters.requests,
                   .failures = counters.failures,
                   .dropped = std::move(counters.dropped)});
  });
  return all;
}

nlohmann::json OtlpExport::details() const {
  nlohmann::json all = nlohmann::json::object();
  for_each([&](const auto& way) {
    nlohmann::json& one = all[way.sender->name()] = {{"endpoint", way.endpoint}, {"protocol", way.protocol}};
    if (const std::string error = way.sender->counters().last_error; !error.empty()) one["last_error"] = error;
  });
  return all;
}

}  // namespace subfloor::agent
