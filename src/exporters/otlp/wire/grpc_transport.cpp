// SPDX-License-Identifier: Apache-2.0
// OTLP over gRPC. The request comes serialised, so that an attempt costs no conversion: a generic stub sends the bytes.
#include <grpc/support/log.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/byte_buffer.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <condition_variable>
#include <limits>
#include <mutex>

#include "base/log.h"
#include "exporters/otlp/wire/files.h"
#include "exporters/otlp/wire/transports.h"

namespace subfloor::otlp {
namespace {

constexpr const char* system_roots = "/etc/ssl/certs/ca-certificates.crt";

const char* method_of(Signal signal) {
  return signal == Signal::traces ? "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
                                  : "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export";
}

std::string_view name_of(grpc::StatusCode code) {
  constexpr std::array<std::string_view, 17> names{
      "OK",        "CANCELLED",      "UNKNOWN",           "INVALID_ARGUMENT",   "DEADLINE_EXCEEDED",
      "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
      "ABORTED",   "OUT_OF_RANGE",   "UNIMPLEMENTED",     "INTERNAL",           "UNAVAILABLE",
      "DATA_LOSS", "UNAUTHENTICATED"};
  const auto number = static_cast<std::size_t>(code);
  return number < names.size() ? names[number] : "status of its own";
}

// As the OTLP specification lists them; RESOURCE_EXHAUSTED only where the server says that it can recover.
bool is_passing(grpc::StatusCode code, const Status& status) {
  switch (code) {
    case grpc::StatusCode::CANCELLED:
    case grpc::StatusCode::DEADLINE_EXCEEDED:
    case grpc::StatusCode::ABORTED:
    case grpc::StatusCode::OUT_OF_RANGE:
    case grpc::StatusCode::UNAVAILABLE:
    case grpc::StatusCode::DATA_LOSS: return true;
    case grpc::StatusCode::RESOURCE_EXHAUSTED: return status.wait.has_value();
    default: return false;
  }
}

Result<std::shared_ptr<grpc::ChannelCredentials>> credentials_of(const Target& target) {
  if (!target.tls) return grpc::InsecureChannelCredentials();
  grpc::SslCredentialsOptions options;
  if (!target.ca.empty()) {
    TRY_ASSIGN(options.pem_root_certs, read_pem(target.ca));
  } else if (auto roots = read_pem(system_roots)) {
    options.pem_root_certs = *std::move(roots);  // else those that gRPC brings
  }
  if (!target.certificate.empty()) {
    TRY_ASSIGN(options.pem_cert_chain, read_pem(target.certificate));
    TRY_ASSIGN(options.pem_private_key, read_pem(target.key));
  }
  return grpc::SslCredentials(options);
}

std::string bytes_of(grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  std::string bytes;
  if (!buffer.Dump(&slices).ok()) return bytes;
  for (const grpc::Slice& slice : slices) bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  return bytes;
}

// gRPC would write to standard error by itself. What matters of it comes back as the status of a call.
void take_log(gpr_log_func_args* line) { LOG_DEBUG("gRPC: {}", line->message); }

class GrpcTransport final : public Transport {
 public:
  GrpcTransport(Signal signal, Target target, std::string user_agent)
      : signal_(signal), target_(std::move(target)), user_agent_(std::move(user_agent)) {}

  // Reads the certificates and makes the channel, which connects when it is first used.
  Result<> open();

  Reply send(const std::string& request) override;
  void limit(Nanoseconds instant) override;

 private:
  [[nodiscard]] grpc::Status call(grpc::ClientContext& context, const grpc::ByteBuffer& request,
                                  grpc::ByteBuffer& response);
  void prepare(grpc::ClientContext& context, Nanoseconds patience) const;

  const Signal signal_;
  const Target target_;
  const std::string user_agent_;
  FileTimes read_at_;  // of the certificates in use
  std::unique_ptr<grpc::GenericStub> stub_;
  std::mutex mutex_;
  std::condition_variable changed_;
  Nanoseconds limit_ = std::numeric_limits<Nanoseconds>::max();
};

void GrpcTransport::limit(Nanoseconds instant) {
  {
    const std::lock_guard lock(mutex_);
    limit_ = instant;
  }
  changed_.notify_all();
}

void GrpcTransport::prepare(grpc::ClientContext& context, Nanoseconds patience) const {
  context.set_deadline(
      std::chrono::system_clock::now() +
      std::chrono::duration_cast<std::chrono::system_clock::duration>(std::chrono::nanoseconds(patience)));
  for (const auto& [name, value] : target_.headers) context.AddMetadata(name, value);
  if (target_.gzip) context.set_compression_algorithm(GRPC_COMPRESS_GZIP);
}

// Waits for the answer here rather than in gRPC, so that limit() can cut it short.
grpc::Status GrpcTransport::call(grpc::ClientContext& context, const grpc::ByteBuffer& request,
                                 grpc::ByteBuffer& response) {
  grpc::Status status;
  bool done = false;
  stub_->UnaryCall(&context, method_of(signal_), {}, &request, &response, [&](grpc::Status answer) {
    const std::lock_guard lock(mutex_);
    status = std::move(answer);
    done = true;
    changed_.notify_all();  // under the lock: what it wakes destroys nothing of ours before we let go
  });
  std::unique_lock lock(mutex_);
  while (!done) {
    const Nanoseconds now = monotonic_now();
    if (now >= limit_) {
      lock.unlock();
      context.TryCancel();
      lock.lock();
      changed_.wait(lock, [&] { return done; });
    } else if (limit_ == std::numeric_limits<Nanoseconds>::max()) {
      changed_.wait(lock);
    } else {
      changed_.wait_for(lock, std::chrono::nanoseconds(limit_ - now));
    }
  }
  return status;
}

Reply GrpcTransport::send(const std::string& request) {
  Nanoseconds limit = 0;
  {
    const std::lock_guard lock(mutex_);
    limit = limit_;
  }
  const Nanoseconds now = monotonic_now();
  if (now >= limit) return {.kind = Reply::Kind::retry, .message = "no time left"};
  grpc::ClientContext context;
  prepare(context, std::min(target_.timeout, limit - now));
  const grpc::Slice slice(request);
  const grpc::ByteBuffer bytes(&slice, 1);
  grpc::ByteBuffer response;
  const grpc::Status status = call(context, bytes, response);
  Reply reply;
  if (status.ok()) {
    read_response(signal_, bytes_of(response), reply);
    return reply;
  }
  const Status details = read_status(status.error_details());
  const bool passing = is_passing(status.error_code(), details);
  reply.kind = passing ? Reply::Kind::retry : Reply::Kind::refused;
  if (passing) reply.wait = details.wait;
  if (passing && target_.tls && file_times(target_) != read_at_) {
    if (const Result<> opened = open(); !opened) reply.message = opened.error().message + "; ";
  }
  reply.message += fmt::format("{}: {}", name_of(status.error_code()), status.error_message());
  return reply;
}

Result<> GrpcTransport::open() {
  FileTimes times = file_times(target_);
  TRY_ASSIGN(auto credentials, credentials_of(target_));
  grpc::ChannelArguments arguments;
  arguments.SetUserAgentPrefix(user_agent_);
  // Pauses are the sender's: a channel that makes long ones of its own would not even try when it is told to.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 500);
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  stub_ = std::make_unique<grpc::GenericStub>(grpc::CreateCustomChannel(target_.address, credentials, arguments));
  read_at_ = std::move(times);
  return {};
}

}  // namespace

Result<std::unique_ptr<Transport>> make_grpc_transport(Signal signal, const Target& target,
                                                       const std::string& user_agent) {
  gpr_set_log_function(&take_log);
  auto transport = std::make_unique<GrpcTransport>(signal, target, user_agent);
  TRY(transport->open());
  return transport;
}

}  // namespace subfloor::otlp
