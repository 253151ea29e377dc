// SPDX-License-Identifier: Apache-2.0
// Any bytes from a client of the agent's socket, in pieces (the first byte says of what size). Checked: every answer is
// a line of JSON, an observer agreed to gets the call that its filter lets pass, and a client that goes is forgotten.
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>

#include "base/fuzzing.h"
#include "exporters/api/server.h"
#include "exporters/api/socket.h"

namespace {

using namespace subfloor;

constexpr Protocol http1{"http1", &http_family};
using fuzzing::require;

struct Fixture {
  Fixture() {
    std::string folder = "/tmp/subfloor-api-fuzz-XXXXXX";
    require(::mkdtemp(folder.data()) != nullptr);
    path = folder + "/api.sock";
    auto made = Reactor::make();
    require(made.has_value());
    reactor = std::move(*made);
    auto listening = ApiServer::make(*reactor, path, "",
                                     {.status = [] { return nlohmann::json{{"health", "ok"}}; },
                                      .format = [](std::string& out, const Observation&) { out += "{\"call\":1}\n"; }},
                                     {.clients = 4, .queue_bytes = 256, .request_bytes = 512});
    require(listening.has_value());
    server = std::move(*listening);
  }
  ~Fixture() {
    server.reset();
    ::rmdir(path.substr(0, path.rfind('/')).c_str());
  }

  // Lets the server look at all that is ready: who is told to stop leaves the rest of a round to the next.
  void turn() const {
    reactor->post([r = reactor.get()] { r->stop(); });
    reactor->run();
  }
  template <class Condition>
  void turn_until(Condition condition) const {
    for (int turns = 0; !condition(); ++turns) {
      require(turns < 100);
      turn();
    }
  }

  std::string path;
  std::unique_ptr<Reactor> reactor;
  std::unique_ptr<ApiServer> server;
};

std::string receive(int fd) {
  std::string all(65536, '\0');
  const ssize_t n = ::recv(fd, all.data(), all.size(), MSG_DONTWAIT);
  all.resize(static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
  return all;
}

void publish(const Fixture& fixture) {
  Call call;
  call.protocol = &http1;
  call.status = 200;
  call.pid = 42;
  const Connection connection;
  Process process;
  process.pid = 42;
  process.comm = "app";
  fixture.server->publish(
      {call, connection, process, nullptr, "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331", "", ""});
}

void check_answer(std::string_view answer) {
  require(answer.empty() || answer.ends_with('\n'));
  while (!answer.empty()) {
    const std::size_t end = answer.find('\n');
    const nlohmann::json line = nlohmann::json::parse(answer.substr(0, end), nullptr, false);
    require(line.is_object());
    require(line.contains("error") || line.contains("health") || line.contains("observing") || line.contains("call") ||
            line.contains("top") || line.contains("rows") || line.contains("dropped"));
    answer.remove_prefix(end + 1);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Fixture fixture;
  if (size == 0) return 0;
  std::string_view rest = fuzzing::text_of(data + 1, size - 1);
  const std::size_t piece = data[0] == 0 ? rest.size() + 1 : data[0];
  auto client = unix_socket::connect_to(fixture.path);
  require(client.has_value());
  fixture.turn_until([] { return fixture.server->clients() == 1; });
  while (!rest.empty()) {
    const std::string_view part = rest.substr(0, piece);
    if (::send(client->get(), part.data(), part.size(), MSG_NOSIGNAL | MSG_DONTWAIT) < 0) break;
    rest.remove_prefix(part.size());
    fixture.turn();
  }
  fixture.turn();
  publish(fixture);
  check_answer(receive(client->get()));
  *client = Fd();
  fixture.turn_until([] { return fixture.server->clients() == 0 && fixture.server->observers() == 0; });
  return 0;
}
