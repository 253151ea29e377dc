// SPDX-License-Identifier: Apache-2.0
#include "identity/process/process_table.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "identity/process/container_id.h"

namespace subfloor::identity {
namespace {

constexpr Nanoseconds ask_again_after = 1'000'000'000;  // for a pid that nobody had

}  // namespace

ProcessTable::ProcessTable(Settings settings)
    : settings_(std::move(settings)), proc_(settings_.proc), languages_(proc_) {}

void ProcessTable::scan() {
  for (const std::uint32_t pid : proc_.pids()) {
    if (auto process = proc_.read(pid)) store(std::move(*process), Source::proc);
  }
}

void ProcessTable::on_exec(Process&& process, Nanoseconds when) {
  expire(when);
  process.container_id = container_id(process.cgroup);
  store(std::move(process), Source::exec);
}

void ProcessTable::on_fork(std::uint32_t forked_by, Process&& child, Nanoseconds when) {
  expire(when);
  Process process = *known(forked_by);
  process.pid = child.pid;
  process.parent_pid = child.parent_pid;
  process.start_time = child.start_time;
  process.comm = std::move(child.comm);
  if (child.uid_known) {
    process.uid = child.uid;
    process.uid_known = true;
  }
  if (process.facts) process.facts->own_pid = 0;  // nobody has told its own
  store(std::move(process), Source::fork);
}

void ProcessTable::on_exit(std::uint32_t pid, Nanoseconds when) {
  expire(when);
  if (const auto found = processes_.find(pid); found != processes_.end() && !found->second.exited)
    mark_exited(pid, found->second, when);
}

void ProcessTable::on_known(Process&& process) {
  if (Entry* entry = store(std::move(process), Source::exec)) entry->settled = true;
}

void ProcessTable::reconcile(Nanoseconds now) {
  expire(now);
  if (settings_.proc.empty()) return;
  const std::vector<std::uint32_t> there = proc_.pids();
  std::vector<std::uint32_t> gone;
  for (const auto& [pid, entry] : processes_) {
    if (!entry.exited && !std::ranges::binary_search(there, pid)) gone.push_back(pid);
  }
  for (const std::uint32_t pid : gone) on_exit(pid, now);
}

ProcessRef ProcessTable::find(std::uint32_t pid) {
  auto*& recent = recent_.at(pid);
  if (recent != nullptr && recent->first == pid) return recent->second.process;
  ProcessRef process = known(pid);
  const auto found = processes_.find(pid);
  if (found == processes_.end()) return process;
  if (!found->second.settled && !settings_.proc.empty()) settle(found->second);
  if (found->second.settled && found->second.source != Source::nobody) recent = &*found;
  return found->second.process;
}

// Replaces whoever had the pid. Null where there is no room.
ProcessTable::Entry* ProcessTable::store(Process&& process, Source source) {
  const std::uint32_t pid = process.pid;
  if (!processes_.contains(pid)) {
    while (processes_.size() >= settings_.max_processes && !exited_.empty()) forget_oldest_exited();
    if (processes_.size() >= settings_.max_processes) {
      ++not_kept_;
      return nullptr;
    }
  }
  recent_.clear();
  Entry& entry = processes_[pid];
  entry = Entry{std::make_shared<const Process>(std::move(process)), ++generations_, source};
  return &entry;
}

ProcessRef ProcessTable::known(std::uint32_t pid) {
  const auto found = processes_.find(pid);
  const bool nobody = found == processes_.end() || found->second.source == Source::nobody;
  if (!nobody) return found->second.process;
  const Nanoseconds now = monotonic_now();
  if (found != processes_.end() && now < found->second.looked_up + ask_again_after) return found->second.process;

  std::optional<Process> read = settings_.proc.empty() ? std::nullopt : proc_.read(pid);
  const Source source = read ? Source::proc : Source::nobody;
  Process process = std::move(read).value_or(Process{});
  process.pid = pid;
  const auto unkept = std::make_shared<const Process>(process);
  Entry* entry = store(std::move(process), source);
  if (entry == nullptr || source == Source::proc) return unkept;
  entry->settled = true;
  entry->looked_up = now;
  mark_exited(pid, *entry, now);
  return unkept;
}

void ProcessTable::settle(Entry& entry, int generations) {
  Process process = *entry.process;
  Process now;
  now.pid = process.pid;
  const bool alive = proc_.read_stat(now) && same_start(now.start_time, process.start_time);
  if (alive) {
    if (entry.source == Source::fork) process.comm = std::move(now.comm);
    complete_from_proc(process, entry.source);
  } else if (entry.source == Source::fork && generations > 0) {
    inherit(process, generations - 1);
  }
  // Whoever has the pid by now must not lend its executable.
  Process subject = process;
  if (!alive) subject.pid = 0;
  process.language = languages_.detect(subject);
  entry.process = std::make_shared<const Process>(std::move(process));
  entry.settled = true;
}

// Servers fork a child for a connection, which is gone soon: it had its parent's environment.
void ProcessTable::inherit(Process& process, int generations) {
  const auto found = processes_.find(process.parent_pid);
  if (found == processes_.end() || found->second.source == Source::nobody) return;
  if (!found->second.settled) settle(found->second, generations);
  const Process& parent = *found->second.process;
  if (parent.start_time <= process.start_time && parent.executable == process.executable)
    process.declared_service = parent.declared_service;
}

// What the kernel's record left open. A fork that runs on without exec, as server workers do, has changed its user and
// its cgroup by the time it talks.
void ProcessTable::complete_from_proc(Process& process, Source source) const {
  if (source == Source::fork) {
    proc_.read_uid(process);
    proc_.read_cgroup(process);
  }
  if (!process.executable.starts_with('/')) proc_.read_executable(process);
  if (process.arguments.empty()) proc_.read_arguments(process);
  if (!process.cgroup.starts_with('/')) proc_.read_cgroup(process);
  proc_.read_declared_service(process);
}

void ProcessTable::mark_exited(std::uint32_t pid, Entry& entry, Nanoseconds when) {
  entry.exited = true;
  exited_.push_back({pid, entry.generation, when});
  while (exited_.size() > settings_.max_exited) forget_oldest_exited();
}

void ProcessTable::forget_oldest_exited() {
  if (exited_.empty()) return;
  const Exited oldest = exited_.front();
  exited_.pop_front();
  const auto found = processes_.find(oldest.pid);
  if (found != processes_.end() && found->second.generation == oldest.generation) processes_.erase(found);
  recent_.clear();
}

void ProcessTable::expire(Nanoseconds now) {
  while (!exited_.empty() && exited_.front().when + settings_.grace < now) forget_oldest_exited();
}

}  // namespace subfloor::identity
