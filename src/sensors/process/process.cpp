// SPDX-License-Identifier: Apache-2.0
// The process sensor: execs, forks and exits of the whole host, from scheduler tracepoints.
#include <unistd.h>

#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/log.h"
#include "bpf/counters.h"
#include "bpf/link.h"
#include "bpf/skeleton.h"
#include "process.skel.h"
#include "sensors/process/process_records.h"
#include "sensors/rungs.h"
#include "sensors/sensor.h"

namespace subfloor::sensors {
namespace {

using Object = bpf::Skeleton<process_bpf>;

constexpr std::array<std::string_view, process_families> family_names = {"process_exec", "process_fork", "process_exit",
                                                                         "process_exec_arguments"};

class ProcessDecoder final : public Decoder {
 public:
  explicit ProcessDecoder(Events& events) : events_(events) {}

  [[nodiscard]] bool decode(const record_header& header, std::span<const std::byte> record) override {
    switch (header.kind) {
      case process_kind_exec:
        if (auto process = read_exec(record)) return events_.on_exec(std::move(*process), header.time), true;
        return false;
      case process_kind_fork:
        if (auto fork = read_fork(record))
          return events_.on_fork(fork->forked_by, std::move(fork->child), header.time), true;
        return false;
      case process_kind_exit:
        if (const auto exit = read_exit(record)) return events_.on_exit(exit->pid, header.time), true;
        return false;
      default: return false;
    }
  }

 private:
  Events& events_;
};

class ProcessSensor final : public Sensor {
 public:
  // Programs in the order of their families: exec, fork, exit.
  ProcessSensor(Object object, std::vector<bpf::Link> links, std::vector<bpf_program*> programs, Events& events)
      : object_(std::move(object)), links_(std::move(links)), programs_(std::move(programs)), decoder_(events) {}

  void handle(const record_header& header, std::span<const std::byte> record) override {
    if (!decoder_.decode(header, record)) LOG_ERROR("process sensor: malformed record of kind {}", header.kind);
  }

  [[nodiscard]] std::vector<FamilyCounters> counters() const override {
    std::vector<FamilyCounters> all;
    for (std::uint32_t family = 0; family < process_families; ++family) {
      const std::uint64_t missed = family < programs_.size() ? bpf::missed_runs(programs_[family]) : 0;
      all.push_back({std::string(family_names[family]), bpf::sum_over_cpus(bpf_map__fd(object_->maps.counters), family),
                     missed, true});
    }
    return all;
  }

 private:
  Object object_;
  std::vector<bpf::Link> links_;
  std::vector<bpf_program*> programs_;
  ProcessDecoder decoder_;
};

void configure(const Object& object, const Context& context) {
  object->rodata->sensor_id = context.sensor_id;
  object->rodata->agent_tgid = static_cast<std::uint32_t>(getpid());
  context.rings.describe_to(*object->rodata);
}

// One rung: the three programs of this suffix, and no others, loaded and attached.
Result<std::unique_ptr<Sensor>> attach(const Context& context, std::string_view suffix) {
  TRY_ASSIGN(Object object, Object::open());
  configure(object, context);
  TRY(context.rings.share_with(object.object()));
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, object.object()) {
    bpf_program__set_autoload(program, std::string_view(bpf_program__name(program)).ends_with(suffix));
  }
  TRY(object.load());

  std::vector<bpf::Link> links;
  std::vector<bpf_program*> programs;
  for (const std::string_view event : {"exec_", "fork_", "exit_"}) {
    const std::string name = std::string(event) + std::string(suffix);
    programs.push_back(bpf_object__find_program_by_name(object.object(), name.c_str()));
    if (programs.back() == nullptr) return fail("no program " + name);
    TRY_ASSIGN(bpf::Link link, bpf::Link::attach(programs.back()));
    links.push_back(std::move(link));
  }
  return std::make_unique<ProcessSensor>(std::move(object), std::move(links), std::move(programs), context.events);
}

Result<std::unique_ptr<Sensor>> open(const Context& context, bpf::LadderReport& report) {
  report.sensor = "process";
  return open_best({{"tp_btf", "", [&] { return attach(context, "tp_btf"); }},
                    {"raw_tp", "", [&] { return attach(context, "raw_tp"); }}},
                   context, report);
}

std::unique_ptr<Decoder> make_decoder(Events& events) { return std::make_unique<ProcessDecoder>(events); }

}  // namespace

extern const Descriptor process_descriptor;
const Descriptor process_descriptor = {"process", open, make_decoder};

}  // namespace subfloor::sensors
