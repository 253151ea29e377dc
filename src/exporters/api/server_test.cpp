// SPDX-License-Identifier: Apache-2.0
#include "exporters/api/server.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cstdlib>
#include <fstream>
#include <future>
#include <thread>

#include "exporters/api/client.h"
#include "exporters/api/socket.h"

namespace subfloor {
namespace {

constexpr Protocol http1{"http1", &http_family};

void format(std::string& out, const Observation& observation) {
  out += "{\"path\":\"" + observation.call.path + "\"}\n";
}

class Api : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/subfloor-api-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    folder_ = name;
    path_ = folder_ + "/run/api.sock";
    auto reactor = Reactor::make();
    ASSERT_TRUE(reactor);
    reactor_ = std::move(*reactor);
  }
  void TearDown() override {
    stop();
    server_.reset();
    unlink(path_.c_str());
    rmdir((folder_ + "/run").c_str());
    rmdir(folder_.c_str());
  }

  Result<std::unique_ptr<ApiServer>> make(ApiServer::Limits limits = {}) {
    const auto audience = [this](bool listens) { audience_.push_back(listens); };
    return ApiServer::make(*reactor_, path_, "", {[] { return nlohmann::json{{"pid", 7}}; }, format, audience}, limits);
  }
  void start(ApiServer::Limits limits = {}) {
    auto server = make(limits);
    ASSERT_TRUE(server) << server.error().message;
    server_ = std::move(*server);
    thread_ = std::thread([this] { reactor_->run(); });
  }
  void stop() {
    if (!thread_.joinable()) return;
    reactor_->stop();
    thread_.join();
  }
  // In the reactor's thread, and waits for it.
  void in_reactor(const std::function<void()>& task) {
    auto done = std::make_shared<std::promise<void>>();
    reactor_->post([&task, done] {
      task();
      done->set_value();
    });
    done->get_future().wait();
  }
  void publish(const std::string& path, int times = 1) {
    in_reactor([&] {
      Call call;
      call.path = path;
      call.status = 200;
      call.protocol = &http1;
      const Connection connection;
      const Process process;
      for (int i = 0; i < times; ++i) server_->publish({call, connection, process, nullptr, "", "", "", ""});
    });
  }
  // Waits for the next line; the socket is the client's own.
  static ApiLine next(ApiClient& client) {
    for (;;) {
      if (auto line = client.next()) return *line;
      timeval patience{5, 0};
      fd_set set;
      FD_ZERO(&set);
      FD_SET(client.fd(), &set);
      if (select(client.fd() + 1, &set, nullptr, nullptr, &patience) != 1) return {"nothing came", 0};
      if (const auto got = client.receive(); !got) return {got.error().message, 0};
    }
  }

  std::string folder_, path_;
  std::unique_ptr<Reactor> reactor_;
  std::vector<bool> audience_;
  std::unique_ptr<ApiServer> server_;
  std::thread thread_;
};

TEST_F(Api, AnswersStatusOnceAndHangsUp) {
  start();
  auto client = ApiClient::connect(path_);
  ASSERT_TRUE(client);
  const auto status = client->status();
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_EQ((*status)["pid"], 7);
  EXPECT_EQ(next(*client).text, "the agent closed the connection");
}

TEST_F(Api, AnswersLaterWhereThereWasNoDescriptorForAClient) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "UBSan asks by a pipe whether memory can be read, and takes no descriptor for a no";
#endif
  start();
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const int next_free = dup(0);
  close(next_free);
  const rlimit just_one{static_cast<rlim_t>(next_free) + 1, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &just_one), 0);
  auto client = ApiClient::connect(path_);  // takes the one that is left
  ASSERT_TRUE(client);
  for (int i = 0; i < 3; ++i) in_reactor([] {});
  in_reactor([&] { EXPECT_EQ(server_->clients(), 0U); });
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  const auto status = client->status();
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_EQ((*status)["pid"], 7);
}

TEST_F(Api, AnswersOtherQuestionsToo) {
  ApiServer::Handlers handlers{
      [] { return nlohmann::json(); }, format, [](bool) {}, {{"log", [] { return nlohmann::json{{"n", 1}}; }}}};
  auto server = ApiServer::make(*reactor_, path_, "", std::move(handlers));
  ASSERT_TRUE(server);
  server_ = std::move(*server);
  thread_ = std::thread([this] { reactor_->run(); });
  EXPECT_EQ((*ApiClient::connect(path_)->ask("log"))["n"], 1);
  EXPECT_FALSE(ApiClient::connect(path_)->ask("nonsense"));
}

TEST_F(Api, StreamsTheCallsThatPassTheFilter) {
  start();
  auto all = ApiClient::connect(path_), errors = ApiClient::connect(path_);
  ASSERT_TRUE(all && errors);
  ASSERT_TRUE(all->observe({}));
  CallFilter filter;
  filter.status = *StatusFilter::parse("5xx");
  ASSERT_TRUE(errors->observe(filter));
  publish("/a");
  publish("/b");
  EXPECT_EQ(next(*all).text, R"({"path":"/a"})");
  EXPECT_EQ(next(*all).text, R"({"path":"/b"})");
  EXPECT_FALSE(errors->next());
  in_reactor([&] { EXPECT_EQ(server_->clients(), 2U); });
}

TEST_F(Api, TellsWhenSomebodyObservesAndWhenNobodyDoes) {
  start();
  auto first = ApiClient::connect(path_), second = ApiClient::connect(path_);
  ASSERT_TRUE(first && second);
  ASSERT_TRUE(first->observe({}));
  ASSERT_TRUE(second->observe({}));
  publish("/a");
  EXPECT_EQ(next(*second).text, R"({"path":"/a"})");
  in_reactor([&] { EXPECT_EQ(audience_, std::vector{true}); });
  first = fail("gone");
  second = fail("gone");
  for (bool waiting = true; waiting;) in_reactor([&] { waiting = server_->clients() > 0; });
  in_reactor([&] { EXPECT_EQ(audience_, (std::vector{true, false})); });
}

TEST_F(Api, SaysWhatIsWrongWithARequest) {
  start();
  const auto ask = [&](const std::string& request) {
    auto socket = unix_socket::connect_to(path_);
    EXPECT_TRUE(socket);
    EXPECT_EQ(send(socket->get(), request.data(), request.size(), 0), static_cast<ssize_t>(request.size()));
    std::string answer(1000, '\0');
    fd_set set;
    FD_ZERO(&set);
    FD_SET(socket->get(), &set);
    select(socket->get() + 1, &set, nullptr, nullptr, nullptr);
    const ssize_t n = recv(socket->get(), answer.data(), answer.size(), 0);
    answer.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
    return answer;
  };
  const std::string usage =
      "{\"error\":\"a request is {\\\"request\\\":\\\"status\\\"} or {\\\"request\\\":\\\"observe\\\"}\"}\n";
  EXPECT_EQ(ask("hello\n"), usage);
  EXPECT_EQ(ask("[]\n"), usage);
  EXPECT_EQ(ask("{\"request\":7}\n"), usage);
  EXPECT_EQ(ask("\xff\xfe\n"), usage);
  EXPECT_EQ(ask("{\"request\":\"observe\",\"filter\":{\"status\":\"9x\"}}\n"),
            "{\"error\":\"status '9x' is none of: a class like 2xx, a code like 404, unset, error\"}\n");
  EXPECT_EQ(ask(std::string(20'000, 'x')), "{\"error\":\"request too long\"}\n");
}

TEST_F(Api, CountsWhatASlowReaderMissesAndTellsIt) {
  ApiServer::Limits limits;
  limits.queue_bytes = 64 << 10;
  start(limits);
  auto client = ApiClient::connect(path_);
  ASSERT_TRUE(client);
  ASSERT_TRUE(client->observe({}));
  constexpr std::uint64_t published = 20'000;
  publish("/" + std::string(90, 'x'), published);
  std::uint64_t lost = 0;
  in_reactor([&] { lost = server_->dropped(); });
  EXPECT_GT(lost, 0U);
  std::uint64_t received = 0, told = 0;
  while (received + told < published) {
    const ApiLine line = next(*client);
    told += line.dropped;
    if (line.dropped > 0) continue;
    ASSERT_TRUE(line.text.starts_with("{\"path\":\"/xxx")) << line.text;
    ++received;
  }
  EXPECT_EQ(told, lost);
  publish("/after");
  EXPECT_EQ(next(*client).text, R"({"path":"/after"})");
}

TEST_F(Api, ForgetsAClientThatLeft) {
  start();
  {
    auto client = ApiClient::connect(path_);
    ASSERT_TRUE(client);
    ASSERT_TRUE(client->observe({}));
  }
  publish("/a");
  publish("/b");
  std::size_t clients = 1;
  for (int i = 0; i < 1000 && clients > 0; ++i) in_reactor([&] { clients = server_->clients(); });
  EXPECT_EQ(clients, 0U);
}

TEST_F(Api, TurnsAwayMoreClientsThanTheLimit) {
  ApiServer::Limits limits;
  limits.clients = 1;
  start(limits);
  auto first = ApiClient::connect(path_);
  ASSERT_TRUE(first);
  ASSERT_TRUE(first->observe({}));
  auto second = ApiClient::connect(path_);
  ASSERT_TRUE(second);
  const auto refused = second->observe({});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message, "too many clients");
}

TEST_F(Api, RefusesASecondServerAndNamesTheFirst) {
  start();
  const auto second = make();
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, EADDRINUSE);
  EXPECT_EQ(second.error().message, fmt::format("another agent (pid {}) is running at {}", getpid(), path_));
  EXPECT_TRUE(ApiClient::connect(path_)) << "the first must be untouched";
}

TEST_F(Api, ReplacesASocketNobodyListensAt) {
  {
    auto left_behind = unix_socket::listen_at(path_, "");
    ASSERT_TRUE(left_behind) << left_behind.error().message;
  }
  ASSERT_EQ(ApiClient::connect(path_).error().code, ECONNREFUSED);
  start();
  EXPECT_TRUE(ApiClient::connect(path_));
}

TEST_F(Api, LeavesAFileThatIsNoSocketAlone) {
  ASSERT_EQ(mkdir((folder_ + "/run").c_str(), 0755), 0);
  std::ofstream(path_) << "precious";
  const auto server = make();
  ASSERT_FALSE(server);
  EXPECT_EQ(server.error().message, path_ + " exists and is not a socket");
  EXPECT_EQ(access(path_.c_str(), F_OK), 0);
}

TEST_F(Api, IsForItsOwnerAloneAndGoneAfterwards) {
  start();
  struct stat file{};
  ASSERT_EQ(stat(path_.c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 0777, 0600U);
  stop();
  server_.reset();
  EXPECT_EQ(ApiClient::connect(path_).error().code, ENOENT);
}

TEST_F(Api, NamesAGroupThatDoesNotExist) {
  const auto server = ApiServer::make(*reactor_, path_, "no-such-group", {});
  ASSERT_FALSE(server);
  EXPECT_EQ(server.error().message, "there is no group 'no-such-group'");
  EXPECT_EQ(access(path_.c_str(), F_OK), -1);
}

}  // namespace
}  // namespace subfloor
