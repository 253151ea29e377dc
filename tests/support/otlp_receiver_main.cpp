// SPDX-License-Identifier: Apache-2.0
// A collector for tests that prints what it gets, one JSON object per request:
//   otlp_receiver [--grpc PORT] [--http PORT] [--certificate F --key F [--client-ca F]] [--code N] [--rejected N]
#include <google/protobuf/util/json_util.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <mutex>
#include <nlohmann/json.hpp>

#include "support/otlp_receiver.h"

int main(int argc, char** argv) {
  using namespace subfloor::testing;
  OtlpReceiverOptions options;
  OtlpAnswer answer;
  CLI::App app("Receives OTLP and prints it");
  app.add_option("--grpc", options.grpc_port);
  app.add_option("--http", options.http_port);
  app.add_option("--certificate", options.certificate);
  app.add_option("--key", options.key);
  app.add_option("--client-ca", options.client_ca);
  app.add_option("--code", answer.code, "answer this status to everything");
  app.add_option("--rejected", answer.rejected, "reject so many of each request");
  CLI11_PARSE(app, argc, argv);

  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  std::mutex mutex;
  const OtlpReceiver receiver(
      [&](const OtlpRequest& request) {
        google::protobuf::util::JsonPrintOptions print;
        print.preserve_proto_field_names = true;
        std::string body;
        const google::protobuf::Message& message =
            request.traces ? static_cast<const google::protobuf::Message&>(*request.traces) : *request.metrics;
        const bool whole = google::protobuf::util::MessageToJsonString(message, &body, print).ok();
        const nlohmann::json line{{"transport", request.transport},
                                  {"signal", request.traces ? "traces" : "metrics"},
                                  {"headers", request.headers},
                                  {"path", request.path},
                                  {"request", whole ? nlohmann::json::parse(body) : nlohmann::json()}};
        const std::lock_guard lock(mutex);
        std::puts(line.dump().c_str());
        std::fflush(stdout);
        return answer;
      },
      options);
  std::printf("listening %d %d\n", receiver.grpc_port(), receiver.http_port());
  std::fflush(stdout);
  int number = 0;
  sigwait(&signals, &number);
  return 0;
}
