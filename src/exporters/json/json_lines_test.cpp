// SPDX-License-Identifier: Apache-2.0
#include "exporters/json/json_lines.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

namespace subfloor::json {
namespace {

class JsonLines : public ::testing::Test {
 protected:
  void SetUp() override {
    directory_ = ::testing::TempDir() + "subfloor_json_XXXXXX";
    ASSERT_NE(mkdtemp(directory_.data()), nullptr);
    signal(SIGPIPE, SIG_IGN);
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  static Span span(std::string name) {
    Span result;
    result.name = std::move(name);
    result.count = 1;
    return result;
  }
  static std::vector<std::string> names_in(const std::string& text) {
    std::vector<std::string> names;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) names.push_back(nlohmann::json::parse(line)["name"]);
    return names;
  }
  // A pipe's reading end, and an exporter that writes to it by name.
  Fd open_fifo(const std::string& path) {
    EXPECT_EQ(mkfifo(path.c_str(), 0600), 0);
    return Fd(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  }
  static std::string drain(int fd) {
    std::string text;
    char buffer[65536];
    for (ssize_t n; (n = ::read(fd, buffer, sizeof(buffer))) > 0;) text.append(buffer, static_cast<std::size_t>(n));
    return text;
  }

  std::string directory_;
};

TEST_F(JsonLines, AppendsALinePerSpanToAPrivateFile) {
  const std::string path = directory_ + "/spans";
  for (int run = 0; run < 2; ++run) {
    auto exporter = JsonLinesExporter::make(path);
    ASSERT_TRUE(exporter) << exporter.error().message;
    (*exporter)->on_span(span("a"));
    (*exporter)->on_span(span("b"));
    (*exporter)->on_window_closed({});
    EXPECT_EQ((*exporter)->counters().written, 2U);
  }
  std::ifstream file(path);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  EXPECT_EQ(names_in(text), (std::vector<std::string>{"a", "b", "a", "b"}));
  struct stat status{};
  ASSERT_EQ(stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
}

TEST_F(JsonLines, NamesAFileThatCannotBeOpened) {
  const auto exporter = JsonLinesExporter::make(directory_ + "/no/spans");
  ASSERT_FALSE(exporter);
  EXPECT_EQ(exporter.error().code, ENOENT);
  EXPECT_THAT(exporter.error().message, ::testing::HasSubstr("/no/spans"));
}

TEST_F(JsonLines, NeverWaitsForAReaderAndLosesOnlyWholeLines) {
  const std::string path = directory_ + "/fifo";
  const Fd reader = open_fifo(path);
  auto exporter = JsonLinesExporter::make(path, 100'000);
  ASSERT_TRUE(exporter) << exporter.error().message;
  constexpr std::uint64_t count = 5000;
  for (std::uint64_t i = 0; i < count; ++i) (*exporter)->on_span(span(std::to_string(i)));
  EXPECT_GT((*exporter)->counters().dropped, 0U);
  EXPECT_EQ((*exporter)->counters().dropped + (*exporter)->counters().written, count);
  std::string text = drain(reader.get());
  while (!(*exporter)->flush()) text += drain(reader.get());
  text += drain(reader.get());
  EXPECT_EQ(names_in(text).size(), (*exporter)->counters().written);
}

TEST_F(JsonLines, WaitsAtTheEndForASlowReaderAndNotForOneThatNeverReads) {
  const std::string path = directory_ + "/pipe";
  const Fd reader = open_fifo(path);
  auto exporter = JsonLinesExporter::make(path);
  ASSERT_TRUE(exporter);
  for (int i = 0; i < 2000; ++i) (*exporter)->on_span(span("s" + std::to_string(i)));  // more than a pipe holds
  ASSERT_FALSE((*exporter)->flush());
  (*exporter)->finish(monotonic_now());  // no patience: nobody reads
  EXPECT_GT((*exporter)->counters().dropped, 0U);
  EXPECT_EQ((*exporter)->counters().dropped + (*exporter)->counters().written, 2000U);

  const std::uint64_t written = (*exporter)->counters().written;
  std::string text = drain(reader.get());
  for (int i = 0; i < 2000; ++i) (*exporter)->on_span(span("t" + std::to_string(i)));
  fcntl(reader.get(), F_SETFL, 0);
  std::thread slow([&] { text += drain(reader.get()); });
  (*exporter)->finish(monotonic_now() + 60'000'000'000);
  EXPECT_EQ((*exporter)->counters().written, written + 2000);
  exporter->reset();  // the reader sees the end
  slow.join();
  EXPECT_EQ(names_in(text).size(), written + 2000);
  EXPECT_EQ(names_in(text).back(), "t1999");
}

TEST_F(JsonLines, CountsWhatAVanishedReaderDidNotGet) {
  const std::string path = directory_ + "/fifo";
  Fd reader = open_fifo(path);
  auto exporter = JsonLinesExporter::make(path);
  ASSERT_TRUE(exporter);
  reader = Fd();
  {
    const Fd gone = std::move(reader);
  }
  (*exporter)->on_span(span("a"));
  (*exporter)->on_window_closed({});
  EXPECT_EQ((*exporter)->counters().errors, 1U);
  EXPECT_EQ((*exporter)->counters().dropped, 1U);
  EXPECT_EQ((*exporter)->counters().written, 0U);
}

}  // namespace
}  // namespace subfloor::json
