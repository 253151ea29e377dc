// SPDX-License-Identifier: Apache-2.0
// The rings, filled by a program that copies into them what a test run gives it.
#include "bpf/rings.h"

#include <bpf/bpf.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "base/clock.h"
#include "bpf/probe_assembly.h"

namespace subfloor::bpf {
namespace {

using ::testing::ElementsAre;

struct Record {
  record_header header;
  char name[16];
};

// Loads a program that puts the first `size` bytes of its packet into a ring.
Fd writer_to(int ring, int size) {
  probe::Assembly code;
  code.set(2, 0).copy(3, 10).add_to(3, -size).set(4, size).call(BPF_FUNC_skb_load_bytes);
  code.load_map(1, ring).copy(2, 10).add_to(2, -size).set(3, size).set(4, BPF_RB_NO_WAKEUP);
  code.call(BPF_FUNC_ringbuf_output).exit();
  std::array<char, 4096> log{};
  bpf_prog_load_opts options{};
  options.sz = sizeof options;
  options.log_buf = log.data();
  options.log_size = log.size();
  const int fd = bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "ring_writer", "GPL", code.data(), code.size(), &options);
  EXPECT_GE(fd, 0) << std::strerror(errno) << "\n" << log.data();
  return Fd(fd);
}

// Memory that nobody can read before it has been filled, below 2 GiB, where an instruction can name it.
class SlowPage {
 public:
  SlowPage() {
    page_ = mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
    EXPECT_NE(page_, MAP_FAILED);
    faults_ = Fd(static_cast<int>(syscall(SYS_userfaultfd, O_CLOEXEC)));
    if (!faults_) return;
    uffdio_api api{};
    api.api = UFFD_API;
    EXPECT_EQ(ioctl(faults_.get(), UFFDIO_API, &api), 0);
    uffdio_register range{};
    range.range = {address(), size_};
    range.mode = UFFDIO_REGISTER_MODE_MISSING;
    EXPECT_EQ(ioctl(faults_.get(), UFFDIO_REGISTER, &range), 0);
  }
  ~SlowPage() { munmap(page_, size_); }
  SlowPage(const SlowPage&) = delete;
  SlowPage& operator=(const SlowPage&) = delete;

  [[nodiscard]] bool works() const { return bool(faults_); }
  [[nodiscard]] std::uint64_t address() const { return reinterpret_cast<std::uintptr_t>(page_); }

  void wait_for_reader() const {
    uffd_msg message{};
    EXPECT_EQ(read(faults_.get(), &message, sizeof message), static_cast<ssize_t>(sizeof message));
  }
  void fill(const Record& record) const {
    alignas(4096) std::array<char, 4096> content{};
    std::memcpy(content.data(), &record, sizeof record);
    uffdio_copy copy{};
    copy.dst = address();
    copy.src = reinterpret_cast<std::uintptr_t>(content.data());
    copy.len = size_;
    EXPECT_EQ(ioctl(faults_.get(), UFFDIO_COPY, &copy), 0);
  }

 private:
  static constexpr std::size_t size_ = 4096;
  void* page_;
  Fd faults_;
};

// Loads a program that reserves room for a record in a ring, and then takes the record from that page.
Fd slow_writer_to(int ring, const SlowPage& page) {
  probe::Assembly code;
  code.load_map(1, ring).set(2, sizeof(Record)).set(3, 0).call(BPF_FUNC_ringbuf_reserve).skip_unless_zero(0, 2);
  code.set(0, 1).exit();
  code.copy(6, 0).copy(1, 6).set(2, sizeof(Record)).set(3, static_cast<int>(page.address()));
  code.call(BPF_FUNC_copy_from_user);
  code.copy(1, 6).set(2, BPF_RB_NO_WAKEUP).call(BPF_FUNC_ringbuf_submit).set(0, 0).exit();
  std::array<char, 4096> log{};
  bpf_prog_load_opts options{};
  options.sz = sizeof options;
  options.prog_flags = BPF_F_SLEEPABLE;
  options.log_buf = log.data();
  options.log_size = log.size();
  const int fd = bpf_prog_load(BPF_PROG_TYPE_SYSCALL, "slow_writer", "GPL", code.data(), code.size(), &options);
  EXPECT_GE(fd, 0) << std::strerror(errno) << "\n" << log.data();
  return Fd(fd);
}

class RingsTest : public ::testing::Test {
 protected:
  void SetUp() override { open(4096); }

  void open(std::size_t bytes, std::size_t data_rings = 1) {
    auto made = Rings::make(bytes, bytes, data_rings);
    ASSERT_TRUE(made) << made.error().message;
    rings_ = std::make_unique<Rings>(std::move(*made));
    control_ = writer_to(rings_->control(), sizeof(Record));
    data_ = writer_to(rings_->data(), sizeof(Record));
    auto reader = RingReader::make(*rings_, [this](const record_header& header, std::span<const std::byte> bytes_of) {
      EXPECT_EQ(header.size, bytes_of.size());
      heard_.emplace_back(reinterpret_cast<const Record*>(&header)->name);
      if (on_record_) on_record_(heard_.back());
    });
    ASSERT_TRUE(reader) << reader.error().message;
    reader_ = std::move(*reader);
  }

  static Record make_record(Nanoseconds time, const std::string& name, std::uint32_t size = sizeof(Record)) {
    Record record{};
    record.header.time = time;
    record.header.size = size;
    name.copy(record.name, sizeof record.name - 1);
    return record;
  }

  // True where the record found room.
  bool put(const Fd& writer, Nanoseconds time, const std::string& name, std::uint32_t size = sizeof(Record)) {
    const Record record = make_record(time, name, size);
    std::array<char, 64> packet{};
    std::memcpy(packet.data(), &record, sizeof record);
    bpf_test_run_opts run{};
    run.sz = sizeof run;
    run.data_in = packet.data();
    run.data_size_in = packet.size();
    run.repeat = 1;
    EXPECT_EQ(bpf_prog_test_run_opts(writer.get(), &run), 0) << std::strerror(errno);
    return run.retval == 0;
  }
  bool control(Nanoseconds time, const std::string& name) { return put(control_, time, name); }
  bool data(Nanoseconds time, const std::string& name) { return put(data_, time, name); }

  std::unique_ptr<Rings> rings_;
  Fd control_, data_;
  std::unique_ptr<RingReader> reader_;
  std::vector<std::string> heard_;
  std::function<void(const std::string&)> on_record_;
};

TEST_F(RingsTest, MergeBothByTime) {
  data(20, "request");
  data(40, "response");
  control(10, "open");
  control(30, "retransmit");
  control(50, "close");
  EXPECT_EQ(reader_->drain(), 5U);
  EXPECT_THAT(heard_, ElementsAre("open", "request", "retransmit", "response", "close"));
  EXPECT_EQ(reader_->drain(), 0U);
  EXPECT_EQ(reader_->malformed(), 0U);
}

TEST_F(RingsTest, GiveControlFirstAtTheSameTime) {
  data(10, "data");
  control(10, "open");
  reader_->drain();
  EXPECT_THAT(heard_, ElementsAre("open", "data"));
}

TEST_F(RingsTest, GiveControlThatNoDataFollows) {
  control(10, "open");
  control(20, "close");
  EXPECT_EQ(reader_->drain(), 2U);
  EXPECT_THAT(heard_, ElementsAre("open", "close"));
}

TEST_F(RingsTest, GiveTheOpenBeforeDataThatComesWhileTheyAreRead) {
  data(monotonic_now(), "old");
  on_record_ = [this](const std::string& name) {
    if (name != "old") return;
    control(monotonic_now(), "open");
    data(monotonic_now(), "new");
  };
  reader_->drain();
  reader_->drain();
  EXPECT_THAT(heard_, ElementsAre("old", "open", "new"));
}

// The writer of another socket's record may have been preempted, as virtual CPUs are.
TEST_F(RingsTest, KeepDataBackWhileTheOpenIsHiddenByARecordThatIsBeingWritten) {
  const SlowPage page;
  if (!page.works()) GTEST_SKIP() << "missing: userfaultfd";
  const Fd slow = slow_writer_to(rings_->control(), page);
  data(monotonic_now(), "before");
  reader_->drain();
  std::thread writer([&slow] {
    bpf_test_run_opts run{};
    run.sz = sizeof run;
    EXPECT_EQ(bpf_prog_test_run_opts(slow.get(), &run), 0) << std::strerror(errno);
    EXPECT_EQ(run.retval, 0U);
  });
  page.wait_for_reader();
  const Nanoseconds begun = monotonic_now();
  control(monotonic_now(), "open");
  data(monotonic_now(), "request");
  data(monotonic_now(), "response");
  control(monotonic_now(), "close");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(reader_->drain(), 0U);
  EXPECT_TRUE(reader_->hidden());
  page.fill(make_record(begun, "slow"));
  writer.join();
  reader_->drain();
  reader_->drain();
  EXPECT_THAT(heard_, ElementsAre("before", "slow", "open", "request", "response", "close"));
  EXPECT_FALSE(reader_->hidden());
}

TEST_F(RingsTest, MergeTheDataOfAllCpusByTime) {
  open(4 * 4096, 4);
  std::vector<Fd> cpus;
  for (std::size_t i = 0; i < rings_->data_rings(); ++i) cpus.push_back(writer_to(rings_->data(i), sizeof(Record)));
  ASSERT_EQ(cpus.size(), 4U);
  control(10, "open");
  put(cpus[3], 20, "request");
  put(cpus[0], 40, "next request");
  put(cpus[3], 30, "response");
  put(cpus[1], 50, "next response");
  control(60, "close");
  EXPECT_EQ(reader_->drain(), 6U);
  EXPECT_THAT(heard_, ElementsAre("open", "request", "response", "next request", "next response", "close"));
}

// The response of a thread that moved to another CPU must not overtake the request that is hidden on the first.
TEST_F(RingsTest, KeepBackWhatAnotherCpuWroteLaterThanARecordThatIsBeingWritten) {
  const SlowPage page;
  if (!page.works()) GTEST_SKIP() << "missing: userfaultfd";
  open(2 * 4096, 2);
  const Fd first = writer_to(rings_->data(0), sizeof(Record)), second = writer_to(rings_->data(1), sizeof(Record));
  const Fd slow = slow_writer_to(rings_->data(0), page);
  put(first, monotonic_now(), "before");
  reader_->drain();
  std::thread writer([&slow] {
    bpf_test_run_opts run{};
    run.sz = sizeof run;
    EXPECT_EQ(bpf_prog_test_run_opts(slow.get(), &run), 0) << std::strerror(errno);
    EXPECT_EQ(run.retval, 0U);
  });
  page.wait_for_reader();
  const Nanoseconds begun = monotonic_now();
  put(first, monotonic_now(), "request");
  put(second, monotonic_now(), "response");
  control(monotonic_now(), "close");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(reader_->drain(), 0U);
  EXPECT_TRUE(reader_->hidden());
  page.fill(make_record(begun, "slow"));
  writer.join();
  reader_->drain();
  EXPECT_THAT(heard_, ElementsAre("before", "slow", "request", "response", "close"));
  EXPECT_FALSE(reader_->hidden());
}

TEST_F(RingsTest, GiveRoomBackWhileManyRecordsAreRead) {
  open(1 << 20);
  int put_in = 0;
  while (data(10, "x")) ++put_in;
  bool room = false;
  int heard = 0;
  on_record_ = [&](const std::string&) { room = room || (++heard < put_in && data(monotonic_now(), "later")); };
  reader_->drain();
  EXPECT_TRUE(room);
}

TEST_F(RingsTest, LeaveOutRecordsThatClaimMoreThanTheyHold) {
  put(control_, 1, "too long", sizeof(Record) + 1);
  put(control_, 2, "no header", sizeof(record_header) - 1);
  put(data_, 3, "too long", 0xffffffff);
  put(data_, 4, "nothing", 0);
  control(5, "good");
  data(6, "good too");
  EXPECT_EQ(reader_->drain(), 2U);
  EXPECT_THAT(heard_, ElementsAre("good", "good too"));
  EXPECT_EQ(reader_->malformed(), 4U);
}

TEST_F(RingsTest, LeaveOutRecordsThatAreShorterThanAHeader) {
  constexpr int shorter = 8;  // the kernel's test run takes packets of 14 bytes and more; the program takes 8 of them
  const Fd tiny_control = writer_to(rings_->control(), shorter), tiny_data = writer_to(rings_->data(), shorter);
  put(tiny_control, 1, "");
  put(tiny_data, 2, "");
  data(3, "good");
  EXPECT_EQ(reader_->drain(), 1U);
  EXPECT_THAT(heard_, ElementsAre("good"));
  EXPECT_EQ(reader_->malformed(), 2U);
}

TEST_F(RingsTest, RefuseWhatFindsNoRoomAndTakeItAgainOnceRead) {
  int put_in = 0;
  while (data(10, "x")) ASSERT_LT(++put_in, 1000);
  EXPECT_GT(put_in, 50);
  EXPECT_EQ(reader_->drain(), static_cast<std::size_t>(put_in));
  EXPECT_TRUE(data(20, "again"));
  reader_->drain();
  EXPECT_EQ(heard_.back(), "again");
}

TEST_F(RingsTest, RoundSizesUpToWhatTheKernelTakes) {
  const auto odd = Rings::make(1, 5000);
  ASSERT_TRUE(odd) << odd.error().message;
  EXPECT_EQ(odd->control_bytes(), static_cast<std::size_t>(sysconf(_SC_PAGESIZE)));
  EXPECT_EQ(odd->data_bytes(), 8192U);
}

TEST_F(RingsTest, SayWhichRingCouldNotBeMade) {
  const auto too_large = Rings::make(4096, std::size_t{1} << 32, 1);
  ASSERT_FALSE(too_large);
  EXPECT_THAT(too_large.error().message, ::testing::HasSubstr("create data_ring of 4294967296 bytes"));
}

}  // namespace
}  // namespace subfloor::bpf
