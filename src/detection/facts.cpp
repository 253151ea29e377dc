// SPDX-License-Identifier: Apache-2.0
#include "detection/facts.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <string.h>  // strerrorname_np

#include <utility>

#include "rules/fields.h"

namespace subfloor::detection {

using rules::operator""_field;
using rules::FieldArgument;
using rules::FieldReference;
using rules::Value;

namespace {

Value text_or_nothing(std::string_view text) { return text.empty() ? Value() : Value(text); }

Value number(std::int64_t value) { return {value}; }
Value number(std::uint64_t value) { return {value}; }

}  // namespace

void EventFacts::begin(const Event& event) {
  event_ = &event;
  line_.assign(1, event.process);
  texts_.clear();
  lists_.clear();
}

const Process* EventFacts::ancestor(std::size_t generation) {
  while (line_.size() <= generation) {
    const Process& youngest = *line_.back();
    if (youngest.parent_pid == 0 || youngest.parent_pid == youngest.pid || line_.size() > most_ancestors)
      return nullptr;
    ProcessRef parent = find_(youngest.parent_pid);
    if (parent->start_time == 0) return nullptr;  // gone before anybody looked
    line_.push_back(std::move(parent));
  }
  return line_[generation].get();
}

Value EventFacts::extract(const FieldReference& field) {
  const std::string_view name = rules::info_of(field.id).name;
  if (name == "evt.arg") return of_argument(field);
  if (name.starts_with("evt.is_open")) return of_open(field);
  if (name.starts_with("evt.")) return of_event(field);
  if (name.starts_with("fd.")) return of_descriptor(field);
  if (name.starts_with("user.") || name.starts_with("group.")) return of_user(field);
  if (name.starts_with("container.") || name.starts_with("k8s.")) return of_container(field);
  if (name.starts_with("proc.is_exe") || name.starts_with("proc.exe_")) return of_executable(field);
  if (name.starts_with("proc.") || name.starts_with("thread.")) return of_process(field);
  return {};
}

Value EventFacts::of_event(const FieldReference& field) const {
  switch (field.id) {
    case "evt.num"_field: return Value(event_->number);
    case "evt.source"_field: return Value(std::string_view("syscall"));
    case "evt.dir"_field: return Value(std::string_view("<"));
    case "evt.count"_field: return Value(std::uint64_t{1});
    case "evt.rawres"_field: return Value(event_->result);
    case "evt.failed"_field: return Value(event_->result < 0);
    case "evt.res"_field: {
      if (event_->result >= 0) return Value(std::string_view("SUCCESS"));
      const char* const name = strerrorname_np(static_cast<int>(-event_->result));
      return name == nullptr ? Value() : Value(std::string_view(name));
    }
    default: return {};
  }
}

Value EventFacts::name(const Process& process) { return text_or_nothing(process.comm); }
Value EventFacts::executable(const Process& process) { return text_or_nothing(process.executable); }
Value EventFacts::pid(const Process& process) { return number(std::int64_t{process.pid}); }

Value EventFacts::first_word(const Process& process) {
  return process.arguments.empty() ? Value() : Value(std::string_view(process.arguments.front()));
}

Value EventFacts::arguments(const Process& process) {
  if (process.arguments.empty()) return {};
  return Value(keep(fmt::format("{}", fmt::join(process.arguments.begin() + 1, process.arguments.end(), " "))));
}

Value EventFacts::command_line(const Process& process) {
  if (process.comm.empty()) return {};
  std::string line = process.comm;
  for (std::size_t i = 1; i < process.arguments.size(); ++i) line.append(" ").append(process.arguments[i]);
  return Value(keep(std::move(line)));
}

// Of the ancestor that the argument names; of each, where there is none.
Value EventFacts::of_ancestor(const FieldReference& field, OfProcess what) {
  if (field.argument.kind == FieldArgument::Kind::index) {
    const Process* const process = ancestor(field.argument.index);
    return process == nullptr ? Value() : (this->*what)(*process);
  }
  std::vector<Value>& all = lists_.emplace_back();
  for (std::size_t i = 1; const Process* process = ancestor(i); ++i) {
    if (Value value = (this->*what)(*process); !value.absent()) all.push_back(value);
  }
  return Value(rules::Values{all.data(), all.size()});
}

Value EventFacts::session_name() {
  if (!event_->process->facts) return {};
  const std::uint32_t session = event_->process->facts->session;
  const Process* eldest = nullptr;  // in the same session
  for (std::size_t i = 0; const Process* process = ancestor(i); ++i) {
    if (process->pid == session) return name(*process);
    if (process->facts && process->facts->session == session) eldest = process;
  }
  return eldest == nullptr ? Value() : name(*eldest);
}

Value EventFacts::of_process(const FieldReference& field) {
  const Process& process = *event_->process;
  const ExecFacts* const facts = process.facts ? &*process.facts : nullptr;
  const auto of_parent = [&](OfProcess what) {
    const Process* const parent = ancestor(1);
    return parent == nullptr ? Value() : (this->*what)(*parent);
  };
  switch (field.id) {
    case "proc.name"_field: return name(process);
    case "proc.exe"_field: return first_word(process);
    case "proc.exepath"_field: return executable(process);
    case "proc.cmdline"_field: return command_line(process);
    case "proc.args"_field:
      if (field.argument.kind != FieldArgument::Kind::index) return arguments(process);
      if (field.argument.index + 1 >= process.arguments.size()) return {};
      return Value(std::string_view(process.arguments[field.argument.index + 1]));
    case "proc.cmdnargs"_field:
      return process.arguments.empty() ? Value() : number(std::uint64_t{process.arguments.size() - 1});
    case "proc.pname"_field: return of_parent(&EventFacts::name);
    case "proc.pexe"_field: return of_parent(&EventFacts::first_word);
    case "proc.pexepath"_field: return of_parent(&EventFacts::executable);
    case "proc.pcmdline"_field: return of_parent(&EventFacts::command_line);
    case "proc.aname"_field: return of_ancestor(field, &EventFacts::name);
    case "proc.aexe"_field: return of_ancestor(field, &EventFacts::first_word);
    case "proc.aexepath"_field: return of_ancestor(field, &EventFacts::executable);
    case "proc.acmdline"_field: return of_ancestor(field, &EventFacts::command_line);
    case "proc.aargs"_field: return of_ancestor(field, &EventFacts::arguments);
    case "proc.apid"_field: return of_ancestor(field, &EventFacts::pid);
    case "proc.pid"_field: return pid(process);
    case "proc.ppid"_field: return number(std::int64_t{process.parent_pid});
    case "proc.sname"_field: return session_name();
    case "proc.duration"_field: {
      const Nanoseconds start = boottime_to_monotonic(process.start_time);
      return process.start_time == 0 || event_->when < start ? Value() : number(std::uint64_t{event_->when - start});
    }
    default: break;
  }
  if (facts == nullptr) return {};
  switch (field.id) {
    case "proc.cwd"_field:
      if (facts->directory.empty()) return {};
      return Value(keep(facts->directory.ends_with('/') ? facts->directory : facts->directory + "/"));
    case "proc.tty"_field: return number(std::uint64_t{facts->terminal});
    case "proc.sid"_field: return number(std::int64_t{facts->session});
    case "proc.vpid"_field: return facts->own_pid == 0 ? Value() : number(std::int64_t{facts->own_pid});
    case "proc.vpgid"_field: return number(std::int64_t{facts->group});
    case "proc.is_sid_leader"_field: return Value(facts->session == process.pid);
    case "proc.is_vpgid_leader"_field: return facts->own_pid == 0 ? Value() : Value(facts->group == facts->own_pid);
    case "thread.cap_effective"_field: return capabilities(facts->effective);
    case "thread.cap_permitted"_field: return capabilities(facts->permitted);
    case "thread.cap_inheritable"_field: return capabilities(facts->inheritable);
    default: return {};
  }
}

Value EventFacts::of_executable(const FieldReference& field) {
  if (!event_->process->facts) return {};
  const ExecFacts& facts = *event_->process->facts;
  switch (field.id) {
    case "proc.is_exe_upper_layer"_field: return Value(facts.upper_layer);
    case "proc.is_exe_from_memfd"_field: return Value(facts.memory_file);
    case "proc.exe_ino"_field: return number(static_cast<std::int64_t>(facts.inode));
    case "proc.exe_ino.ctime"_field: return Value(facts.changed);
    case "proc.exe_ino.mtime"_field: return Value(facts.modified);
    case "proc.exe_ino.ctime_duration_proc_start"_field: {
      const Nanoseconds start = to_unix(boottime_to_monotonic(event_->process->start_time));
      return start < facts.changed ? Value() : Value(start - facts.changed);
    }
    default: return {};
  }
}

// Within a container, the host's names are not those of its users.
Value EventFacts::of_user(const FieldReference& field) {
  const Process& process = *event_->process;
  const ExecFacts* const facts = process.facts ? &*process.facts : nullptr;
  const bool on_host = process.container_id.empty();
  switch (field.id) {
    case "user.uid"_field:
      if (facts != nullptr) return number(std::uint64_t{facts->effective_uid});
      return process.uid_known ? number(std::uint64_t{process.uid}) : Value();
    case "user.name"_field:
      if (!on_host || (facts == nullptr && !process.uid_known)) return {};
      return text_or_nothing(users_.user(facts != nullptr ? facts->effective_uid : process.uid));
    case "user.loginuid"_field:
      return facts == nullptr ? Value() : number(std::int64_t{static_cast<std::int32_t>(facts->login_uid)});
    case "user.loginname"_field:
      if (facts == nullptr || facts->login_uid == ExecFacts::no_login) return {};
      return text_or_nothing(users_.user(facts->login_uid));
    case "group.gid"_field: return facts == nullptr ? Value() : number(std::uint64_t{facts->effective_gid});
    case "group.name"_field:
      return facts == nullptr || !on_host ? Value() : text_or_nothing(users_.group(facts->effective_gid));
    default: return {};
  }
}

Value EventFacts::of_container(const FieldReference& field) {
  constexpr std::size_t short_id = 12;
  const std::string& id = event_->process->container_id;
  if (id.empty()) return field.id == "container.id"_field ? Value(std::string_view("host")) : Value();
  const Workload* const workload = event_->workload.get();
  if (field.id == "container.id"_field) return Value(std::string_view(id).substr(0, short_id));
  if (field.id == "container.full_id"_field) return Value(std::string_view(id));
  if (workload == nullptr) return {};
  const std::string_view image = workload->image;
  const std::size_t digest = image.find('@');
  const std::size_t colon = image.substr(0, digest).rfind(':');
  const bool tagged = colon != std::string_view::npos && image.find('/', colon) >= std::min(digest, image.size());
  switch (field.id) {
    case "container.name"_field: return text_or_nothing(workload->container_name);
    case "container.image"_field: return text_or_nothing(image);
    case "container.image.repository"_field: return text_or_nothing(image.substr(0, tagged ? colon : digest));
    case "container.image.tag"_field:
      return tagged ? text_or_nothing(image.substr(0, digest).substr(colon + 1)) : Value();
    case "container.image.digest"_field:
      return digest == std::string_view::npos ? Value() : text_or_nothing(image.substr(digest + 1));
    case "k8s.ns.name"_field: return text_or_nothing(workload->pod_namespace);
    case "k8s.pod.name"_field: return text_or_nothing(workload->pod_name);
    case "k8s.pod.id"_field:
    case "k8s.pod.uid"_field: return text_or_nothing(workload->pod_uid);
    case "k8s.pod.full_sandbox_id"_field: return text_or_nothing(workload->sandbox_id);
    case "k8s.pod.sandbox_id"_field: return text_or_nothing(std::string_view(workload->sandbox_id).substr(0, short_id));
    case "k8s.pod.label"_field: return text_or_nothing(workload->label(field.argument.key));
    case "k8s.deployment.name"_field:
      return workload->owner.kind == "deployment" ? text_or_nothing(workload->owner.name) : Value();
    default: return {};
  }
}

}  // namespace subfloor::detection
