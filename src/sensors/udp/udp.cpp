// SPDX-License-Identifier: Apache-2.0
// The udp sensor: loads the programs of the best rung that attaches.
#include <bpf/bpf.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
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
#include "sensors/udp/decoder.h"
#include "udp.skel.h"

namespace subfloor::sensors {
namespace {

using Object = bpf::Skeleton<udp_bpf>;

constexpr std::array<std::string_view, UDP_FAMILIES> family_names = {"udp_send", "udp_receive", "udp_socket"};
constexpr ino_t root_cgroup = 1;  // inode of the root of all control groups; a namespace's own root has another

struct Program {
  std::string_view rung, name;
  std::uint32_t family;
};

constexpr auto programs = std::to_array<Program>({
    {"fentry", "fx_udp4_begins", UDP_FAMILY_SEND},
    {"fentry", "fx_udp6_begins", UDP_FAMILY_SEND},
    {"fentry", "fx_sent4", UDP_FAMILY_SEND},
    {"fentry", "fx_sent6", UDP_FAMILY_SEND},
    {"fentry", "fx_received", UDP_FAMILY_RECEIVE},
    {"fentry", "fx_closed4", UDP_FAMILY_SOCKET},
    {"fentry", "fx_closed6", UDP_FAMILY_SOCKET},

    {"cgroup", "cg_sent", UDP_FAMILY_SEND},
    {"cgroup", "cg_received", UDP_FAMILY_RECEIVE},
    {"cgroup", "cg_closed", UDP_FAMILY_SOCKET},
});

bpf_program* program_of(const Object& object, const Program& program) {
  return bpf_object__find_program_by_name(object.object(), std::string(program.name).c_str());
}

Result<> fill_ports(const Object& object, const Settings& settings) {
  std::array<std::uint64_t, 1024> bitmap{};
  for (const std::uint16_t port : settings.datagram_ports) bitmap[port / 64U] |= std::uint64_t{1} << (port % 64U);
  const std::uint32_t zero = 0;
  if (bpf_map_update_elem(bpf_map__fd(object->maps.ports), &zero, bitmap.data(), BPF_ANY) != 0)
    return fail_errno("set the ports whose datagrams to capture", errno);
  return {};
}

class UdpSensor final : public Sensor {
 public:
  UdpSensor(Object object, std::string_view rung, std::vector<bpf::Link> links, Events& events)
      : object_(std::move(object)), rung_(rung), decoder_(events), links_(std::move(links)) {}

  void handle(const record_header& header, std::span<const std::byte> record) override {
    if (!decoder_.decode(header, record)) LOG_ERROR("udp sensor: malformed record of kind {}", header.kind);
  }

  [[nodiscard]] std::vector<FamilyCounters> counters() const override {
    std::vector<FamilyCounters> all;
    for (std::uint32_t family = 0; family < UDP_FAMILIES; ++family) {
      std::uint64_t missed = 0;
      for (const Program& one : programs)
        if (one.rung == rung_ && one.family == family) missed += bpf::missed_runs(program_of(object_, one));
      all.push_back({std::string(family_names[family]), bpf::sum_over_cpus(bpf_map__fd(object_->maps.counters), family),
                     missed, false});
    }
    return all;
  }

  [[nodiscard]] Result<> reconfigure(const Settings& settings) override { return fill_ports(object_, settings); }

 private:
  Object object_;
  std::string_view rung_;
  UdpDecoder decoder_;
  std::vector<bpf::Link> links_;  // last: detached first
};

using Attach = std::function<Result<bpf::Link>(bpf_program*)>;

// The sensor with the programs of one rung, and no others.
Result<std::unique_ptr<Sensor>> open_on(std::string_view rung, const Context& context, const Attach& attach) {
  TRY_ASSIGN(Object object, Object::open());
  object->rodata->sensor_id = context.sensor_id;
  object->rodata->agent_tgid = static_cast<std::uint32_t>(getpid());
  context.rings.describe_to(*object->rodata);
  TRY(context.rings.share_with(object.object()));
  for (const Program& one : programs) bpf_program__set_autoload(program_of(object, one), one.rung == rung);
  TRY(object.load());
  TRY(fill_ports(object, context.settings));
  std::vector<bpf::Link> links;
  for (const Program& one : programs) {
    if (one.rung != rung) continue;
    TRY_ASSIGN(bpf::Link link, attach(program_of(object, one)));
    links.push_back(std::move(link));
  }
  return std::make_unique<UdpSensor>(std::move(object), rung, std::move(links), context.events);
}

// In a container, what is mounted may be but the container's own part of the tree, past which nobody else's packets
// come.
Result<Fd> open_root_cgroup() {
  std::string seen;
  for (const std::string& point : bpf::mount_points("cgroup2")) {
    Fd root(::open(point.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    struct stat status{};
    if (root && ::fstat(root.get(), &status) == 0 && status.st_ino == root_cgroup) return root;
    seen += " " + point;
  }
  if (!seen.empty())
    return fail("the root of the control groups (v2) is not to be seen here, only a part of them, at" + seen +
                    "; mount the host's /sys/fs/cgroup",
                ENOENT);
  TRY_ASSIGN(bpf::PseudoFs mounted, bpf::open_pseudo_fs("cgroup2"));
  struct stat status{};
  if (::fstat(mounted.root.get(), &status) != 0 || status.st_ino != root_cgroup)
    return fail("the root of the control groups (v2) is not to be seen here: mount the host's /sys/fs/cgroup", ENOENT);
  return std::move(mounted.root);
}

Result<std::unique_ptr<Sensor>> open_on_cgroup(const Context& context) {
  TRY_ASSIGN(const Fd root, open_root_cgroup());
  return open_on("cgroup", context, [&](bpf_program* program) {
    return bpf::Link::own(bpf_program__attach_cgroup(program, root.get()), bpf_program__name(program));
  });
}

constexpr std::string_view cgroup_loss =
    "every packet of the host costs some 30 ns more; who receives a datagram is known only once it answers; between "
    "hosts' "
    "address translation and sockets that are not connected, a query and its answer may not find each other";

Result<std::unique_ptr<Sensor>> open(const Context& context, bpf::LadderReport& report) {
  report.sensor = "udp";
  return open_best({{"fentry", "", [&context] { return open_on("fentry", context, bpf::Link::attach); }},
                    {"cgroup", cgroup_loss, [&context] { return open_on_cgroup(context); }}},
                   context, report);
}

std::unique_ptr<Decoder> make_decoder(Events& events) { return std::make_unique<UdpDecoder>(events); }

}  // namespace

extern const Descriptor udp_descriptor;
const Descriptor udp_descriptor = {"udp", open, make_decoder};

}  // namespace subfloor::sensors
