// SPDX-License-Identifier: Apache-2.0
// Fields of the file or socket that a system call was about.
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "detection/call_names.h"
#include "detection/facts.h"
#include "rules/fields.h"

namespace subfloor::detection {

using rules::operator""_event;
using rules::operator""_field;
using rules::FieldReference;
using rules::IpAddress;
using rules::Value;

namespace {

std::pair<std::string_view, std::string_view> type_of(std::uint32_t mode) {
  switch (mode & S_IFMT) {
    case S_IFREG: return {"file", "f"};
    case S_IFDIR: return {"directory", "d"};
    case S_IFIFO: return {"pipe", "p"};
    case S_IFBLK:
    case S_IFCHR: return {"file", "f"};
    default: return {};
  }
}

Value address_of(const Address& address) {
  if (!address.known()) return {};
  IpAddress ip;
  ip.is_v6 = !address.is_ipv4();
  if (ip.is_v6)
    ip.bytes = address.ip;
  else
    std::copy_n(address.ip.begin() + 12, 4, ip.bytes.begin());
  return {ip};
}

Value port_of(const Address& address) { return address.known() ? Value(std::uint64_t{address.port}) : Value(); }

// Where a call names another end than the socket's own, that is where it goes.
const Address& remote_of(const Syscall& call) {
  return call.address && call.address->inet.known() ? call.address->inet : call.socket->remote;
}

// Who connects is the client.
bool is_server(const Syscall& call, rules::EventType type) {
  return type == "accept"_event || type == "accept4"_event || type == "recvfrom"_event || type == "recvmsg"_event ||
         (type == "listen"_event && call.socket);
}

std::string_view transport_of(const SyscallSocket& socket) {
  if (socket.type == SOCK_STREAM) return "tcp";
  if (socket.type == SOCK_RAW) return "raw";
  if (socket.type != SOCK_DGRAM) return {};
  return socket.protocol == IPPROTO_ICMP || socket.protocol == IPPROTO_ICMPV6 ? "icmp" : "udp";
}

}  // namespace

Value EventFacts::of_descriptor(const FieldReference& field) {
  if (event_->syscall == nullptr) return {};
  const Syscall& call = *event_->syscall;
  if (field.id == "fd.num"_field) {
    const auto number = number_of_descriptor(event_->type, call);
    return number ? Value(*number) : Value();
  }
  if (call.socket) return of_socket(field, call);
  return of_file(field, call);
}

// Of the kernel's file; where there is none, nothing but the text is known.
Value EventFacts::of_file(const FieldReference& field, const Syscall& call) {
  if (field.id == "fd.nameraw"_field) return call.text[0].text.empty() ? Value() : Value(call.text[0].text);
  if (!call.file) return {};
  const SyscallFile& file = *call.file;
  const bool named = !file.pseudo && !file.path_truncated && !file.path.empty();
  const std::size_t slash = file.path.rfind('/');
  switch (field.id) {
    case "fd.name"_field: return named || file.pseudo ? Value(file.path) : Value();
    case "fd.directory"_field: return named ? Value(file.path.substr(0, std::max<std::size_t>(slash, 1))) : Value();
    case "fd.filename"_field: return named ? Value(file.path.substr(slash + 1)) : Value();
    case "fd.type"_field:
      if (file.pseudo) return file.path.starts_with("memfd:") ? Value(std::string_view("memfd")) : Value();
      return type_of(file.mode).first.empty() ? Value() : Value(type_of(file.mode).first);
    case "fd.typechar"_field:
      if (file.pseudo) return file.path.starts_with("memfd:") ? Value(std::string_view("m")) : Value();
      return type_of(file.mode).second.empty() ? Value() : Value(type_of(file.mode).second);
    case "fd.ino"_field: return {static_cast<std::int64_t>(file.inode)};
    case "fd.dev"_field: return {static_cast<std::int64_t>(file.device)};
    default: return {};
  }
}

Value EventFacts::of_socket(const FieldReference& field, const Syscall& call) {
  const SyscallSocket& socket = *call.socket;
  const bool is_unix = socket.family == AF_UNIX;
  if (!is_unix && socket.family != AF_INET && socket.family != AF_INET6) return {};
  const Address &local = socket.local, &remote = remote_of(call);
  const bool serves = is_server(call, event_->type);
  const Address &client = serves ? remote : local, &server = serves ? local : remote;
  switch (field.id) {
    case "fd.type"_field:
      return {is_unix ? std::string_view("unix") : socket.family == AF_INET ? std::string_view("ipv4") : "ipv6"};
    case "fd.typechar"_field:
      return {is_unix ? std::string_view("u") : socket.family == AF_INET ? std::string_view("4") : "6"};
    case "fd.sockfamily"_field: return {is_unix ? std::string_view("unix") : std::string_view("ip")};
    case "fd.name"_field:
      if (is_unix) {
        const std::string_view given = call.address ? call.address->unix_path : std::string_view{};
        return given.empty() && socket.unix_path.empty() ? Value() : Value(given.empty() ? socket.unix_path : given);
      }
      return client.known() || server.known() ? Value(keep(client.text() + "->" + server.text())) : Value();
    default: break;
  }
  if (is_unix) return {};
  const auto ends = [this](const Value& one, const Value& other) {
    std::vector<Value>& both = lists_.emplace_back();
    for (const Value& each : {one, other})
      if (!each.absent()) both.push_back(each);
    return Value(rules::Values{both.data(), both.size()});
  };
  switch (field.id) {
    case "fd.l4proto"_field: return transport_of(socket).empty() ? Value() : Value(transport_of(socket));
    case "fd.ip"_field:
    case "fd.net"_field: return ends(address_of(client), address_of(server));
    case "fd.port"_field: return ends(port_of(client), port_of(server));
    case "fd.cip"_field:
    case "fd.cnet"_field: return address_of(client);
    case "fd.sip"_field:
    case "fd.snet"_field: return address_of(server);
    case "fd.lip"_field:
    case "fd.lnet"_field: return address_of(local);
    case "fd.rip"_field:
    case "fd.rnet"_field: return address_of(remote);
    case "fd.cport"_field: return port_of(client);
    case "fd.sport"_field: return port_of(server);
    case "fd.lport"_field: return port_of(local);
    case "fd.rport"_field: return port_of(remote);
    case "fd.is_server"_field: return {serves};
    case "fd.connected"_field:
      return {socket.remote.known() && (event_->type != "connect"_event || event_->result >= 0)};
    case "fd.name_changed"_field:
      return {call.address && call.address->inet.known() && call.address->inet != socket.remote};
    default: return {};
  }
}

Value EventFacts::of_open(const FieldReference& field) const {
  if (event_->syscall == nullptr || !event_->syscall->file || !opens(event_->type)) return {};
  const SyscallFile& file = *event_->syscall->file;
  switch (field.id) {
    case "evt.is_open_read"_field: return {(file.accesses & access_read) != 0};
    case "evt.is_open_write"_field: return {(file.accesses & access_write) != 0};
    case "evt.is_open_create"_field: return {file.created};
    case "evt.is_open_exec"_field: return {file.created && (file.mode & (S_IXUSR | S_IXGRP | S_IXOTH)) != 0};
    default: return {};
  }
}

}  // namespace subfloor::detection
