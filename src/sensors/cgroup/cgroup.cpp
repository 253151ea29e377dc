// SPDX-License-Identifier: Apache-2.0
// The cgroup sensor: cgroups that are made and removed, of the whole host.
#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/log.h"
#include "bpf/counters.h"
#include "bpf/link.h"
#include "bpf/skeleton.h"
#include "cgroup.skel.h"
#include "sensors/cgroup/cgroup_abi.h"
#include "sensors/cgroup/cgroup_records.h"
#include "sensors/rungs.h"
#include "sensors/sensor.h"

namespace subfloor::sensors {
namespace {

using Object = bpf::Skeleton<cgroup_bpf>;

constexpr std::array<std::string_view, cgroup_families> family_names = {"cgroup_created", "cgroup_removed"};

class CgroupDecoder final : public Decoder {
 public:
  explicit CgroupDecoder(Events& events) : events_(events) {}

  [[nodiscard]] bool decode(const record_header& header, std::span<const std::byte> record) override {
    const auto path = read_cgroup_path(record);
    if (!path || (header.kind != cgroup_kind_created && header.kind != cgroup_kind_removed)) return false;
    if (header.kind == cgroup_kind_created) {
      events_.on_cgroup_created(*path, header.time);
    } else {
      events_.on_cgroup_removed(*path, header.time);
    }
    return true;
  }

 private:
  Events& events_;
};

class CgroupSensor final : public Sensor {
 public:
  // Programs in the order of their families.
  CgroupSensor(Object object, std::vector<bpf::Link> links, std::vector<bpf_program*> programs, Events& events)
      : object_(std::move(object)), links_(std::move(links)), programs_(std::move(programs)), decoder_(events) {}

  void handle(const record_header& header, std::span<const std::byte> record) override {
    if (!decoder_.decode(header, record)) LOG_ERROR("cgroup sensor: malformed record of kind {}", header.kind);
  }

  [[nodiscard]] std::vector<FamilyCounters> counters() const override {
    std::vector<FamilyCounters> all;
    for (std::uint32_t family = 0; family < cgroup_families; ++family)
      all.push_back({std::string(family_names[family]), bpf::sum_over_cpus(bpf_map__fd(object_->maps.counters), family),
                     bpf::missed_runs(programs_[family]), true});
    return all;
  }

 private:
  Object object_;
  std::vector<bpf::Link> links_;
  std::vector<bpf_program*> programs_;
  CgroupDecoder decoder_;
};

// One rung: the programs of this suffix, and no others, loaded and attached.
Result<std::unique_ptr<Sensor>> attach(const Context& context, std::string_view suffix) {
  TRY_ASSIGN(Object object, Object::open());
  object->rodata->sensor_id = context.sensor_id;
  TRY(context.rings.share_with(object.object()));
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, object.object()) {
    bpf_program__set_autoload(program, std::string_view(bpf_program__name(program)).ends_with(suffix));
  }
  TRY(object.load());

  std::vector<bpf::Link> links;
  std::vector<bpf_program*> programs;
  for (const std::string_view event : {"created_", "removed_"}) {
    const std::string name = std::string(event) + std::string(suffix);
    programs.push_back(bpf_object__find_program_by_name(object.object(), name.c_str()));
    if (programs.back() == nullptr) return fail("no program " + name);
    TRY_ASSIGN(bpf::Link link, bpf::Link::attach(programs.back()));
    links.push_back(std::move(link));
  }
  return std::make_unique<CgroupSensor>(std::move(object), std::move(links), std::move(programs), context.events);
}

Result<std::unique_ptr<Sensor>> open(const Context& context, bpf::LadderReport& report) {
  report.sensor = "cgroup";
  return open_best({{"tp_btf", "", [&] { return attach(context, "tp_btf"); }},
                    {"raw_tp", "", [&] { return attach(context, "raw_tp"); }}},
                   context, report);
}

std::unique_ptr<Decoder> make_decoder(Events& events) { return std::make_unique<CgroupDecoder>(events); }

}  // namespace

extern const Descriptor cgroup_descriptor;
const Descriptor cgroup_descriptor = {"cgroup", open, make_decoder};

}  // namespace subfloor::sensors
