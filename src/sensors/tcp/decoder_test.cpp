// SPDX-License-Identifier: Apache-2.0
#include "sensors/tcp/decoder.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cstring>

namespace subfloor::sensors {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class Heard final : public Events {
 public:
  void on_socket_opened(const SocketOpened& event) override { opened.push_back(event); }
  void on_stream_data(const StreamData& event) override {
    data.push_back(event);
    texts.push_back(
        fmt::format("{} {} {} {}", event.key & 0xff, event.outbound ? "out" : "in", event.length, event.bytes));
  }
  void on_retransmit(SocketKey key, Nanoseconds when) override { retransmits.emplace_back(key, when); }
  void on_socket_closed(const SocketClosed& event) override { closed.push_back(event); }

  [[nodiscard]] std::size_t events() const { return opened.size() + data.size() + retransmits.size() + closed.size(); }

  std::vector<SocketOpened> opened;
  std::vector<StreamData> data;
  std::vector<std::string> texts;  // of data: "key direction length content"
  std::vector<std::pair<SocketKey, Nanoseconds>> retransmits;
  std::vector<SocketClosed> closed;
};

template <class T>
std::vector<std::byte> bytes_of(const T& record, std::string_view content = "") {
  std::vector<std::byte> bytes(sizeof record + content.size());
  std::memcpy(bytes.data(), &record, sizeof record);
  std::memcpy(bytes.data() + sizeof record, content.data(), content.size());
  return bytes;
}

record_header header(std::uint8_t kind, Nanoseconds time = 1000) {
  record_header made{};
  made.time = time;
  made.kind = kind;
  return made;
}

tcp_data data_record(std::uint8_t kind, std::string_view content, std::uint32_t length) {
  tcp_data record{};
  record.header = header(kind);
  record.key = 7;
  record.begin = 900;
  record.position = 0xfffffffe;
  record.other_position = 77;
  record.length = length;
  record.captured = static_cast<std::uint32_t>(content.size());
  record.pid = 100;
  record.tid = 101;
  record.direction = TCP_DIRECTION_OUT;
  record.has_position = 1;
  return record;
}

class TcpDecoderTest : public ::testing::Test {
 protected:
  bool decode(std::uint8_t kind, const std::vector<std::byte>& bytes) { return decoder.decode(header(kind), bytes); }
  template <class T>
  bool decode(const T& record, std::string_view content = "") {
    return decoder.decode(record.header, bytes_of(record, content));
  }

  // unix: a thread takes content that `sender` sent, and is done with the call.
  bool takes(std::uint32_t tid, SocketKey sender, std::string_view content, std::uint32_t length = 0) {
    tcp_data record =
        data_record(TCP_UNIX_CONTENT, content, std::max(length, static_cast<std::uint32_t>(content.size())));
    record.key = sender;
    record.tid = tid;
    return decode(record, content);
  }
  bool received(std::uint32_t tid, std::uint32_t length, bool peek = false, bool over = false) {
    tcp_unix_received record{};
    record.header = header(TCP_UNIX_RECEIVED, 2000);
    record.key = 8;
    record.peer = 7;
    record.pid = 100;
    record.tid = tid;
    record.length = length;
    record.peek = peek;
    record.over = over;
    return decode(record);
  }

  Heard heard;
  TcpDecoder decoder{heard};
};

TEST_F(TcpDecoderTest, ReadsTheBirthOfATcpSocket) {
  tcp_socket_open open{};
  open.header = header(TCP_SOCKET_OPEN);
  open.key = 7;
  open.local = {.ip = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 1}, .port = 80, .pad = 0};
  open.remote = {.ip = {0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2}, .port = 40000, .pad = 0};
  open.inbound_position = 5;
  open.outbound_position = 6;
  open.net_namespace = 42;
  open.pid = 100;
  open.side = TCP_SIDE_ACCEPTED;
  ASSERT_TRUE(decode(open));
  ASSERT_THAT(heard.opened, SizeIs(1));
  const SocketOpened& opened = heard.opened[0];
  EXPECT_EQ(opened.connection.key, 7U);
  EXPECT_EQ(opened.connection.transport, Transport::tcp);
  EXPECT_EQ(opened.connection.local.text(), "10.0.0.1:80");
  EXPECT_EQ(opened.connection.remote.text(), "[fe80::2]:40000");
  EXPECT_EQ(opened.connection.net_namespace, 42U);
  EXPECT_EQ(opened.connection.opened, 1000U);
  EXPECT_FALSE(opened.connection.joined_late);
  EXPECT_TRUE(opened.side_known);
  EXPECT_TRUE(opened.listening_side);
  EXPECT_EQ(opened.inbound_position, 5U);
  EXPECT_EQ(opened.outbound_position, 6U);
  EXPECT_EQ(opened.pid, 100U);
}

TEST_F(TcpDecoderTest, KnowsNoBirthTimeOfASocketOlderThanTheSensor) {
  tcp_socket_open open{};
  open.header = header(TCP_SOCKET_OPEN);
  open.key = 7;
  open.old = 1;
  ASSERT_TRUE(decode(open));
  EXPECT_TRUE(heard.opened.at(0).connection.joined_late);
  EXPECT_EQ(heard.opened[0].connection.opened, 0U);
  EXPECT_FALSE(heard.opened[0].side_known);
}

TEST_F(TcpDecoderTest, ReadsTheNamesOfUnixSockets) {
  const auto path_of = [this](std::string_view name, std::uint8_t length) {
    tcp_socket_open open{};
    open.header = header(TCP_SOCKET_OPEN);
    open.is_unix = 1;
    open.peer = 9;
    open.path_length = length;
    name.copy(open.path, sizeof open.path);
    EXPECT_TRUE(decode(open));
    EXPECT_EQ(heard.opened.back().connection.transport, Transport::unix_stream);
    EXPECT_EQ(heard.opened.back().peer, 9U);
    return heard.opened.back().connection.unix_path;
  };
  using namespace std::string_view_literals;
  EXPECT_EQ(path_of("/run/x.sock\0"sv, 12), "/run/x.sock");
  EXPECT_EQ(path_of("/run/x.sock", 11), "/run/x.sock");
  EXPECT_EQ(path_of("\0name"sv, 5), "@name");
  EXPECT_EQ(path_of("", 0), "");
  EXPECT_EQ(path_of("\0"sv, 1), "");
  EXPECT_EQ(path_of(std::string(200, 'x'), 255), std::string(TCP_UNIX_PATH, 'x'));  // more than there is room for
}

TEST_F(TcpDecoderTest, ReadsACloseAndARetransmit) {
  tcp_socket_close close{};
  close.header = header(TCP_SOCKET_CLOSE);
  close.key = 7;
  close.inbound_position = 1;
  close.outbound_position = 2;
  close.srtt_us = 3;
  close.retransmits = 4;
  ASSERT_TRUE(decode(close));
  ASSERT_THAT(heard.closed, SizeIs(1));
  EXPECT_EQ(heard.closed[0].key, 7U);
  EXPECT_EQ(heard.closed[0].when, 1000U);
  EXPECT_EQ(heard.closed[0].inbound_position, 1U);
  EXPECT_EQ(heard.closed[0].outbound_position, 2U);
  EXPECT_EQ(heard.closed[0].srtt_us, 3U);
  EXPECT_EQ(heard.closed[0].retransmits, 4U);
  EXPECT_TRUE(heard.closed[0].has_positions);

  tcp_retransmit retransmit{};
  retransmit.header = header(TCP_RETRANSMIT, 1234);
  retransmit.key = 7;
  ASSERT_TRUE(decode(retransmit));
  EXPECT_THAT(heard.retransmits, ElementsAre(std::pair(7U, 1234U)));
}

TEST_F(TcpDecoderTest, ReadsDataWithItsContent) {
  ASSERT_TRUE(decode(data_record(TCP_DATA, "content", 5000), "content"));
  ASSERT_THAT(heard.texts, ElementsAre("7 out 5000 content"));
  const StreamData& data = heard.data[0];
  EXPECT_TRUE(data.has_position);
  EXPECT_EQ(data.position, 0xfffffffeU);
  EXPECT_EQ(data.other_position, 77U);
  EXPECT_EQ(data.begin, 900U);
  EXPECT_EQ(data.end, 1000U);
  EXPECT_EQ(data.pid, 100U);
  EXPECT_EQ(data.tid, 101U);
}

TEST_F(TcpDecoderTest, ReadsDataWithoutContentOrLength) {
  ASSERT_TRUE(decode(data_record(TCP_DATA, "", 5000)));
  ASSERT_TRUE(decode(data_record(TCP_DATA, "", 0)));
  EXPECT_THAT(heard.texts, ElementsAre("7 out 5000 ", "7 out 0 "));
}

TEST_F(TcpDecoderTest, NeverTellsABeginAfterTheEnd) {
  tcp_data record = data_record(TCP_DATA, "x", 1);
  record.begin = 5000;
  ASSERT_TRUE(decode(record, "x"));
  EXPECT_EQ(heard.data[0].begin, heard.data[0].end);
}

TEST_F(TcpDecoderTest, RefusesEveryRecordThatIsCutShort) {
  const std::pair<std::uint8_t, std::size_t> kinds[] = {
      {TCP_SOCKET_OPEN, sizeof(tcp_socket_open)}, {TCP_SOCKET_CLOSE, sizeof(tcp_socket_close)},
      {TCP_RETRANSMIT, sizeof(tcp_retransmit)},   {TCP_DATA, sizeof(tcp_data)},
      {TCP_UNIX_CONTENT, sizeof(tcp_data)},       {TCP_UNIX_RECEIVED, sizeof(tcp_unix_received)},
  };
  for (const auto& [kind, size] : kinds) {
    for (std::size_t length = 0; length < size; ++length)
      EXPECT_FALSE(decode(kind, std::vector<std::byte>(length, std::byte{0xff}))) << +kind << " of " << length;
    EXPECT_TRUE(decode(kind, std::vector<std::byte>(size))) << +kind;
  }
}

TEST_F(TcpDecoderTest, RefusesKindsItDoesNotKnow) {
  for (const int kind : {0, 7, 255}) EXPECT_FALSE(decode(static_cast<std::uint8_t>(kind), std::vector<std::byte>(512)));
  EXPECT_EQ(heard.events(), 0U);
}

TEST_F(TcpDecoderTest, RefusesContentThatIsNotThere) {
  for (const std::uint8_t kind : {TCP_DATA, TCP_UNIX_CONTENT}) {
    tcp_data record = data_record(kind, "content", 5000);
    record.captured = 8;
    EXPECT_FALSE(decode(record, "content"));
    record.captured = 0xffffffff;
    EXPECT_FALSE(decode(record, "content"));
  }
  EXPECT_EQ(heard.events(), 0U);
}

TEST_F(TcpDecoderTest, RefusesMoreContentThanWasTransferred) {
  EXPECT_FALSE(decode(data_record(TCP_DATA, "content", 6), "content"));
  EXPECT_TRUE(decode(data_record(TCP_DATA, "content", 7), "content"));
  EXPECT_THAT(heard.texts, SizeIs(1));
}

// --- Unix sockets: content first, then from which socket it was taken
// ---------------------------------------------------------

TEST_F(TcpDecoderTest, JoinsContentWithItsReader) {
  ASSERT_TRUE(takes(101, 7, "hello"));
  EXPECT_EQ(heard.events(), 0U);
  ASSERT_TRUE(received(101, 5));
  EXPECT_THAT(heard.texts, ElementsAre("7 out 5 hello", "8 in 5 hello"));
  EXPECT_FALSE(heard.data[0].has_position);
  EXPECT_EQ(heard.data[0].pid, 0U);  // the sender's process is not the reader's
  EXPECT_EQ(heard.data[1].pid, 100U);
  EXPECT_EQ(heard.data[1].end, 2000U);
}

TEST_F(TcpDecoderTest, JoinsSeveralPiecesInOrder) {
  takes(101, 7, "one ");
  takes(101, 7, "two", 4000);
  received(101, 4004);
  EXPECT_THAT(heard.texts, ElementsAre("7 out 4 one ", "8 in 4 one ", "7 out 4000 two", "8 in 4000 two"));
}

TEST_F(TcpDecoderTest, DiscardsWhatWasOnlyPeekedAt) {
  takes(101, 7, "hello");
  ASSERT_TRUE(received(101, 5, true));
  EXPECT_EQ(heard.events(), 0U);
  takes(101, 7, "hello");
  received(101, 5);
  EXPECT_THAT(heard.texts, ElementsAre("7 out 5 hello", "8 in 5 hello"));
}

TEST_F(TcpDecoderTest, DoesNotMixThreads) {
  takes(101, 7, "mine");
  takes(102, 9, "theirs");
  received(102, 6);
  EXPECT_THAT(heard.texts, ElementsAre("9 out 6 theirs", "8 in 6 theirs"));
  received(101, 4);
  EXPECT_THAT(heard.texts, ElementsAre("9 out 6 theirs", "8 in 6 theirs", "7 out 4 mine", "8 in 4 mine"));
}

// Where the hole is nobody knows: joined over it, what is left could say something that nobody said.
TEST_F(TcpDecoderTest, TellsOnlyTheLengthWhereSomeOfTheContentWasLost) {
  takes(101, 7, "one ");
  received(101, 10);
  EXPECT_THAT(heard.texts, ElementsAre("7 out 4 ", "8 in 4 ", "8 in 6 "));
  received(101, 3);
  EXPECT_EQ(heard.texts.back(), "8 in 3 ");
}

TEST_F(TcpDecoderTest, TellsOnlyTheReaderWhereTheSenderIsUnknown) {
  takes(101, 0, "orphan");
  received(101, 6);
  EXPECT_THAT(heard.texts, ElementsAre("8 in 6 orphan"));
}

TEST_F(TcpDecoderTest, DoesNotGiveToOneSocketWhatWasTakenFromAnother) {
  takes(101, 9, "of a call whose end was lost");
  takes(101, 7, "hello");
  received(101, 5);
  EXPECT_THAT(heard.texts, ElementsAre("7 out 5 hello", "8 in 5 hello"));
}

TEST_F(TcpDecoderTest, ClosesNothingWhereTheReaderMayStillAnswer) {
  ASSERT_TRUE(received(101, 0));
  EXPECT_THAT(heard.closed, IsEmpty());
}

TEST_F(TcpDecoderTest, ClosesBothEndsWhereNeitherWillWriteAnyMore) {
  ASSERT_TRUE(received(101, 0, false, true));
  ASSERT_THAT(heard.closed, SizeIs(2));
  EXPECT_EQ(heard.closed[0].key, 8U);
  EXPECT_EQ(heard.closed[1].key, 7U);
  EXPECT_EQ(heard.closed[0].when, 2000U);
  EXPECT_FALSE(heard.closed[0].has_positions);
}

TEST_F(TcpDecoderTest, DoesNotTakeAPeekAtTheEndForTheEnd) {
  ASSERT_TRUE(received(101, 0, true));
  EXPECT_THAT(heard.closed, IsEmpty());
}

TEST_F(TcpDecoderTest, HoldsBoundedContentOfThreadsThatNeverFinish) {
  const std::string most(TCP_CONTENT_MAX, 'x');
  for (std::uint32_t i = 0; i < 3000; ++i) takes(101, 7, most);  // 12 MB, of which 8 are held at most
  received(101, 3000U * TCP_CONTENT_MAX);
  std::uint64_t told = 0, content = 0;
  for (const StreamData& one : heard.data) {
    told += one.key == 8 ? one.length : 0;
    content += one.bytes.size();
  }
  EXPECT_EQ(told, 3000U * TCP_CONTENT_MAX);  // the lengths are right all the same
  EXPECT_EQ(content, 0U);
  for (std::uint32_t tid = 1; tid < 10000; ++tid) EXPECT_TRUE(takes(tid, 7, "x"));
  heard.texts.clear();
  received(9999, 1);
  EXPECT_THAT(heard.texts, ElementsAre("7 out 1 x", "8 in 1 x"));
}

}  // namespace
}  // namespace subfloor::sensors
