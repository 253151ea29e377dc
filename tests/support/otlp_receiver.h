// SPDX-License-Identifier: Apache-2.0
// A collector for tests: takes OTLP over gRPC and HTTP, with TLS where it has certificates, and answers as it is told.
#pragma once

#include <opentelemetry/proto/collector/metrics/v1/metrics_service.pb.h>
#include <opentelemetry/proto/collector/trace/v1/trace_service.pb.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

namespace subfloor::testing {

using TracesRequest = opentelemetry::proto::collector::trace::v1::ExportTraceServiceRequest;
using MetricsRequest = opentelemetry::proto::collector::metrics::v1::ExportMetricsServiceRequest;

struct OtlpRequest {
  std::string transport;                       // "grpc", "http"
  std::map<std::string, std::string> headers;  // names in lower case
  std::string path;                            // http
  std::optional<TracesRequest> traces;         // one of them
  std::optional<MetricsRequest> metrics;
};

struct OtlpAnswer {
  int code = 0;                        // gRPC's, or HTTP's with 0 for 200
  std::string message{};               // of a failure, or the warning of a success
  std::int64_t rejected = 0;           // partial success
  std::optional<int> retry_after{};    // seconds: Retry-After, or RetryInfo
  std::string location{};              // http: where to go instead
};

struct OtlpReceiverOptions {
  int grpc_port = 0, http_port = 0;     // 0: any free one
  std::string certificate{}, key{};     // PEM files; "" for no TLS
  std::string client_ca{};              // PEM file: clients must show a certificate of it
  bool refuse_grpc_compression = false;
};

class OtlpReceiver {
 public:
  using Handler = std::function<OtlpAnswer(const OtlpRequest&)>;  // in threads of the servers

  explicit OtlpReceiver(Handler handler, const OtlpReceiverOptions& options = {});
  ~OtlpReceiver();
  OtlpReceiver(const OtlpReceiver&) = delete;
  OtlpReceiver& operator=(const OtlpReceiver&) = delete;

  [[nodiscard]] int grpc_port() const;
  [[nodiscard]] int http_port() const;

 private:
  struct Servers;
  std::unique_ptr<Servers> servers_;
};

}  // namespace subfloor::testing
