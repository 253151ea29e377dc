// SPDX-License-Identifier: Apache-2.0
// The tcp sensor: loads the programs of the best rung that attaches.
#include <bpf/bpf.h>
#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/log.h"
#include "bpf/counters.h"
#include "bpf/link.h"
#include "bpf/pseudo_fs.h"
#include "bpf/skeleton.h"
#include "sensors/rungs.h"
#include "sensors/sensor.h"
#include "sensors/tcp/decoder.h"
#include "sensors/tcp/programs.h"
#include "sensors/tcp/steering.h"
#include "tcp.skel.h"

namespace subfloor::sensors {
namespace {

using Object = bpf::Skeleton<tcp_bpf>;

constexpr std::array<std::string_view, TCP_FAMILIES> family_names = {"tcp_send", "tcp_receive", "unix", "tcp_socket"};

Result<> fill_ports(const Object& object, const Settings& settings) {
  if (settings.ports.empty()) return {};
  std::array<std::uint64_t, 1024> bitmap{};
  for (const std::uint16_t port : settings.ports) bitmap[port / 64U] |= std::uint64_t{1} << (port % 64U);
  const std::uint32_t zero = 0;
  if (bpf_map_update_elem(bpf_map__fd(object->maps.ports), &zero, bitmap.data(), BPF_ANY) != 0)
    return fail_errno("set the ports to capture", errno);
  return {};
}

struct Attached {
  Object object;
  std::vector<const TcpProgram*> programs;
  std::vector<bpf::Link> links;
  TcpSteering steering;
};

bpf_program* program_of(const Object& object, const TcpProgram& program) {
  return bpf_object__find_program_by_name(object.object(), std::string(program.name).c_str());
}

class TcpSensor final : public Sensor {
 public:
  TcpSensor(Attached attached, Events& events)
      : object_(std::move(attached.object)),
        programs_(std::move(attached.programs)),
        steering_(std::move(attached.steering)),
        decoder_(events),
        links_(std::move(attached.links)) {}

  void handle(const record_header& header, std::span<const std::byte> record) override {
    if (!decoder_.decode(header, record)) LOG_ERROR("tcp sensor: malformed record of kind {}", header.kind);
  }

  using Sensor::take_stock;
  // Reads the iterator over all open files: each socket comes as the record that a new one would have sent.
  [[nodiscard]] Result<> take_stock(const RecordHandler& handler) override {
    TRY_ASSIGN(const bpf::Link link, bpf::Link::attach(object_->progs.sockets_of_tasks));
    const Fd records(bpf_iter_create(link.fd()));
    if (!records) return fail_errno("list the sockets there are", errno);
    tcp_socket_open open;
    std::size_t have = 0;
    for (;;) {
      const ssize_t got = ::read(records.get(), reinterpret_cast<char*>(&open) + have, sizeof open - have);
      if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
      if (got < 0) return fail_errno("list the sockets there are", errno);
      if (got == 0) return {};
      have += static_cast<std::size_t>(got);
      if (have < sizeof open) continue;
      have = 0;
      handler(open.header, std::as_bytes(std::span(&open, 1)));
    }
  }

  [[nodiscard]] std::vector<FamilyCounters> counters() const override {
    std::vector<FamilyCounters> all;
    for (std::uint32_t family = 0; family < TCP_FAMILIES; ++family) {
      all.push_back({std::string(family_names[family]), bpf::sum_over_cpus(bpf_map__fd(object_->maps.counters), family),
                     missed(family), family == TCP_FAMILY_SOCKET});
    }
    return all;
  }

  [[nodiscard]] Steering* steering() override { return &steering_; }

  // First the cookies of sockets that were of no interest until now: without one, what they send could not be told
  // apart.
  [[nodiscard]] Result<> reconfigure(const Settings& settings) override {
    if (!settings.ports.empty() || object_->bss->filter_ports) {
      object_->bss->cookies_only = true;
      const Result<> made = take_stock();
      object_->bss->cookies_only = false;
      TRY(made);
    }
    TRY(fill_ports(object_, settings));
    object_->bss->filter_ports = !settings.ports.empty();
    return {};
  }

 private:
  // A program is skipped that would interrupt itself, or another task in it on the same CPU.
  [[nodiscard]] std::uint64_t missed(std::uint32_t family) const {
    std::uint64_t sum = 0;
    for (const TcpProgram* program : programs_)
      if (program->family == family) sum += bpf::missed_runs(program_of(object_, *program));
    return sum;
  }

  Object object_;
  std::vector<const TcpProgram*> programs_;
  TcpSteering steering_;
  TcpDecoder decoder_;
  std::vector<bpf::Link> links_;  // last: detached first
};

void configure(const Object& object, const Context& context) {
  auto* rodata = object->rodata;
  rodata->sensor_id = context.sensor_id;
  rodata->agent_tgid = static_cast<std::uint32_t>(getpid());
  context.rings.describe_to(*rodata);
  rodata->unix_sockets = context.settings.unix_sockets;
  object->bss->filter_ports = !context.settings.ports.empty();
}

Result<bpf::Link> attach_to_syscall_exit(const bpf::PseudoFs& tracefs, bpf_program* program) {
  const std::string event = std::string("events/syscalls/") + bpf_program__name(program);
  TRY_ASSIGN(const std::string text, bpf::read_file_at(tracefs.root, event + "/id"));
  perf_event_attr attributes{};
  attributes.size = sizeof attributes;
  attributes.type = PERF_TYPE_TRACEPOINT;
  std::from_chars(text.data(), text.data() + text.size(), attributes.config);
  // Programs of a tracepoint run on every CPU, whichever the event is opened for.
  const auto fd = syscall(SYS_perf_event_open, &attributes, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
  if (fd < 0) return fail_errno("open " + event, errno);
  bpf_link* link = bpf_program__attach_perf_event(program, static_cast<int>(fd));
  if (link == nullptr) ::close(static_cast<int>(fd));
  return bpf::Link::own(link, event);
}

using Attach = std::function<Result<bpf::Link>(bpf_program*)>;

// The sensor with the programs of one rung; `attach` is for those that are its own.
Result<std::unique_ptr<Sensor>> open_on(std::string_view rung, const Context& context, const Attach& attach) {
  TRY_ASSIGN(Object object, Object::open());
  configure(object, context);
  TRY(context.rings.share_with(object.object()));
  TRY_ASSIGN(std::vector<const TcpProgram*> programs, choose_programs(object.object(), rung, context.settings));
  // Some kernels have no such kinds of maps, and what no program uses only takes room.
  bpf_map__set_autocreate(object->maps.send_starts, rung == "fentry");
  bpf_map__set_autocreate(object->maps.send_notes, rung == "tracepoint");
  bpf_map__set_autocreate(object->maps.calls, rung == "kprobe");
  TRY(object.load());
  TRY(fill_ports(object, context.settings));
  std::vector<bpf::Link> links;
  for (const TcpProgram* one : programs) {
    if (!one->attached) continue;
    bpf_program* program = program_of(object, *one);
    TRY_ASSIGN(bpf::Link link, one->rung.empty() ? bpf::Link::attach(program) : attach(program));
    links.push_back(std::move(link));
  }
  TRY_ASSIGN(TcpSteering steering, TcpSteering::make(bpf_map__fd(object->maps.steering)));
  return std::make_unique<TcpSensor>(
      Attached{std::move(object), std::move(programs), std::move(links), std::move(steering)}, context.events);
}

Result<std::unique_ptr<Sensor>> open_on_syscalls(const Context& context) {
  TRY_ASSIGN(const bpf::PseudoFs tracefs, bpf::open_pseudo_fs("tracefs"));
  return open_on("syscall", context, [&](bpf_program* program) { return attach_to_syscall_exit(tracefs, program); });
}

constexpr std::string_view kprobe_loss =
    "each transfer costs more; unix sockets are told of when they are read, not when they are written to, and the end "
    "of "
    "one that a thread waits for is not seen";
constexpr std::string_view tracepoint_loss =
    "unix sockets are told of when they are read, not when they are written to; what is spliced out of a socket or "
    "discarded is counted from sequence numbers";
constexpr std::string_view syscall_loss =
    "every system call of the host costs some 50 ns more; io_uring is counted, its content not seen; "
    "32-bit processes are not seen; request times of clients start when their send returned";

Result<std::unique_ptr<Sensor>> open(const Context& context, bpf::LadderReport& report) {
  report.sensor = "tcp";
  const auto rung = [&](std::string_view name, std::string_view lost) {
    return SensorRung{name, lost, [&context, name] { return open_on(name, context, bpf::Link::attach); }};
  };
  return open_best({rung("fentry", ""),
                    rung("tracepoint", tracepoint_loss),
                    rung("kprobe", kprobe_loss),
                    {"syscall", syscall_loss, [&context] { return open_on_syscalls(context); }}},
                   context, report);
}

std::unique_ptr<Decoder> make_decoder(Events& events) { return std::make_unique<TcpDecoder>(events); }

}  // namespace

extern const Descriptor tcp_descriptor;
const Descriptor tcp_descriptor = {"tcp", open, make_decoder};

}  // namespace subfloor::sensors
