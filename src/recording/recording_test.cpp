// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <optional>

#include "recording/reader.h"
#include "recording/writer.h"
#include "support/memory_file.h"

namespace subfloor::recording {
namespace {

using subfloor::testing::MemoryFile;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::span<const std::byte> bytes(std::string_view text) { return std::as_bytes(std::span(text)); }

std::string text_of(const Entry& entry) {
  return {reinterpret_cast<const char*>(entry.content.data()), entry.content.size()};
}

// The contents of all entries, then "end" or the error without the file's name.
std::vector<std::string> read(const std::string& path, nlohmann::json* end = nullptr) {
  auto input = InputFile::open(path);
  if (!input) return {input.error().message};
  auto reader = Reader::open(*std::move(input));
  if (!reader) return {reader.error().message.substr(path.size())};
  std::vector<std::string> found;
  for (;;) {
    const auto entry = (*reader)->next();
    if (entry && *entry) {
      found.push_back(text_of(**entry));
      continue;
    }
    found.push_back(entry ? "end" : entry.error().message.substr(path.size()));
    if (end != nullptr) *end = (*reader)->end();
    return found;
  }
}

std::string entries(std::initializer_list<std::string_view> contents) {
  std::string block;
  for (const std::string_view content : contents) append_entry(block, EntryKind::record, bytes(content));
  return encode_block(BlockKind::entries, block);
}
const std::string start = encode_file_start() + encode_block(BlockKind::header, R"({"program":"test"})");
const std::string end_block = encode_block(BlockKind::end, R"({"reason":"test"})");

class Recording : public ::testing::Test {
 protected:
  void SetUp() override { std::filesystem::create_directory(directory_); }
  void TearDown() override { std::filesystem::remove_all(directory_); }
  std::unique_ptr<Writer> make(const Writer::Options& options = {}) {
    auto writer = Writer::make(path, options, [this](const std::optional<Error>& error) {
      const std::lock_guard lock(mutex_);
      full_ = true;
      full_error_ = error;
      changed_.notify_all();
    });
    EXPECT_TRUE(writer) << writer.error().message;
    return *std::move(writer);
  }
  void wait_until_full() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return full_; });
  }

  std::filesystem::path directory_ =
      std::filesystem::temp_directory_path() / fmt::format("subfloor-rec-{}", ::getpid());
  std::string path = directory_ / "file";
  std::mutex mutex_;
  std::condition_variable changed_;
  bool full_ = false;
  std::optional<Error> full_error_;
};

TEST_F(Recording, GivesBackWhatWasPutIn) {
  auto writer = make();
  writer->add(EntryKind::record, bytes("before the header"));
  writer->begin(R"({"program":"test"})");
  writer->add(EntryKind::process, bytes(""));
  writer->flush();
  writer->add(EntryKind::record, bytes(std::string(largest_entry, 'x')));
  ASSERT_TRUE(writer->finish(R"({"reason":"time"})"));
  nlohmann::json end;
  EXPECT_THAT(read(path, &end), ElementsAre("before the header", "", std::string(largest_entry, 'x'), "end"));
  EXPECT_EQ(end["reason"], "time");
  EXPECT_EQ(writer->entries(), 3U);
  EXPECT_EQ(writer->bytes_written(), std::filesystem::file_size(path));
}

TEST_F(Recording, CompressesWhatCanBeCompressed) {
  auto writer = make();
  writer->begin("{}");
  for (int i = 0; i < 100; ++i) writer->add(EntryKind::record, bytes(std::string(50'000, 'x')));
  ASSERT_TRUE(writer->finish("{}"));
  EXPECT_LT(std::filesystem::file_size(path), 100'000U);
  EXPECT_EQ(read(path).size(), 101U);
}

TEST_F(Recording, IsForItsOwnerAloneWhateverTheMask) {
  const mode_t old = ::umask(0);
  make();
  ::umask(old);
  struct stat status{};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
}

TEST_F(Recording, WritesThroughNoNameThatIsTaken) {
  const std::string other = directory_ / "other";
  std::ofstream(other) << "precious";
  std::filesystem::create_symlink(other, path);
  const auto refused = Writer::make(path, {}, [](const std::optional<Error>&) {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, EEXIST);
  auto writer = make({.replace = true});
  writer->begin("{}");
  ASSERT_TRUE(writer->finish("{}"));
  EXPECT_EQ(std::filesystem::file_size(other), 8U);
  EXPECT_FALSE(std::filesystem::is_symlink(path));
}

TEST_F(Recording, StaysWithinItsLimitAndEndsWhole) {
  constexpr std::uint64_t limit = 2 << 20;
  auto writer = make({.limit = limit});
  writer->begin("{}");
  std::string noise(40'000, '\0');
  std::uint64_t seed = 1;
  for (int i = 0; i < 200; ++i) {
    for (char& c : noise) c = static_cast<char>((seed = seed * 6364136223846793005U + 1442695040888963407U) >> 56U);
    writer->add(EntryKind::record, bytes(noise));
  }
  writer->flush();
  wait_until_full();
  EXPECT_FALSE(full_error_);
  ASSERT_TRUE(writer->finish(R"({"reason":"limit"})"));
  EXPECT_LE(std::filesystem::file_size(path), limit);
  EXPECT_GT(std::filesystem::file_size(path), limit / 2);
  EXPECT_EQ(read(path).back(), "end");
}

TEST_F(Recording, DropsAndCountsWhatTheDiskIsTooSlowFor) {
  auto writer = make({.queue_bytes = 100'000});  // it does not begin to write before begin()
  for (int i = 0; i < 10; ++i) {
    writer->add(EntryKind::record, bytes(std::string(30'000, 'x')));
    writer->flush();
  }
  EXPECT_EQ(writer->dropped(), 7U);
  EXPECT_EQ(writer->entries(), 3U);
  writer->begin("{}");
  ASSERT_TRUE(writer->finish("{}"));
  EXPECT_EQ(read(path).size(), 4U);
}

TEST(RecordingFile, ThatWasCutOffGivesWhatIsWhole) {
  const std::string whole = start + entries({"one", "two"}) + entries({"three"}) + end_block;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const MemoryFile file(std::string_view(whole).substr(0, size));
    const auto found = read(file.path());
    ASSERT_THAT(found.back(), HasSubstr(": offset ")) << size;
    ASSERT_LE(found.size(), 4U);
  }
  const MemoryFile without_end(start + entries({"one", "two"}));
  EXPECT_THAT(read(without_end.path()),
              ElementsAre("one", "two", HasSubstr("the recording was cut off: it has no end")));
}

TEST(RecordingFile, ThatWasDamagedAnywhereIsNoticed) {
  const std::string whole = start + entries({"one", "two"}) + entries({"three"}) + end_block;
  for (std::size_t at = 0; at < whole.size(); ++at) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 4);
    const MemoryFile file(damaged);
    ASSERT_THAT(read(file.path()).back(), HasSubstr(": offset ")) << at;
  }
}

TEST(RecordingFile, SaysWhatIsWrongWithIt) {
  const auto last = [](const std::string& content) { return read(MemoryFile(content).path()).back(); };
  EXPECT_THAT(last("\x89SFREC\r\n\x07" + std::string(3, '\0') + start.substr(12)),
              HasSubstr("has version 7; this program reads"));
  EXPECT_THAT(last(encode_file_start() + entries({"one"})), HasSubstr("offset 12: the recording has no header"));
  EXPECT_THAT(last(encode_file_start() + encode_block(BlockKind::header, "[1]")), HasSubstr("no JSON object"));
  EXPECT_THAT(last(start + start.substr(12)), HasSubstr("a header where none may be"));
  EXPECT_THAT(last(start + encode_block(BlockKind::entries, "nonsense")), HasSubstr("an entry that is none"));
  std::string deep(200'000, '[');
  EXPECT_THAT(last(encode_file_start() + encode_block(BlockKind::header, deep)), HasSubstr("no JSON object"));
}

TEST(RecordingEntry, KeepsEverythingOfAProcess) {
  Process process;
  process.pid = 7;
  process.parent_pid = 1;
  process.uid = 33;
  process.uid_known = true;
  process.start_time = 99;
  process.comm = "c\xff";
  process.executable = "/bin/x";
  process.arguments = {"x", "", std::string("\0a", 2)};
  process.arguments_truncated = true;
  process.cgroup = "/a/b";
  process.container_id = std::string(64, 'f');
  process.language = Language::go;
  const std::string encoded = encode(process);
  EXPECT_EQ(decode_process(bytes(encoded)), process);
  EXPECT_EQ(decode_process(bytes(encoded).first(encoded.size() - 1)), std::nullopt);
  EXPECT_EQ(decode_process({}), std::nullopt);
}

TEST(RecordingEntry, KeepsMoments) {
  const std::string encoded = encode(Moment{5, 6});
  EXPECT_EQ(decode_moment(bytes(encoded))->unix_time, 6U);
  EXPECT_FALSE(decode_moment(bytes(encoded).first(15)));
}

}  // namespace
}  // namespace subfloor::recording
