// SPDX-License-Identifier: Apache-2.0
#include "exporters/api/server.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <vector>

#include "base/log.h"
#include "exporters/api/socket.h"
#include "exporters/api/top_view.h"

namespace subfloor {
namespace {

constexpr std::size_t receive_bytes = 4096;
constexpr Nanoseconds accept_again_after = 500'000'000;
constexpr Nanoseconds never = 0;  // as the period of a timer

std::string error_line(const std::string& why) {
  // `replace`: the text may quote bytes of the request that are no UTF-8.
  return nlohmann::json{{"error", why}}.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string to_line(const nlohmann::json& json) {
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

struct ApiServer::Client {
  explicit Client(Fd socket_fd) : socket(std::move(socket_fd)) {}

  Fd socket;
  std::string request;         // received and not yet a whole line
  std::string queue;           // to be sent
  std::size_t sent = 0;        // of queue
  std::uint64_t dropped = 0;   // since the last notice of it
  std::optional<CallFilter> filter;  // set: observes
  std::optional<TopView> top;        // set: is told sums
  int top_timer = -1;
  bool answered = false;       // close once the queue is empty
  bool waits_writable = false;

  [[nodiscard]] std::size_t waiting() const { return queue.size() - sent; }
  [[nodiscard]] bool watches() const { return filter || top; }
};

ApiServer::ApiServer(Reactor& reactor, Handlers handlers, Limits limits)
    : reactor_(reactor), handlers_(std::move(handlers)), limits_(limits) {}

Result<std::unique_ptr<ApiServer>> ApiServer::make(Reactor& reactor, const std::string& path, const std::string& group,
                                                   Handlers handlers, Limits limits) {
  std::unique_ptr<ApiServer> server(new ApiServer(reactor, std::move(handlers), limits));
  TRY_ASSIGN(server->listener_, unix_socket::listen_at(path, group));
  server->path_ = path;
  struct stat file{};
  if (stat(path.c_str(), &file) == 0) server->inode_ = file.st_ino;
  TRY(reactor.watch(server->listener_.get(), EPOLLIN, [s = server.get()] { s->accept_all(); }));
  // Made before it is needed: then there is no descriptor for it.
  TRY_ASSIGN(server->resume_timer_, reactor.every(never, [s = server.get()] {
    s->reactor_.set_period(s->resume_timer_, never);
    (void)s->reactor_.change(s->listener_.get(), EPOLLIN);
  }));
  return server;
}

ApiServer::~ApiServer() {
  while (!clients_.empty()) close(clients_.begin()->first);
  if (resume_timer_ >= 0) reactor_.cancel(resume_timer_);
  if (!listener_) return;
  reactor_.remove(listener_.get());
  struct stat file{};
  if (stat(path_.c_str(), &file) == 0 && file.st_ino == inode_) unlink(path_.c_str());
}

void ApiServer::accept_all() {
  for (;;) {
    Fd socket(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!socket) {
      if (errno == EINTR || errno == ECONNABORTED) continue;
      if (errno == EAGAIN) return;
      LOG_WARN("api: accept: {}; who asks has to wait", errno_text(errno));
      return accept_later();
    }
    if (clients_.size() >= limits_.clients) {
      const std::string line = error_line("too many clients") + "\n";
      [[maybe_unused]] const auto n = ::send(socket.get(), line.data(), line.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      continue;
    }
    const int fd = socket.get();
    if (const auto watched = reactor_.watch(fd, EPOLLIN | EPOLLRDHUP, [this, fd] { serve(fd); }); !watched) {
      LOG_WARN("api: {}", watched.error().message);
      continue;
    }
    clients_.emplace(fd, std::make_unique<Client>(std::move(socket)));
  }
}

// Without a file descriptor to be had, the listener stays ready, and would keep the reactor from everything else.
void ApiServer::accept_later() {
  (void)reactor_.change(listener_.get(), 0);
  reactor_.set_period(resume_timer_, accept_again_after);
}

void ApiServer::serve(int fd) {
  const auto found = clients_.find(fd);
  if (found == clients_.end()) return;
  Client& client = *found->second;
  if (!receive(client) || !flush(client)) close(fd);
}

// False: the client is gone.
bool ApiServer::receive(Client& client) {
  std::array<char, receive_bytes> buffer{};
  const ssize_t n = ::recv(client.socket.get(), buffer.data(), buffer.size(), 0);
  if (n == 0) return false;
  if (n < 0) return errno == EAGAIN || errno == EINTR;
  if (client.watches() || client.answered) return true;  // one request a connection; the rest is not listened to
  client.request.append(buffer.data(), static_cast<std::size_t>(n));
  const std::size_t end = client.request.find('\n');
  if (end != std::string::npos) {
    answer(client, client.request.substr(0, end));
    client.request = {};
  } else if (client.request.size() > limits_.request_bytes) {
    client.answered = true;
    enqueue(client, error_line("request too long"));
  }
  return true;
}

void ApiServer::answer(Client& client, const std::string& line) {
  const nlohmann::json json = nlohmann::json::parse(line, nullptr, false);
  const auto request = json.is_object() ? json.find("request") : json.end();
  const std::string what =
      json.is_object() && request != json.end() && request->is_string() ? request->get<std::string>() : "";
  client.answered = true;
  if (what == "status") return enqueue(client, to_line(handlers_.status()));
  if (const auto question = handlers_.questions.find(what); question != handlers_.questions.end())
    return enqueue(client, to_line(question->second()));
  if (what == "trace" && handlers_.trace) return enqueue(client, to_line(tell_trace(json)));
  if (what != "observe" && what != "top")
    return enqueue(client, error_line("a request is {\"request\":\"status\"} or {\"request\":\"observe\"}"));
  const Result<nlohmann::json> agreed = what == "top" ? begin_top(client, json) : begin_observing(client, json);
  if (!agreed) return enqueue(client, error_line(agreed.error().message));
  client.answered = false;
  if (++observers_ == 1) handlers_.audience(true);
  enqueue(client, to_line(*agreed));
}

nlohmann::json ApiServer::tell_trace(const nlohmann::json& request) const {
  const auto given = request.find("trace");
  const Result<std::string> id = parse_trace_id(
      given != request.end() && given->is_string() ? given->get_ref<const std::string&>() : std::string());
  if (!id) return {{"error", id.error().message}};
  return handlers_.trace(*id);
}

Result<nlohmann::json> ApiServer::begin_observing(Client& client, const nlohmann::json& request) {
  TRY_ASSIGN(client.filter, CallFilter::from_json(request.value("filter", nlohmann::json::object())));
  return nlohmann::json{{"observing", client.filter->to_json()}};
}

Result<nlohmann::json> ApiServer::begin_top(Client& client, const nlohmann::json& json) {
  if (top_views_ >= limits_.top_views) return fail("too many clients are watching sums already");
  TRY_ASSIGN(const TopRequest request, TopRequest::from_json(json));
  TRY_ASSIGN(client.top_timer,
             reactor_.every(request.interval, [this, fd = client.socket.get()] { end_interval(fd); }));
  client.top.emplace(request, monotonic_now(), handlers_.brief());
  ++top_views_;
  return nlohmann::json{{"top", request.to_json()}};
}

void ApiServer::end_interval(int fd) {
  const auto found = clients_.find(fd);
  if (found == clients_.end() || !found->second->top) return;
  Client& client = *found->second;
  enqueue(client, client.top->next_line(monotonic_now(), handlers_.brief()));
  if (!client.waits_writable && !flush(client)) close(fd);
}

void ApiServer::publish(const Observation& observation) {
  if (observers_ == 0) return;
  line_.clear();
  std::vector<int> gone;
  for (const auto& [fd, client] : clients_) {
    if (client->top) client->top->add(observation);
    if (!client->filter || !client->filter->matches(observation)) continue;
    if (line_.empty()) {
      handlers_.format(line_, observation);
      while (!line_.empty() && line_.back() == '\n') line_.pop_back();
    }
    enqueue(*client, line_);
    // While the socket is full, the reactor says when to go on: no system call per call for a slow reader.
    if (!client->waits_writable && !flush(*client)) gone.push_back(fd);
  }
  for (const int fd : gone) close(fd);
}

void ApiServer::enqueue(Client& client, const std::string& line) {
  const std::string notice = client.dropped > 0 ? fmt::format("{{\"dropped\":{}}}\n", client.dropped) : "";
  // The first line is taken whatever its size: a status must get through.
  if (client.waiting() > 0 && client.waiting() + notice.size() + line.size() + 1 > limits_.queue_bytes) {
    ++client.dropped;
    ++dropped_;
    return;
  }
  client.queue.append(notice).append(line).push_back('\n');
  client.dropped = 0;
}

// Sends what the socket takes. False: the client is gone, or has all it asked for.
bool ApiServer::flush(Client& client) {
  while (client.waiting() > 0) {
    const ssize_t n =
        ::send(client.socket.get(), client.queue.data() + client.sent, client.waiting(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) break;
    if (n < 0) return false;
    client.sent += static_cast<std::size_t>(n);
  }
  if (client.waiting() == 0 && client.dropped > 0) {
    client.queue.clear();
    client.sent = 0;
    client.queue = fmt::format("{{\"dropped\":{}}}\n", client.dropped);
    client.dropped = 0;
    return flush(client);
  }
  if (client.sent >= client.queue.size() / 2) {  // so that moving the rest costs no more than sending did
    client.queue.erase(0, client.sent);
    client.sent = 0;
  }
  const bool full = client.waiting() > 0;
  if (!full && client.answered) return false;
  if (full != client.waits_writable) {
    client.waits_writable = full;
    const std::uint32_t events = EPOLLIN | EPOLLRDHUP | (full ? std::uint32_t{EPOLLOUT} : 0U);
    if (!reactor_.change(client.socket.get(), events)) return false;
  }
  return true;
}

void ApiServer::close(int fd) {
  const auto found = clients_.find(fd);
  if (found == clients_.end()) return;
  if (found->second->watches() && --observers_ == 0) handlers_.audience(false);
  if (found->second->top) --top_views_;
  if (found->second->top_timer >= 0) reactor_.cancel(found->second->top_timer);
  reactor_.remove(fd);
  clients_.erase(found);
}

}  // namespace subfloor
