// SPDX-License-Identifier: Apache-2.0
// The tcp sensor: loads the programs of the best rung that attaches.
#include <bpf/bpf.h>
#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/log.h"
#include "bpf/counters.h"
#include "bpf/link.h"
#include "bpf/pseudo_fs.h"
#include "bpf/skeleton.h"
#include "sensors/sensor.h"
#include "sensors/tcp/decoder.h"
#include "sensors/tcp/steering.h"
#include "tcp.skel.h"

namespace subfloor::sensors {
namespace {

using Object = bpf::Skeleton<tcp_bpf>;

constexpr std::array<std::string_view, TCP_FAMILIES> family_names = {"tcp_send", "tcp_receive", "unix", "tcp_socket"};
constexpr std::size_t wake_fraction = 4;  // of a ring, filled, wakes the reader

// Programs that belong to every rung.
constexpr std::array<std::string_view, 4> common_programs = {"tcp_established", "tcp_destroyed", "tcp_retransmitted",
                                                             "sockets_of_tasks"};
constexpr std::array<std::string_view, 4> tracepoint_programs = {"tp_send_begins", "tp_send_ends", "tp_receive",
                                                                 "tp_unix_received"};
constexpr std::string_view syscall_prefix = "sys_exit_";

struct Attached {
  Object object;
  std::vector<bpf::Link> links;
  TcpSteering steering;
};

class TcpSensor final : public Sensor {
 public:
  TcpSensor(Attached attached, Events& events)
      : object_(std::move(attached.object)),
        steering_(std::move(attached.steering)),
        decoder_(events),
        links_(std::move(attached.links)) {}

  void handle(const record_header& header, std::span<const std::byte> record) override {
    if (!decoder_.decode(header, record)) LOG_ERROR("tcp sensor: malformed record of kind {}", header.kind);
  }

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

 private:
  // Only a program that may interrupt itself can be skipped: none of these runs in interrupts but the state change.
  [[nodiscard]] std::uint64_t missed(std::uint32_t family) const {
    const auto& programs = object_->progs;
    switch (family) {
      case TCP_FAMILY_SEND: return bpf::missed_runs(programs.tp_send_ends) + bpf::missed_runs(programs.tp_send_begins);
      case TCP_FAMILY_RECEIVE: return bpf::missed_runs(programs.tp_receive);
      case TCP_FAMILY_UNIX: return bpf::missed_runs(programs.tp_unix_received);
      case TCP_FAMILY_SOCKET:
        return bpf::missed_runs(programs.tcp_established) + bpf::missed_runs(programs.tcp_destroyed);
      default: return 0;
    }
  }

  Object object_;
  TcpSteering steering_;
  TcpDecoder decoder_;
  std::vector<bpf::Link> links_;  // last: detached first
};

void configure(const Object& object, const Context& context) {
  auto* rodata = object->rodata;
  rodata->sensor_id = context.sensor_id;
  rodata->agent_tgid = static_cast<std::uint32_t>(getpid());
  rodata->control_wake_bytes = context.rings.control_bytes() / wake_fraction;
  rodata->data_wake_bytes = context.rings.data_bytes() / wake_fraction;
  rodata->unix_sockets = context.settings.unix_sockets;
  rodata->filter_ports = !context.settings.ports.empty();
}

Result<> fill_ports(const Object& object, const Settings& settings) {
  if (settings.ports.empty()) return {};
  std::array<std::uint64_t, 1024> bitmap{};
  for (const std::uint16_t port : settings.ports) bitmap[port / 64U] |= std::uint64_t{1} << (port % 64U);
  const std::uint32_t zero = 0;
  if (bpf_map_update_elem(bpf_map__fd(object->maps.ports), &zero, bitmap.data(), BPF_ANY) != 0)
    return fail_errno("set the ports to capture", errno);
  return {};
}

// The object with just the programs that `chosen` names, loaded.
template <class Chosen>
Result<Object> load(const Context& context, Chosen chosen) {
  TRY_ASSIGN(Object object, Object::open());
  configure(object, context);
  TRY(context.rings.share_with(object.object()));
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, object.object()) {
    const std::string_view name = bpf_program__name(program);
    const bool common = std::find(common_programs.begin(), common_programs.end(), name) != common_programs.end();
    bpf_program__set_autoload(program, common || chosen(name));
  }
  TRY(object.load());
  TRY(fill_ports(object, context.settings));
  return object;
}

Result<> attach_common(const Object& object, std::vector<bpf::Link>& links) {
  for (bpf_program* program :
       {object->progs.tcp_established, object->progs.tcp_destroyed, object->progs.tcp_retransmitted}) {
    TRY_ASSIGN(bpf::Link link, bpf::Link::attach(program));
    links.push_back(std::move(link));
  }
  return {};
}

Result<Attached> finish(Object object, std::vector<bpf::Link> links) {
  TRY_ASSIGN(TcpSteering steering, TcpSteering::make(bpf_map__fd(object->maps.steering)));
  return Attached{std::move(object), std::move(links), std::move(steering)};
}

Result<Attached> attach_tracepoint_rung(const Context& context) {
  TRY_ASSIGN(Object object, load(context, [](std::string_view name) {
               return std::find(tracepoint_programs.begin(), tracepoint_programs.end(), name) !=
                      tracepoint_programs.end();
             }));
  std::vector<bpf::Link> links;
  TRY(attach_common(object, links));  // before the rest: it makes the cookies that the rest needs
  for (const std::string_view name : tracepoint_programs) {
    if (name == "tp_unix_received" && !context.settings.unix_sockets) continue;
    bpf_program* program = bpf_object__find_program_by_name(object.object(), std::string(name).c_str());
    TRY_ASSIGN(bpf::Link link, bpf::Link::attach(program));
    links.push_back(std::move(link));
  }
  return finish(std::move(object), std::move(links));
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

Result<Attached> attach_syscall_rung(const Context& context) {
  TRY_ASSIGN(const bpf::PseudoFs tracefs, bpf::open_pseudo_fs("tracefs"));
  TRY_ASSIGN(Object object, load(context, [](std::string_view name) { return name.starts_with(syscall_prefix); }));
  std::vector<bpf::Link> links;
  TRY(attach_common(object, links));
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, object.object()) {
    if (!std::string_view(bpf_program__name(program)).starts_with(syscall_prefix)) continue;
    TRY_ASSIGN(bpf::Link link, attach_to_syscall_exit(tracefs, program));
    links.push_back(std::move(link));
  }
  return finish(std::move(object), std::move(links));
}

constexpr std::string_view syscall_loss =
    "every system call of the host costs some 50 ns more; io_uring is counted, its content not seen; "
    "32-bit processes are not seen; request times of clients start when their send returned";

Result<std::unique_ptr<Sensor>> open(const Context& context, bpf::LadderReport& report) {
  report.sensor = "tcp";
  std::unique_ptr<Sensor> sensor;
  const auto rung = [&](Result<Attached> (*attach)(const Context&)) {
    return [&context, &sensor, attach]() -> Result<> {
      TRY_ASSIGN(Attached attached, attach(context));
      sensor = std::make_unique<TcpSensor>(std::move(attached), context.events);
      return {};
    };
  };
  TRY(bpf::climb(
      {{"tracepoint", "", rung(attach_tracepoint_rung)}, {"syscall", syscall_loss, rung(attach_syscall_rung)}},
      context.settings.rung, report));
  return sensor;
}

std::unique_ptr<Decoder> make_decoder(Events& events) { return std::make_unique<TcpDecoder>(events); }

}  // namespace

extern const Descriptor tcp_descriptor;
const Descriptor tcp_descriptor = {"tcp", open, make_decoder};

}  // namespace subfloor::sensors
