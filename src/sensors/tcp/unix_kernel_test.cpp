// SPDX-License-Identifier: Apache-2.0
// Unix stream sockets against the running kernel, on each rung.
#include <gmock/gmock.h>
#include <sys/uio.h>

#include <cstddef>

#include "sensors/tcp/testing.h"

namespace subfloor::sensors::testing_tcp {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

constexpr bool in = false, out = true;

using UnixSocketsOn = TcpSensorOn;

INSTANTIATE_TEST_SUITE_P(EachRung, UnixSocketsOn, ::testing::ValuesIn(rungs), name_of_rung);

TEST_P(UnixSocketsOn, TellBothDirectionsAtBothEnds) {
  if (!open()) return;
  const Pair pair(Over::unix_pair);
  const auto client = in_child([&] { write_all(pair.client, "request"); });
  const auto server = in_child([&] {
    must(read_exactly(pair.server, 7) == "request");
    write_all(pair.server, "the response");
  });
  in_child([&] { must(read_exactly(pair.client, 12) == "the response"); });
  EXPECT_EQ(told(pair.client_key).text(out), "request");
  EXPECT_EQ(told(pair.server_key).text(in), "request");
  EXPECT_EQ(told(pair.server_key).text(out), "the response");
  EXPECT_EQ(told(pair.client_key).text(in), "the response");
  EXPECT_THAT(told(pair.server_key).pids(in), ElementsAre(server));
  ASSERT_THAT(told(pair.client_key).opened, Not(IsEmpty()));
  const SocketOpened& opened = told(pair.client_key).opened[0];
  EXPECT_EQ(opened.connection.transport, Transport::unix_stream);
  EXPECT_EQ(opened.peer, pair.server_key);
  EXPECT_EQ(opened.pid, client);
  for (const Data& one : told(pair.client_key).data) EXPECT_FALSE(one.head.has_position);
}

TEST_P(UnixSocketsOn, TellMessagesThatAreReadInPieces) {
  if (!open()) return;
  const Pair pair(Over::unix_pair);
  const std::string truth = pattern(3000);
  in_child([&] {
    write_all(pair.client, truth);
    must(read_exactly(pair.server, 3000, 130) == truth);
  });
  EXPECT_EQ(told(pair.client_key).text(out), truth);
  EXPECT_EQ(told(pair.server_key).text(in), truth);
}

TEST_P(UnixSocketsOn, TellManyMessagesThatAreReadAtOnce) {
  if (!open()) return;
  const Pair pair(Over::unix_pair);
  const std::string truth = pattern(3000);
  in_child([&] {
    for (std::size_t i = 0; i < 30; ++i) write_all(pair.client, truth.substr(100 * i, 100));
    must(read_exactly(pair.server, 3000) == truth);
  });
  EXPECT_EQ(told(pair.client_key).text(out), truth);
  EXPECT_EQ(told(pair.server_key).text(in), truth);
}

TEST_P(UnixSocketsOn, TellPeekedBytesOnce) {
  if (!open()) return;
  const Pair pair(Over::unix_pair);
  in_child([&] {
    char place[100];
    write_all(pair.client, "peeked at");
    must(recv(pair.server, place, 4, MSG_PEEK) == 4);
    must(recv(pair.server, place, sizeof place, MSG_PEEK) == 9);
    must(read_exactly(pair.server, 9, 5) == "peeked at");
  });
  EXPECT_EQ(told(pair.client_key).text(out), "peeked at");
  EXPECT_EQ(told(pair.server_key).text(in), "peeked at");
}

TEST_P(UnixSocketsOn, TellVectors) {
  if (!open()) return;
  const Pair pair(Over::unix_pair);
  const std::string truth = pattern(2000);
  in_child([&] {
    std::string sent = truth, received(2000, '\0');
    std::vector<iovec> pieces, places;
    for (std::size_t i = 0; i < 200; ++i) pieces.push_back({sent.data() + 10 * i, 10});
    for (std::size_t i = 0; i < 50; ++i) places.push_back({received.data() + 40 * i, 40});
    must(writev(pair.client, pieces.data(), 200) == 2000);
    must(readv(pair.server, places.data(), 50) == 2000);
    must(received == truth);
  });
  EXPECT_EQ(told(pair.client_key).text(out), truth);
  EXPECT_EQ(told(pair.server_key).text(in), truth);
}

TEST_P(UnixSocketsOn, CountALargeWriteExactly) {
  if (!open()) return;
  const Pair pair(Over::unix_pair);
  const std::string truth = pattern(1 << 20);
  const pid_t reader = start([&] { must(read_exactly(pair.server, truth.size()) == truth); });
  const pid_t writer = start([&] { write_all(pair.client, truth); });
  end_of(writer);
  end_of(reader);
  EXPECT_GE(known_of(told(pair.client_key).text(out), truth), 4096);
  EXPECT_GE(known_of(told(pair.server_key).text(in), truth), 4096);
}

TEST_P(UnixSocketsOn, TellTheLastBytesOfASenderThatHasClosed) {
  if (!open()) return;
  SocketKey client_key = 0, server_key = 0;
  {
    Pair pair(Over::unix_pair);
    client_key = pair.client_key;
    server_key = pair.server_key;
    in_child([&] { write_all(pair.client, "last words"); });
    ::close(pair.client);
    pair.client = -1;
    in_child([&] { must(read_exactly(pair.server, 10) == "last words"); });
  }
  EXPECT_EQ(told(client_key).text(out), "last words");
  EXPECT_EQ(told(server_key).text(in), "last words");
}

TEST_P(UnixSocketsOn, DoNotEndWhileTheReaderMayStillAnswer) {
  if (!open()) return;
  const Pair pair(Over::unix_pair);
  in_child([&] {
    write_all(pair.client, "x");
    read_exactly(pair.server, 1);
    must(shutdown(pair.client, SHUT_WR) == 0);
    char byte;
    must(read(pair.server, &byte, 1) == 0);
    write_all(pair.server, "answer");
    must(read_exactly(pair.client, 6) == "answer");
  });
  EXPECT_EQ(told(pair.client_key).text(in), "answer");
  EXPECT_THAT(told(pair.server_key).closed, IsEmpty());
}

TEST_P(UnixSocketsOn, EndWhereNeitherWritesAnyMore) {
  if (!open()) return;
  const Pair pair(Over::unix_pair);
  in_child([&] {
    write_all(pair.client, "x");
    read_exactly(pair.server, 1);
    must(shutdown(pair.client, SHUT_WR) == 0 && shutdown(pair.server, SHUT_WR) == 0);
    char byte;
    must(read(pair.server, &byte, 1) == 0);
  });
  EXPECT_THAT(told(pair.server_key).closed, SizeIs(1));
}

TEST_P(UnixSocketsOn, NameTheListenersPath) {
  if (!open()) return;
  struct Keys {
    SocketKey client, server;
  };
  Shared<Keys> keys;
  const std::string name = "subfloor-test-" + std::to_string(getpid());
  in_child([&] {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    name.copy(address.sun_path + 1, name.size());
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
    const int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    must(bind(listener, reinterpret_cast<sockaddr*>(&address), size) == 0 && listen(listener, 1) == 0);
    const int client = socket(AF_UNIX, SOCK_STREAM, 0);
    must(connect(client, reinterpret_cast<sockaddr*>(&address), size) == 0);
    const int server = accept(listener, nullptr, nullptr);
    *keys = {key_of(client), key_of(server)};
    write_all(client, "hello");
    must(read_exactly(server, 5) == "hello");
  });
  for (const SocketKey key : {keys->client, keys->server}) {
    ASSERT_THAT(told(key).opened, Not(IsEmpty()));
    EXPECT_EQ(told(key).opened[0].connection.unix_path, "@" + name);
  }
}

TEST_P(UnixSocketsOn, AreDescribedUntilUserSpaceKnowsThem) {
  if (!open()) return;
  const Pair pair(Over::unix_pair);
  const auto pass = [&] {
    in_child([&] {
      write_all(pair.client, "hello");
      read_exactly(pair.server, 5);
    });
  };
  pass();
  const std::size_t described = told(pair.client_key).opened.size();
  EXPECT_GE(described, 1U);
  watch_->steering().copy(pair.client_key, false);
  pass();
  EXPECT_THAT(told(pair.client_key).opened, SizeIs(described));
  EXPECT_EQ(told(pair.client_key).text(out), "hellohello");
}

TEST_P(UnixSocketsOn, AreSilentWhenSwitchedOff) {
  if (!open()) return;
  const Pair pair(Over::unix_pair);
  for (const SocketKey key : {pair.client_key, pair.server_key}) watch_->steering().off(key);
  in_child([&] {
    write_all(pair.client, "hello");
    read_exactly(pair.server, 5);
  });
  EXPECT_THAT(told(pair.client_key).data, IsEmpty());
  EXPECT_THAT(told(pair.server_key).data, IsEmpty());
}

TEST_P(UnixSocketsOn, AreLeftOutWhereTheSettingsSaySo) {
  Settings settings;
  settings.unix_sockets = false;
  if (!open(settings)) return;
  const Pair pair(Over::unix_pair);
  in_child([&] {
    write_all(pair.client, "hello");
    read_exactly(pair.server, 5);
  });
  EXPECT_THAT(told(pair.client_key).data, IsEmpty());
  EXPECT_THAT(told(pair.server_key).data, IsEmpty());
  EXPECT_THAT(told(pair.client_key).opened, IsEmpty());
}

TEST_P(UnixSocketsOn, OfDatagramsAreNotStreams) {
  if (!open()) return;
  int fds[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_DGRAM, 0, fds), 0);
  in_child([&] {
    write_all(fds[0], "hello");
    read_exactly(fds[1], 5);
  });
  for (const int fd : fds) {
    EXPECT_THAT(told(key_of(fd)).data, IsEmpty());
    EXPECT_THAT(told(key_of(fd)).opened, IsEmpty());
    close(fd);
  }
}

}  // namespace
}  // namespace subfloor::sensors::testing_tcp
