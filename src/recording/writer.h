// SPDX-License-Identifier: Apache-2.0
// Writer: a recording in the making. A thread of its own compresses and writes, so that the disk never holds up who
// records.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "base/fd.h"
#include "base/result.h"
#include "recording/block.h"
#include "recording/entry.h"

namespace subfloor::recording {

class Writer {
 public:
  struct Options {
    std::uint64_t limit = std::uint64_t{1} << 30;         // bytes of the file, its end included
    bool replace = false;                                 // a file that is there already
    std::size_t queue_bytes = std::size_t{64} << 20;      // of content that waits for the disk
  };
  // Called once, from the writing thread: nothing more will be written but the end, the file having reached its limit
  // (no value) or for this error.
  using OnFull = std::function<void(std::optional<Error>)>;

  // Makes the file, mode 0600; one that is there is an error (EEXIST) unless it may be replaced.
  [[nodiscard]] static Result<std::unique_ptr<Writer>> make(const std::string& path, const Options& options,
                                                            OnFull on_full);
  // Abandons what is not written.
  ~Writer();
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  // The header, as JSON. Entries may come before it; they are written after it.
  void begin(std::string_view header);
  // Never waits: what does not fit the queue is dropped and counted.
  void add(EntryKind kind, std::span<const std::byte> content);
  // Hands what has been gathered to the thread.
  void flush();
  // Writes what waits, and the end, which is JSON; returns when all is on the disk.
  [[nodiscard]] Result<> finish(std::string_view end);

  [[nodiscard]] std::uint64_t entries() const { return entries_; }
  [[nodiscard]] std::uint64_t dropped() const { return dropped_; }
  [[nodiscard]] std::uint64_t bytes_written() const { return written_; }

 private:
  struct Waiting {
    BlockKind kind;
    std::string content;
  };
  Writer(Fd fd, const Options& options, OnFull on_full);
  void enqueue(BlockKind kind, std::string content);
  void run(const std::stop_token& stop);
  void write(const Waiting& block);
  [[nodiscard]] Result<> write_whole(std::string_view bytes);
  void become_full(std::optional<Error> error);

  Fd fd_;
  Options options_;
  OnFull on_full_;
  std::string gathering_;
  std::uint64_t entries_ = 0, dropped_ = 0;  // the caller's own
  std::atomic<std::uint64_t> written_{0};
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<Waiting> queue_;  // guarded by mutex_
  std::size_t queued_bytes_ = 0;  // guarded by mutex_; what is being written counts too
  bool begun_ = false;  // guarded by mutex_
  bool full_ = false;  // the thread's own
  std::optional<Error> end_error_;  // guarded by mutex_
  bool ended_ = false;  // guarded by mutex_
  std::jthread thread_;  // last: it uses the rest
};

}  // namespace subfloor::recording
