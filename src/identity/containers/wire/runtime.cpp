// SPDX-License-Identifier: Apache-2.0
// The Container Runtime Interface over gRPC.
#include <grpc/support/log.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/proto_buffer_reader.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>

#include "base/log.h"
#include "identity/containers/runtime.h"
#include "identity/containers/wire/convert.h"

namespace subfloor::identity {
namespace {

namespace cri = runtime::v1;

constexpr std::chrono::seconds patience{5};
constexpr std::size_t max_workloads = 4096;      // of one list
constexpr int max_answer = 16 << 20;             // bytes
constexpr std::string_view service = "/runtime.v1.RuntimeService/";

// gRPC would write to standard error by itself. What matters of it comes back as the status of a call.
void take_log(gpr_log_func_args* line) { LOG_DEBUG("gRPC: {}", line->message); }

class CriRuntime final : public Runtime {
 public:
  explicit CriRuntime(const std::string& socket);

  Result<std::string> version() override;
  Result<std::vector<Workload>> all() override;
  Result<std::optional<Workload>> find(const std::string& id) override;
  void cancel() override;

 private:
  [[nodiscard]] grpc::Status call(std::string_view method, const google::protobuf::Message& request,
                                  google::protobuf::Message& answer);
  [[nodiscard]] grpc::Status exchange(grpc::ClientContext& context, std::string_view method,
                                      const grpc::ByteBuffer& request, grpc::ByteBuffer& answer);
  [[nodiscard]] Result<std::optional<Workload>> pod(const std::string& id);
  [[nodiscard]] Result<cri::ListContainersResponse> containers(const std::string& id);

  std::unique_ptr<grpc::GenericStub> stub_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool cancelled_ = false;
};

Result<> failure_of(std::string_view method, const grpc::Status& status) {
  return fail(fmt::format("{}: {}", method, status.error_message()), static_cast<int>(status.error_code()));
}

CriRuntime::CriRuntime(const std::string& socket) {
  gpr_set_log_function(&take_log);
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(max_answer);
  // Pauses are the caller's.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 500);
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  // The name that TLS would check; runtimes refuse the socket's path as one.
  arguments.SetString(GRPC_ARG_DEFAULT_AUTHORITY, "localhost");
  stub_ = std::make_unique<grpc::GenericStub>(
      grpc::CreateCustomChannel("unix:" + socket, grpc::InsecureChannelCredentials(), arguments));
}

void CriRuntime::cancel() {
  {
    const std::lock_guard lock(mutex_);
    cancelled_ = true;
  }
  changed_.notify_all();
}

// Waits here rather than in gRPC, so that cancel() can cut it short.
grpc::Status CriRuntime::exchange(grpc::ClientContext& context, std::string_view method,
                                  const grpc::ByteBuffer& request, grpc::ByteBuffer& answer) {
  grpc::Status status;
  bool done = false;
  stub_->UnaryCall(&context, std::string(service) + std::string(method), {}, &request, &answer,
                   [&](grpc::Status outcome) {
                     const std::lock_guard lock(mutex_);
                     status = std::move(outcome);
                     done = true;
                     changed_.notify_all();  // under the lock: what it wakes destroys nothing of ours before we let go
                   });
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return done || cancelled_; });
  if (!done) {
    lock.unlock();
    context.TryCancel();
    lock.lock();
    changed_.wait(lock, [&] { return done; });
  }
  return status;
}

grpc::Status CriRuntime::call(std::string_view method, const google::protobuf::Message& request,
                              google::protobuf::Message& answer) {
  {
    const std::lock_guard lock(mutex_);
    if (cancelled_) return {grpc::StatusCode::CANCELLED, "cancelled"};
  }
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + patience);
  const grpc::Slice slice(request.SerializeAsString());
  const grpc::ByteBuffer bytes(&slice, 1);
  grpc::ByteBuffer received;
  grpc::Status status = exchange(context, method, bytes, received);
  if (!status.ok()) return status;
  grpc::ProtoBufferReader reader(&received);
  if (!answer.ParseFromZeroCopyStream(&reader)) return {grpc::StatusCode::INTERNAL, "an answer that is no message"};
  return status;
}

Result<std::string> CriRuntime::version() {
  cri::VersionResponse answer;
  if (const auto status = call("Version", cri::VersionRequest(), answer); !status.ok())
    return Failure(failure_of("Version", status).error());
  return answer.runtime_name() + " " + answer.runtime_version();
}

Result<std::optional<Workload>> CriRuntime::pod(const std::string& id) {
  cri::PodSandboxStatusRequest request;
  request.set_pod_sandbox_id(id);
  cri::PodSandboxStatusResponse answer;
  const auto status = call("PodSandboxStatus", request, answer);
  if (status.error_code() == grpc::StatusCode::NOT_FOUND) return std::optional<Workload>();
  if (!status.ok()) return Failure(failure_of("PodSandboxStatus", status).error());
  return std::optional(pod_of(answer.status()));
}

Result<cri::ListContainersResponse> CriRuntime::containers(const std::string& id) {
  cri::ListContainersRequest request;
  if (!id.empty()) request.mutable_filter()->set_id(id);
  cri::ListContainersResponse answer;
  if (const auto status = call("ListContainers", request, answer); !status.ok())
    return Failure(failure_of("ListContainers", status).error());
  return answer;
}

Result<std::optional<Workload>> CriRuntime::find(const std::string& id) {
  TRY_ASSIGN(const cri::ListContainersResponse list, containers(id));
  for (const cri::Container& container : list.containers()) {
    if (container.id() != id) continue;
    TRY_ASSIGN(const std::optional<Workload> of, pod(container.pod_sandbox_id()));
    return std::optional(container_of(container, of.value_or(Workload{})));
  }
  return pod(id);
}

Result<std::vector<Workload>> CriRuntime::all() {
  cri::ListPodSandboxResponse pods;
  if (const auto status = call("ListPodSandbox", cri::ListPodSandboxRequest(), pods); !status.ok())
    return Failure(failure_of("ListPodSandbox", status).error());
  TRY_ASSIGN(const cri::ListContainersResponse list, containers(""));
  std::map<std::string, Workload> by_id;
  for (const cri::PodSandbox& sandbox : pods.items()) {
    if (by_id.size() >= max_workloads) break;
    TRY_ASSIGN(std::optional<Workload> of, pod(sandbox.id()));
    if (of) by_id.emplace(sandbox.id(), *std::move(of));
  }
  std::vector<Workload> result;
  for (const auto& [id, workload] : by_id) result.push_back(workload);
  for (const cri::Container& container : list.containers()) {
    if (result.size() >= max_workloads) break;
    const auto of = by_id.find(container.pod_sandbox_id());
    if (of != by_id.end()) result.push_back(container_of(container, of->second));
  }
  return result;
}

}  // namespace

std::string_view runtimes_unavailable() { return {}; }

Result<std::unique_ptr<Runtime>> make_runtime(const std::string& socket) {
  return std::make_unique<CriRuntime>(socket);
}

}  // namespace subfloor::identity
