// SPDX-License-Identifier: Apache-2.0
// A gRPC server and client in C++, messages being bytes as they are.
//   grpc_talk serve                      says "listening <port>"; echoes every message; /test.Echo/Fail ends with the
//                                        status that its first message names, other services are not implemented
//   grpc_talk call PORT COUNT METHOD MESSAGES CONTENT   so many calls at once on one channel; says "done <status>…"
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <condition_variable>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace {

grpc::ByteBuffer to_buffer(const std::string& text) {
  const grpc::Slice slice(text);
  return {&slice, 1};
}

std::string to_text(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  if (!buffer.Dump(&slices).ok()) return {};
  std::string text;
  for (const grpc::Slice& slice : slices) text.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  return text;
}

class Echo final : public grpc::ServerGenericBidiReactor {
 public:
  explicit Echo(bool fails) : fails_(fails) { StartRead(&message_); }
  void OnReadDone(bool ok) override {
    if (!ok) return Finish(grpc::Status::OK);
    if (fails_) return Finish({static_cast<grpc::StatusCode>(std::atoi(to_text(message_).c_str())), "as asked"});
    StartWrite(&message_);
  }
  void OnWriteDone(bool ok) override {
    if (ok) StartRead(&message_);
  }
  void OnDone() override { delete this; }

 private:
  const bool fails_;
  grpc::ByteBuffer message_;
};

class Service final : public grpc::CallbackGenericService {
 public:
  grpc::ServerGenericBidiReactor* CreateReactor(grpc::GenericCallbackServerContext* context) override {
    if (context->method().starts_with("/test.Echo/")) return new Echo(context->method() == "/test.Echo/Fail");
    return CallbackGenericService::CreateReactor(context);
  }
};

int serve() {
  Service service;
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterCallbackGenericService(&service);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (!server) return 1;
  std::cout << "listening " << port << std::endl;
  server->Wait();
  return 0;
}

// How many calls are under way, and how they ended.
struct Progress {
  std::mutex mutex;
  std::condition_variable ended;
  std::size_t left = 0;
  std::set<int> statuses;
};

class Call final : public grpc::ClientBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  Call(grpc::GenericStub& stub, const std::string& method, int messages, const std::string& content, Progress& progress)
      : left_(messages), request_(to_buffer(content)), progress_(progress) {
    context_.AddMetadata("authorization", "Bearer s3cr3t-9f2c");
    stub.PrepareBidiStreamingCall(&context_, "/test.Echo/" + method, {}, this);
    StartRead(&response_);
    write();
    StartCall();
  }
  void OnReadDone(bool ok) override {
    if (!ok) return;
    if (left_ > 0) write();
    StartRead(&response_);
  }
  void OnDone(const grpc::Status& status) override {
    const std::lock_guard lock(progress_.mutex);
    progress_.statuses.insert(status.error_code());
    if (--progress_.left == 0) progress_.ended.notify_all();
  }

 private:
  void write() {
    grpc::WriteOptions options;
    if (--left_ == 0) options.set_last_message();
    StartWrite(&request_, options);
  }

  int left_;
  grpc::ClientContext context_;
  grpc::ByteBuffer request_, response_;
  Progress& progress_;
};

int call(int argc, char** argv) {
  if (argc != 7) return 2;
  const auto channel = grpc::CreateChannel(std::string("127.0.0.1:") + argv[2], grpc::InsecureChannelCredentials());
  grpc::GenericStub stub(channel);
  Progress progress;
  progress.left = static_cast<std::size_t>(std::atoi(argv[3]));
  std::vector<std::unique_ptr<Call>> calls;
  for (std::size_t i = progress.left; i > 0; --i)
    calls.push_back(std::make_unique<Call>(stub, argv[4], std::atoi(argv[5]), argv[6], progress));
  std::unique_lock lock(progress.mutex);
  progress.ended.wait(lock, [&] { return progress.left == 0; });
  std::cout << "done";
  for (const int status : progress.statuses) std::cout << ' ' << status;
  std::cout << std::endl;
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && argv[1] == std::string("serve")) return serve();
  if (argc > 1 && argv[1] == std::string("call")) return call(argc, argv);
  std::cerr << "serve, or call PORT COUNT METHOD MESSAGES CONTENT\n";
  return 2;
}
