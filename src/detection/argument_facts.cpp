// SPDX-License-Identifier: Apache-2.0
// evt.arg: what the caller gave, by the names that Falco's rules have for it.
#include <fmt/format.h>

#include "detection/call_names.h"
#include "detection/facts.h"

namespace subfloor::detection {

using rules::operator""_event;
using rules::FieldReference;
using rules::Value;

namespace {

std::uint64_t open_flags_of(rules::EventType type, const Syscall& call) {
  if (type == "open"_event) return call.args[1];
  std::uint64_t flags = 0;
  if (type == "openat2"_event && call.content.size() >= sizeof flags) {
    call.content.copy(reinterpret_cast<char*>(&flags), sizeof flags);
    return flags;
  }
  return call.args[2];
}

}  // namespace

// The text of a path argument as the caller gave it; which file that is, fd.name says.
Value EventFacts::path_as_given(const Syscall& call, std::size_t text) {
  return call.text[text].unreadable ? Value() : Value(call.text[text].text);
}

Value EventFacts::of_argument(const FieldReference& field) {
  if (event_->syscall == nullptr) return {};
  const Syscall& call = *event_->syscall;
  const rules::EventType type = event_->type;
  const std::string& name = field.argument.key;
  const auto named = [](std::string_view text) { return text.empty() ? Value() : Value(text); };
  if (name == "res") return {std::int64_t{call.result}};
  if (opens(type)) {
    if (name == "flags") return {keep(open_flags_text(open_flags_of(type, call)))};
    if (name == "name") return path_as_given(call, 0);
    if (name == "ino" && call.file) return {std::uint64_t{call.file->inode}};
    return {};
  }
  if (type == "ptrace"_event) {
    if (name == "request") return named(ptrace_request_name(call.args[0]));
    if (name == "pid") return {static_cast<std::int64_t>(static_cast<std::int32_t>(call.args[1]))};
    return {};
  }
  if (type == "socket"_event) {
    if (name == "domain") return named(address_family_name(call.args[0]));
    if (name == "proto") return {static_cast<std::int64_t>(static_cast<std::int32_t>(call.args[2]))};
    return {};
  }
  const bool symlinks = type == "symlink"_event || type == "symlinkat"_event;
  if (symlinks && (name == "target" || name == "linkpath")) return path_as_given(call, name == "target" ? 0 : 1);
  const bool two_paths = type == "link"_event || type == "linkat"_event || type == "rename"_event ||
                         type == "renameat"_event || type == "renameat2"_event;
  if (two_paths && (name == "oldpath" || name == "newpath")) return path_as_given(call, name == "oldpath" ? 0 : 1);
  if (name == "path" || name == "name" || name == "filename") return path_as_given(call, 0);
  return {};
}

}  // namespace subfloor::detection
