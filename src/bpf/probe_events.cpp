// SPDX-License-Identifier: Apache-2.0
#include "bpf/probe_events.h"

#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>

#include "bpf/pseudo_fs.h"

namespace subfloor::bpf::probe {
namespace {

Result<std::uint32_t> event_type(const std::string& source) {
  const Result<std::string> text = read_file_at(Fd(), "/sys/bus/event_source/devices/" + source + "/type");
  if (!text && text.error().code == ENOENT)
    return fail("the kernel is built without " + source + "s (no such event source)", ENOENT);
  if (!text) return Failure(text.error());
  std::uint32_t type = 0;
  std::from_chars(text->data(), text->data() + text->size(), type);
  return type;
}

}  // namespace

Result<Fd> attach_to_event(int program, std::uint32_t type, std::uint64_t config, const EventTarget& target) {
  perf_event_attr attributes{};
  attributes.size = sizeof attributes;
  attributes.type = type;
  attributes.config = config;
  attributes.config1 = target.config1;
  attributes.config2 = target.config2;
  attributes.sample_period = type == PERF_TYPE_SOFTWARE ? 1'000'000'000 : 1;
  attributes.disabled = 1;
  Fd event(static_cast<int>(::syscall(SYS_perf_event_open, &attributes, target.own_process ? 0 : -1,
                                      target.own_process ? -1 : 0, -1, std::uint64_t{PERF_FLAG_FD_CLOEXEC})));
  if (!event) return fail_errno("loads, but perf_event_open", errno);
  if (::ioctl(event.get(), PERF_EVENT_IOC_SET_BPF, program) != 0) return fail_errno("loads, but attach", errno);
  if (::ioctl(event.get(), PERF_EVENT_IOC_ENABLE, 0) != 0) return fail_errno("attaches, but switch on", errno);
  return event;
}

Result<Fd> attach_kprobe(int program, const char* function) {
  TRY_ASSIGN(const std::uint32_t type, event_type("kprobe"));
  return attach_to_event(program, type, 0, {reinterpret_cast<std::uintptr_t>(function), 0, false});
}

Result<Fd> attach_uprobe(int program, const UserFunction& function) {
  TRY_ASSIGN(const std::uint32_t type, event_type("uprobe"));
  return attach_to_event(program, type, 0,
                         {reinterpret_cast<std::uintptr_t>(function.path.c_str()), function.offset, true});
}

}  // namespace subfloor::bpf::probe
