// SPDX-License-Identifier: Apache-2.0
#include "exporters/prometheus/server.h"

#include <httplib.h>
#include <pthread.h>

#include <atomic>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>

#include "base/log.h"
#include "exporters/prometheus/text_format.h"

namespace subfloor::prometheus {
namespace {

// Two connections at a time in two threads: one goes to the worker, another is served by the acceptor itself; more wait
// in the kernel's backlog. The library's own pool would queue sockets without limit.
class TwoThreads final : public httplib::TaskQueue {
 public:
  TwoThreads() : worker_([this] { work(); }) {}
  ~TwoThreads() override { shutdown(); }

  void enqueue(std::function<void()> task) override {
    {
      const std::lock_guard lock(mutex_);
      if (!busy_ && !stopping_) {
        task_ = std::move(task);
        busy_ = true;
        wake_.notify_one();
        return;
      }
    }
    task();
  }

  void shutdown() override {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
      wake_.notify_one();
    }
    if (worker_.joinable()) worker_.join();
  }

 private:
  void work() {
    pthread_setname_np(pthread_self(), "prometheus/1");
    std::unique_lock lock(mutex_);
    while (true) {
      wake_.wait(lock, [this] { return task_ || stopping_; });
      if (!task_) return;
      const std::function<void()> task = std::exchange(task_, nullptr);
      lock.unlock();
      task();
      lock.lock();
      busy_ = false;
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  std::function<void()> task_;
  bool busy_ = false, stopping_ = false;
  std::thread worker_;  // last: it uses the others
};

// The library's default adds SO_REUSEPORT, with which two agents would share the port and each answer half the scrapes.
void only_reuse_address(socket_t socket) {
  const int yes = 1;
  setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
}

constexpr const char* index_page =
    "Subfloor\n\n/metrics  metrics for Prometheus\n/healthz  200 while the agent runs\n/readyz   200 once it "
    "captures\n";

}  // namespace

struct PrometheusServer::Implementation {
  httplib::Server server;
  Snapshot snapshot;
  std::atomic<bool> ready{false};
  std::atomic<bool> ended{false};
  std::uint16_t port = 0;
  std::string where;  // for messages
  std::thread acceptor;

  void answer(const httplib::Request& request, httplib::Response& response);
  void answer_metrics(httplib::Response& response);
  void configure();
};

void PrometheusServer::Implementation::answer(const httplib::Request& request, httplib::Response& response) {
  const auto text = [&](int status, const char* body) {
    response.status = status;
    response.set_content(body, "text/plain; charset=utf-8");
  };
  if (request.method != "GET" && request.method != "HEAD") {
    response.set_header("Allow", "GET, HEAD");
    text(405, "only GET and HEAD\n");
  } else if (request.path == "/metrics") {
    answer_metrics(response);
  } else if (request.path == "/healthz") {
    text(200, "ok\n");
  } else if (request.path == "/readyz") {
    ready ? text(200, "ready\n") : text(503, "not ready\n");
  } else if (request.path == "/") {
    text(200, index_page);
  } else {
    text(404, "no such page; see /\n");
  }
}

void PrometheusServer::Implementation::answer_metrics(httplib::Response& response) {
  std::optional<std::string> body;
  try {
    body = snapshot();
  } catch (const std::exception& error) {
    LOG_WARN("no metrics for a scrape: {}", error.what());
  }
  if (body) {
    response.status = 200;
    response.set_content(*body, content_type);
  } else {
    response.status = 503;
    response.set_content("the agent is too busy to answer\n", "text/plain; charset=utf-8");
  }
}

void PrometheusServer::Implementation::configure() {
  server.new_task_queue = [] { return new TwoThreads; };
  server.set_socket_options(only_reuse_address);
  server.set_tcp_nodelay(true);
  server.set_keep_alive_max_count(1);  // an idle connection must not hold one of the two threads
  server.set_keep_alive_timeout(1);
  server.set_read_timeout(1);
  server.set_write_timeout(2);
  server.set_payload_max_length(4096);
  // Before routing, which would match regular expressions against paths of strangers.
  server.set_pre_routing_handler([this](const httplib::Request& request, httplib::Response& response) {
    answer(request, response);
    return httplib::Server::HandlerResponse::Handled;
  });
}

PrometheusServer::PrometheusServer(std::unique_ptr<Implementation> implementation)
    : implementation_(std::move(implementation)) {}

PrometheusServer::~PrometheusServer() {
  // The library closes its socket at the end of its loop, and nowhere else.
  if (!implementation_->acceptor.joinable()) (void)serve();
  implementation_->server.stop();
  if (implementation_->acceptor.joinable()) implementation_->acceptor.join();
}

Result<std::unique_ptr<PrometheusServer>> PrometheusServer::make(const std::string& host, std::uint16_t port,
                                                                 Snapshot snapshot) {
  auto implementation = std::make_unique<Implementation>();
  implementation->snapshot = std::move(snapshot);
  implementation->configure();
  const bool bracket = host.find(':') != std::string::npos;
  const std::string where =
      fmt::format("listen for Prometheus on {}{}{}:{}", bracket ? "[" : "", host, bracket ? "]" : "", port);
  errno = 0;
  const int bound = port == 0 ? implementation->server.bind_to_any_port(host)
                              : (implementation->server.bind_to_port(host, port) ? port : -1);
  if (bound <= 0) {
    const int cause = errno;
    return cause != 0 ? fail_errno(where, cause) : fail(where + ": no such address");
  }
  implementation->port = static_cast<std::uint16_t>(bound);
  implementation->where = where;
  return std::unique_ptr<PrometheusServer>(new PrometheusServer(std::move(implementation)));
}

Result<> PrometheusServer::serve() {
  Implementation* const served = implementation_.get();
  try {
    served->acceptor = std::thread([served] {
      pthread_setname_np(pthread_self(), "prometheus/0");
      served->server.listen_after_bind();
      served->ended = true;
    });
  } catch (const std::system_error& error) {
    return fail(served->where + ": no thread: " + error.what(), error.code().value());
  }
  // stop() before the loop began would be forgotten, and the destructor wait for ever.
  while (!served->server.is_running() && !served->ended) std::this_thread::yield();
  return {};
}

void PrometheusServer::set_ready(bool ready) { implementation_->ready = ready; }
std::uint16_t PrometheusServer::port() const { return implementation_->port; }

}  // namespace subfloor::prometheus
