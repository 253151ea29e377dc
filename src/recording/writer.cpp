// SPDX-License-Identifier: Apache-2.0
#include "recording/writer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace subfloor::recording {
namespace {

constexpr std::size_t gather_bytes = std::size_t{256} << 10;
constexpr std::uint64_t room_for_end = 64 << 10;

}  // namespace

Result<std::unique_ptr<Writer>> Writer::make(const std::string& path, const Options& options, OnFull on_full) {
  // A name that is taken is never written through, be it a link that somebody laid there.
  if (options.replace && ::unlink(path.c_str()) != 0 && errno != ENOENT) return fail_errno(path, errno);
  Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR));
  if (!fd) return fail_errno(path, errno);
  return std::unique_ptr<Writer>(new Writer(std::move(fd), options, std::move(on_full)));
}

Writer::Writer(Fd fd, const Options& options, OnFull on_full)
    : fd_(std::move(fd)), options_(options), on_full_(std::move(on_full)) {
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

Writer::~Writer() = default;

void Writer::begin(std::string_view header) {
  const std::lock_guard lock(mutex_);
  queue_.push_front({BlockKind::header, std::string(header.substr(0, largest_block))});
  queued_bytes_ += queue_.front().content.size();
  begun_ = true;
  changed_.notify_all();
}

void Writer::add(EntryKind kind, std::span<const std::byte> content) {
  if (content.size() > largest_entry) {
    ++dropped_;
    return;
  }
  ++entries_;
  append_entry(gathering_, kind, content);
  if (gathering_.size() >= gather_bytes) flush();
}

void Writer::flush() {
  if (!gathering_.empty()) enqueue(BlockKind::entries, std::exchange(gathering_, {}));
}

void Writer::enqueue(BlockKind kind, std::string content) {
  const std::lock_guard lock(mutex_);
  if (kind == BlockKind::entries && queued_bytes_ + content.size() > options_.queue_bytes) {
    for (auto rest = std::as_bytes(std::span(content)); take_entry(rest);) {
      --entries_;
      ++dropped_;
    }
    return;
  }
  queued_bytes_ += content.size();
  queue_.push_back({kind, std::move(content)});
  changed_.notify_all();
}

Result<> Writer::finish(std::string_view end) {
  flush();
  enqueue(BlockKind::end, std::string(end.substr(0, room_for_end - block_header_bytes)));
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return ended_; });
  if (end_error_) return Failure(*end_error_);
  return {};
}

void Writer::run(const std::stop_token& stop) {
  for (;;) {
    Waiting block;
    {
      std::unique_lock lock(mutex_);
      (void)changed_.wait(lock, stop, [&] { return begun_ && !queue_.empty(); });
      if (stop.stop_requested()) return;
      block = std::move(queue_.front());
      queue_.pop_front();
    }
    write(block);
    const std::lock_guard lock(mutex_);
    queued_bytes_ -= block.content.size();
    if (block.kind != BlockKind::end) continue;
    ended_ = true;
    changed_.notify_all();
    return;
  }
}

void Writer::write(const Waiting& block) {
  if (full_ && block.kind == BlockKind::entries) return;
  std::string bytes = block.kind == BlockKind::header ? encode_file_start() : std::string();
  bytes += encode_block(block.kind, block.content);
  if (block.kind == BlockKind::entries && written_ + bytes.size() + room_for_end > options_.limit)
    return become_full(std::nullopt);
  Result<> done = write_whole(bytes);
  if (done && block.kind == BlockKind::end && ::fdatasync(fd_.get()) != 0 && errno != EINVAL)
    done = fail_errno("write", errno);
  if (done) return;
  if (block.kind == BlockKind::end) {
    const std::lock_guard lock(mutex_);
    end_error_ = std::move(done).error();
  } else {
    become_full(std::move(done).error());
  }
}

// All of it or nothing: a part of a block would be damage.
Result<> Writer::write_whole(std::string_view bytes) {
  std::string_view rest = bytes;
  while (!rest.empty()) {
    const ssize_t n = ::write(fd_.get(), rest.data(), rest.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      const int error = errno;
      const auto whole = static_cast<off_t>(written_.load());
      if (::ftruncate(fd_.get(), whole) == 0) (void)::lseek(fd_.get(), whole, SEEK_SET);
      return fail_errno("write", error);
    }
    rest.remove_prefix(static_cast<std::size_t>(n));
  }
  written_ += bytes.size();
  return {};
}

void Writer::become_full(std::optional<Error> error) {
  if (std::exchange(full_, true)) return;
  on_full_(std::move(error));
}

}  // namespace subfloor::recording
