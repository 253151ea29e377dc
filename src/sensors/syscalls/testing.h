// SPDX-License-Identifier: Apache-2.0
// The sensor against the running kernel: what children of the test do, since what the agent does itself is left out.
#pragma once

#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "sensors/sensor.h"

namespace subfloor::sensors {

extern const Descriptor syscalls_descriptor;

namespace testing_syscalls {

// A call with its texts, which outlive the record.
struct HeardCall {
  Syscall call;
  std::string path, content, unix_path, address_path;
  std::array<std::string, 3> text;
  std::array<std::string, 2> directory;
};

class Heard final : public Events {
 public:
  void on_syscall(const Syscall& call) override {
    HeardCall heard{call, {}, std::string(call.content), {}, {}, {}, {}};
    if (call.file) heard.path = call.file->path;
    if (call.socket) heard.unix_path = call.socket->unix_path;
    if (call.address) heard.address_path = call.address->unix_path;
    for (std::size_t i = 0; i < heard.text.size(); ++i) heard.text[i] = call.text[i].text;
    for (std::size_t i = 0; i < heard.directory.size(); ++i) heard.directory[i] = call.directory[i];
    calls.push_back(std::move(heard));
  }

  std::vector<HeardCall> calls;
};

// Runs f in a fork of this process, which must return 0.
template <class F>
pid_t in_child(const F& f) {
  const pid_t pid = fork();
  if (pid == 0) _exit(f());
  int status = -1;
  EXPECT_EQ(waitpid(pid, &status, 0), pid);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
  return pid;
}

// A directory that goes with its content.
class Place {
 public:
  Place() {
    std::string pattern = (std::filesystem::temp_directory_path() / "subfloor-syscalls-XXXXXX").string();
    path_ = std::filesystem::canonical(mkdtemp(pattern.data())).string();
  }
  ~Place() { std::filesystem::remove_all(path_); }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

class SyscallsSensorOn : public testing::TestWithParam<const char*> {
 protected:
  void open(std::vector<WantedSyscall> wanted, std::size_t data_bytes = 8 << 20) {
    auto made = bpf::Rings::make(8 << 20, data_bytes);
    ASSERT_TRUE(made) << made.error().message;
    rings_ = std::make_unique<bpf::Rings>(std::move(*made));
    settings_.rung = GetParam();
    settings_.syscalls = std::move(wanted);
    auto sensor = syscalls_descriptor.open(Context{*rings_, heard_, settings_, 5}, report_);
    ASSERT_TRUE(sensor) << sensor.error().message;
    sensor_ = std::move(*sensor);
    auto reader =
        bpf::RingReader::make(*rings_, [this](const record_header& header, std::span<const std::byte> record) {
          EXPECT_EQ(header.sensor, 5);
          sensor_->handle(header, record);
        });
    ASSERT_TRUE(reader) << reader.error().message;
    reader_ = std::move(*reader);
  }

  // What the process did, of all that has been told until now.
  std::vector<HeardCall> calls_of(pid_t pid) {
    reader_->drain();
    EXPECT_EQ(reader_->malformed(), 0U);
    std::vector<HeardCall> found;
    for (const HeardCall& heard : heard_.calls)
      if (heard.call.pid == static_cast<std::uint32_t>(pid)) found.push_back(heard);
    heard_.calls.clear();
    return found;
  }

  template <class F>
  std::vector<HeardCall> calls_in_child(const F& f) {
    return calls_of(in_child(f));
  }

  family_counters counters(const std::string& family) {
    for (const FamilyCounters& one : sensor_->counters())
      if (one.family == family) return one.counters;
    ADD_FAILURE() << "no family " << family;
    return {};
  }

  std::unique_ptr<bpf::Rings> rings_;
  Heard heard_;
  Settings settings_;
  bpf::LadderReport report_;
  std::unique_ptr<Sensor> sensor_;
  std::unique_ptr<bpf::RingReader> reader_;
};

}  // namespace testing_syscalls
}  // namespace subfloor::sensors
