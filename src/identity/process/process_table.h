// SPDX-License-Identifier: Apache-2.0
// ProcessTable: who each pid is. Filled from /proc once, then kept by events, so that a process that lived 20 ms still
// has its name. For one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <unordered_map>

#include "base/clock.h"
#include "base/recent.h"
#include "identity/process/language.h"
#include "identity/process/proc_files.h"
#include "model/process.h"

namespace subfloor::identity {

class ProcessTable {
 public:
  struct Settings {
    std::string proc = "/proc";          // "": events of another host or time, of which nothing more can be learned
    Nanoseconds grace = 30'000'000'000;  // how long an exited process is remembered
    std::size_t max_exited = 16384;      // of those, at most
    std::size_t max_processes = 65536;   // in all; beyond it, the longest exited go, and new ones are not kept
  };

  ProcessTable() : ProcessTable(Settings()) {}
  explicit ProcessTable(Settings settings);
  ProcessTable(const ProcessTable&) = delete;
  ProcessTable& operator=(const ProcessTable&) = delete;

  // Takes in every process there is. Call it after the sensor is attached, so that none falls between.
  void scan();

  // Events in the order of the kernel's ring; `when` is CLOCK_MONOTONIC.
  void on_exec(Process&& process, Nanoseconds when);
  // The child is its forker with what is known of itself: pid, parent, uid, comm, start time.
  void on_fork(std::uint32_t forked_by, Process&& child, Nanoseconds when);
  void on_exit(std::uint32_t pid, Nanoseconds when);

  // Takes the process as it is: all that can be known of it.
  void on_known(Process&& process);

  // Marks as exited who is no longer there. Call it when exit events were lost.
  void reconcile(Nanoseconds now);

  // The process that has this pid, or had it last. Never null: a pid that nobody knows gives a Process with that alone.
  // The first call per process reads /proc and detects the language (language.h says at what cost); later ones look up.
  [[nodiscard]] ProcessRef find(std::uint32_t pid);

  // As find(), without learning more of a process that is known.
  [[nodiscard]] ProcessRef known(std::uint32_t pid);

  [[nodiscard]] std::size_t size() const { return processes_.size(); }
  // Processes that were not kept because the table was full of living ones.
  [[nodiscard]] std::uint64_t not_kept() const { return not_kept_; }

 private:
  enum class Source : std::uint8_t { proc, exec, fork, nobody };
  struct Entry {
    ProcessRef process;
    std::uint64_t generation = 0;  // tells this holder of the pid from the next
    Source source = Source::proc;
    bool settled = false;  // nothing more can be learned
    bool exited = false;
    Nanoseconds looked_up = 0;  // of nobody: when /proc was last asked
  };
  struct Exited {
    std::uint32_t pid;
    std::uint64_t generation;
    Nanoseconds when;
  };

  Entry* store(Process&& process, Source source);
  static constexpr int ancestors = 4;  // whose environment is looked for

  void settle(Entry& entry, int generations = ancestors);
  void inherit(Process& process, int generations);
  void complete_from_proc(Process& process, Source source) const;
  void mark_exited(std::uint32_t pid, Entry& entry, Nanoseconds when);
  void forget_oldest_exited();
  void expire(Nanoseconds now);

  Settings settings_;
  ProcFiles proc_;
  LanguageDetector languages_;
  std::unordered_map<std::uint32_t, Entry> processes_;
  Recent<std::pair<const std::uint32_t, Entry>> recent_;  // settled ones
  std::deque<Exited> exited_;  // oldest first; those whose pid went to another since are stale
  std::uint64_t generations_ = 0;
  std::uint64_t not_kept_ = 0;
};

}  // namespace subfloor::identity
