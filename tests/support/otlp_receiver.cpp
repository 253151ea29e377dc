// SPDX-License-Identifier: Apache-2.0
#include "support/otlp_receiver.h"

#include <google/protobuf/any.pb.h>
#include <google/protobuf/duration.pb.h>
#include <google/protobuf/unknown_field_set.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <httplib.h>
#include <opentelemetry/proto/collector/metrics/v1/metrics_service.grpc.pb.h>
#include <opentelemetry/proto/collector/trace/v1/trace_service.grpc.pb.h>

#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>

namespace subfloor::testing {
namespace {

namespace collector = opentelemetry::proto::collector;
using TracesResponse = collector::trace::v1::ExportTraceServiceResponse;
using MetricsResponse = collector::metrics::v1::ExportMetricsServiceResponse;

std::string text_of(const std::string& path) {
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

// google.rpc.Status, by its field numbers: nobody packages it.
std::string status_bytes(const OtlpAnswer& answer) {
  google::protobuf::UnknownFieldSet status;
  status.AddVarint(1, static_cast<std::uint64_t>(answer.code));
  status.AddLengthDelimited(2)->assign(answer.message);
  if (answer.retry_after) {
    google::protobuf::Duration delay;
    delay.set_seconds(*answer.retry_after);
    google::protobuf::UnknownFieldSet retry_info;
    retry_info.AddLengthDelimited(1)->assign(delay.SerializeAsString());
    google::protobuf::Any detail;
    detail.set_type_url("type.googleapis.com/google.rpc.RetryInfo");
    retry_info.SerializeToString(detail.mutable_value());
    status.AddLengthDelimited(3)->assign(detail.SerializeAsString());
  }
  std::string bytes;
  status.SerializeToString(&bytes);
  return bytes;
}

void put_partial_success(const OtlpAnswer& answer, TracesResponse& response) {
  if (answer.rejected == 0 && answer.message.empty()) return;
  response.mutable_partial_success()->set_rejected_spans(answer.rejected);
  response.mutable_partial_success()->set_error_message(answer.message);
}

void put_partial_success(const OtlpAnswer& answer, MetricsResponse& response) {
  if (answer.rejected == 0 && answer.message.empty()) return;
  response.mutable_partial_success()->set_rejected_data_points(answer.rejected);
  response.mutable_partial_success()->set_error_message(answer.message);
}

OtlpRequest request_of(const grpc::ServerContext& context) {
  OtlpRequest request;
  request.transport = "grpc";
  for (const auto& [name, value] : context.client_metadata())
    request.headers[std::string(name.data(), name.size())] = std::string(value.data(), value.size());
  return request;
}

template <class Response>
grpc::Status reply_to(const OtlpAnswer& answer, Response& response) {
  if (answer.code != 0) return {static_cast<grpc::StatusCode>(answer.code), answer.message, status_bytes(answer)};
  put_partial_success(answer, response);
  return grpc::Status::OK;
}

class Traces final : public collector::trace::v1::TraceService::Service {
 public:
  explicit Traces(const OtlpReceiver::Handler& handler) : handler_(handler) {}
  grpc::Status Export(grpc::ServerContext* context, const TracesRequest* message, TracesResponse* response) override {
    OtlpRequest request = request_of(*context);
    request.traces = *message;
    return reply_to(handler_(request), *response);
  }

 private:
  const OtlpReceiver::Handler& handler_;
};

class Metrics final : public collector::metrics::v1::MetricsService::Service {
 public:
  explicit Metrics(const OtlpReceiver::Handler& handler) : handler_(handler) {}
  grpc::Status Export(grpc::ServerContext* context, const MetricsRequest* message, MetricsResponse* response) override {
    OtlpRequest request = request_of(*context);
    request.metrics = *message;
    return reply_to(handler_(request), *response);
  }

 private:
  const OtlpReceiver::Handler& handler_;
};

std::shared_ptr<grpc::ServerCredentials> credentials_of(const OtlpReceiverOptions& options) {
  if (options.certificate.empty()) return grpc::InsecureServerCredentials();
  grpc::SslServerCredentialsOptions ssl(options.client_ca.empty()
                                            ? GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE
                                            : GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  ssl.pem_key_cert_pairs.push_back({text_of(options.key), text_of(options.certificate)});
  if (!options.client_ca.empty()) ssl.pem_root_certs = text_of(options.client_ca);
  return grpc::SslServerCredentials(ssl);
}

std::unique_ptr<httplib::Server> http_server_of(const OtlpReceiverOptions& options) {
  if (options.certificate.empty()) return std::make_unique<httplib::Server>();
  return std::make_unique<httplib::SSLServer>(options.certificate.c_str(), options.key.c_str(),
                                              options.client_ca.empty() ? nullptr : options.client_ca.c_str());
}

}  // namespace

struct OtlpReceiver::Servers {
  explicit Servers(Handler given) : handler(std::move(given)) {}

  void answer(const httplib::Request& from, httplib::Response& to);
  void start_grpc(const OtlpReceiverOptions& options);
  void start_http(const OtlpReceiverOptions& options);

  Handler handler;
  Traces traces{handler};
  Metrics metrics{handler};
  int grpc_port = 0, http_port = 0;
  std::unique_ptr<grpc::Server> grpc;
  std::unique_ptr<httplib::Server> http;
  std::thread http_thread;
};

void OtlpReceiver::Servers::answer(const httplib::Request& from, httplib::Response& to) {
  OtlpRequest request;
  request.transport = "http";
  request.path = from.path;
  for (const auto& [name, value] : from.headers) {
    std::string lower = name;
    for (char& c : lower) c = static_cast<char>(std::tolower(c));
    request.headers[lower] = value;
  }
  const bool is_traces = from.path.ends_with("traces");
  const bool parsed = is_traces ? request.traces.emplace().ParseFromString(from.body)
                                : request.metrics.emplace().ParseFromString(from.body);
  if (!parsed) {
    to.status = 400;
    return;
  }
  const OtlpAnswer answer = handler(request);
  to.status = answer.code == 0 ? 200 : answer.code;
  if (answer.retry_after) to.set_header("Retry-After", std::to_string(*answer.retry_after));
  if (!answer.location.empty()) to.set_header("Location", answer.location);
  std::string body;
  if (answer.code != 0) {
    body = status_bytes(answer);
  } else if (is_traces) {
    TracesResponse response;
    put_partial_success(answer, response);
    body = response.SerializeAsString();
  } else {
    MetricsResponse response;
    put_partial_success(answer, response);
    body = response.SerializeAsString();
  }
  to.set_content(body, "application/x-protobuf");
}

void OtlpReceiver::Servers::start_grpc(const OtlpReceiverOptions& options) {
  grpc::ServerBuilder builder;
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddListeningPort("127.0.0.1:" + std::to_string(options.grpc_port), credentials_of(options), &grpc_port);
  builder.RegisterService(&traces);
  builder.RegisterService(&metrics);
  if (options.refuse_grpc_compression) builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_GZIP, false);
  grpc = builder.BuildAndStart();
  if (!grpc || grpc_port == 0) throw std::runtime_error("the gRPC receiver cannot listen");
}

void OtlpReceiver::Servers::start_http(const OtlpReceiverOptions& options) {
  http = http_server_of(options);
  if (!http->is_valid()) throw std::runtime_error("the HTTP receiver cannot use its certificates");
  http->set_socket_options([](socket_t socket) {
    const int yes = 1;
    setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
  });
  http->Post(".*", [this](const httplib::Request& from, httplib::Response& to) { answer(from, to); });
  const bool bound = options.http_port == 0 ? (http_port = http->bind_to_any_port("127.0.0.1")) > 0
                                            : http->bind_to_port("127.0.0.1", http_port = options.http_port);
  if (!bound) throw std::runtime_error("the HTTP receiver cannot listen");
  http_thread = std::thread([this] { http->listen_after_bind(); });
  while (!http->is_running()) std::this_thread::yield();
}

OtlpReceiver::OtlpReceiver(Handler handler, const OtlpReceiverOptions& options)
    : servers_(std::make_unique<Servers>(std::move(handler))) {
  servers_->start_grpc(options);
  servers_->start_http(options);
}

OtlpReceiver::~OtlpReceiver() {
  servers_->grpc->Shutdown(std::chrono::system_clock::now());
  servers_->http->stop();
  servers_->http_thread.join();
}

int OtlpReceiver::grpc_port() const { return servers_->grpc_port; }
int OtlpReceiver::http_port() const { return servers_->http_port; }

}  // namespace subfloor::testing
