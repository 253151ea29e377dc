// SPDX-License-Identifier: Apache-2.0
#include "detection/call_names.h"

#include <fcntl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <span>
#include <utility>

namespace subfloor::detection {

using rules::operator""_event;
using rules::EventType;

namespace {

using Names = std::span<const std::pair<std::uint64_t, std::string_view>>;

std::string_view name_in(Names names, std::uint64_t value) {
  const auto found = std::ranges::find(names, value, [](const auto& entry) { return entry.first; });
  return found == names.end() ? std::string_view{} : found->second;
}

constexpr std::pair<std::uint64_t, std::string_view> open_flags[] = {
    {O_CREAT, "O_CREAT"},       {O_APPEND, "O_APPEND"},     {O_DSYNC, "O_DSYNC"},         {O_EXCL, "O_EXCL"},
    {O_NONBLOCK, "O_NONBLOCK"}, {O_TRUNC, "O_TRUNC"},       {O_DIRECTORY, "O_DIRECTORY"}, {O_DIRECT, "O_DIRECT"},
    {O_NOCTTY, "O_NOCTTY"},     {O_NOFOLLOW, "O_NOFOLLOW"}, {O_CLOEXEC, "O_CLOEXEC"},     {O_PATH, "O_PATH"},
};

constexpr std::pair<std::uint64_t, std::string_view> ptrace_requests[] = {
    {PTRACE_TRACEME, "PTRACE_TRACEME"},
    {PTRACE_PEEKTEXT, "PTRACE_PEEKTEXT"},
    {PTRACE_PEEKDATA, "PTRACE_PEEKDATA"},
    {PTRACE_PEEKUSER, "PTRACE_PEEKUSR"},
    {PTRACE_POKETEXT, "PTRACE_POKETEXT"},
    {PTRACE_POKEDATA, "PTRACE_POKEDATA"},
    {PTRACE_POKEUSER, "PTRACE_POKEUSR"},
    {PTRACE_CONT, "PTRACE_CONT"},
    {PTRACE_KILL, "PTRACE_KILL"},
    {PTRACE_SINGLESTEP, "PTRACE_SINGLESTEP"},
#ifdef __x86_64__
    {PTRACE_GETREGS, "PTRACE_GETREGS"},
    {PTRACE_SETREGS, "PTRACE_SETREGS"},
    {PTRACE_GETFPREGS, "PTRACE_GETFPREGS"},
    {PTRACE_SETFPREGS, "PTRACE_SETFPREGS"},
#endif
    {PTRACE_ATTACH, "PTRACE_ATTACH"},
    {PTRACE_DETACH, "PTRACE_DETACH"},
    {PTRACE_SYSCALL, "PTRACE_SYSCALL"},
    {PTRACE_SETOPTIONS, "PTRACE_SETOPTIONS"},
    {PTRACE_GETEVENTMSG, "PTRACE_GETEVENTMSG"},
    {PTRACE_GETSIGINFO, "PTRACE_GETSIGINFO"},
    {PTRACE_SETSIGINFO, "PTRACE_SETSIGINFO"},
    {PTRACE_GETREGSET, "PTRACE_GETREGSET"},
    {PTRACE_SETREGSET, "PTRACE_SETREGSET"},
    {PTRACE_SEIZE, "PTRACE_SEIZE"},
    {PTRACE_INTERRUPT, "PTRACE_INTERRUPT"},
    {PTRACE_LISTEN, "PTRACE_LISTEN"},
};

constexpr std::pair<std::uint64_t, std::string_view> address_families[] = {
    {AF_UNSPEC, "AF_UNSPEC"},       {AF_UNIX, "AF_UNIX"},     {AF_INET, "AF_INET"}, {AF_INET6, "AF_INET6"},
    {AF_NETLINK, "AF_NETLINK"},     {AF_PACKET, "AF_PACKET"}, {AF_ALG, "AF_ALG"},   {AF_VSOCK, "AF_VSOCK"},
    {AF_BLUETOOTH, "AF_BLUETOOTH"}, {AF_CAN, "AF_CAN"},       {AF_XDP, "AF_XDP"},   {AF_KEY, "AF_KEY"},
};

}  // namespace

bool opens(EventType type) {
  return type == "openat"_event || type == "open"_event || type == "openat2"_event || type == "creat"_event ||
         type == "open_by_handle_at"_event;
}

std::optional<std::int64_t> number_of_descriptor(EventType type, const Syscall& call) {
  if (!call.result_known) return std::nullopt;
  constexpr std::array gives = {"socket"_event, "accept"_event, "accept4"_event,
                                "dup"_event,    "dup2"_event,   "dup3"_event};
  if (opens(type) || std::ranges::find(gives, type) != gives.end())
    return call.result >= 0 ? std::optional(call.result) : std::nullopt;
  if (call.socket || call.file) return static_cast<std::int32_t>(call.args[0]);
  return std::nullopt;
}

std::string open_flags_text(std::uint64_t flags) {
  std::string text = (flags & O_ACCMODE) == O_RDONLY   ? "O_RDONLY"
                     : (flags & O_ACCMODE) == O_WRONLY ? "O_WRONLY"
                                                       : "O_RDWR";
  for (const auto& [bits, name] : open_flags)
    if ((flags & bits) == bits) text.append("|").append(name);
  return text;
}

std::string_view ptrace_request_name(std::uint64_t request) { return name_in(ptrace_requests, request); }
std::string_view address_family_name(std::uint64_t family) { return name_in(address_families, family); }

}  // namespace subfloor::detection
