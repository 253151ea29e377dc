// SPDX-License-Identifier: Apache-2.0
// The syscalls sensor: what returns of the system calls that the settings name, from one tracepoint.
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <sys/random.h>

#include <array>
#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/log.h"
#include "bpf/counters.h"
#include "bpf/link.h"
#include "bpf/skeleton.h"
#include "bpf/who.h"
#include "sensors/rungs.h"
#include "sensors/sensor.h"
#include "sensors/syscalls/records.h"
#include "sensors/syscalls/switchboard.h"
#include "sensors/syscalls/table.h"

#include "syscalls.skel.h"

namespace subfloor::sensors {
namespace {

using Object = bpf::Skeleton<syscalls_bpf>;

constexpr std::array<std::string_view, SYSCALLS_FAMILIES> family_names = {"syscalls_open", "syscalls_transfer",
                                                                          "syscalls_control"};

class SyscallsDecoder final : public Decoder {
 public:
  explicit SyscallsDecoder(Events& events) : events_(events) {}

  [[nodiscard]] bool decode(const record_header& header, std::span<const std::byte> record) override {
    if (header.kind != SYSCALLS_CALL) return false;
    const auto call = reader_.read(record);
    if (call) events_.on_syscall(*call);
    return call.has_value();
  }

 private:
  Events& events_;
  SyscallReader reader_;
};

// Those of one rung.
struct Programs {
  bpf_program* exits = nullptr;
  bpf_program* requests = nullptr;  // of io_uring; null where the kernel has no tracepoint for them
};

class SyscallsSensor final : public Sensor, public SyscallFilter {
 public:
  SyscallsSensor(Object object, Programs programs, Events& events)
      : object_(std::move(object)), programs_(programs), decoder_(events) {}

  void handle(const record_header& header, std::span<const std::byte> record) override {
    if (!decoder_.decode(header, record)) LOG_ERROR("syscalls sensor: malformed record of kind {}", header.kind);
  }

  [[nodiscard]] std::vector<FamilyCounters> counters() const override {
    std::uint64_t missed = bpf::missed_runs(programs_.exits);  // of which family, nobody knows
    if (programs_.requests != nullptr) missed += bpf::missed_runs(programs_.requests);
    std::vector<FamilyCounters> all;
    for (std::uint32_t family = 0; family < SYSCALLS_FAMILIES; ++family) {
      const bool control = family == SYSCALLS_FAMILY_CONTROL;
      all.push_back({std::string(family_names[family]), bpf::sum_over_cpus(bpf_map__fd(object_->maps.counters), family),
                     control ? missed : 0, control});
    }
    return all;
  }

  [[nodiscard]] SyscallFilter* syscall_filter() override { return this; }

  [[nodiscard]] Result<> reconfigure(const Settings& settings) override {
    TRY(check_wanted(settings.syscalls));
    tell_wanted(*object_->bss, settings.syscalls);
    TRY(attach_where(!settings.syscalls.empty(), programs_.exits, exits_));
    const bool by_requests = programs_.requests != nullptr && any_by_io_uring(settings.syscalls);
    return attach_where(by_requests, programs_.requests, requests_);
  }

  void ignore(const FileName& name, std::uint8_t accesses) override {
    if (!name.known()) return;
    const syscalls_name key = name_of(name);
    const syscalls_verdict verdict{epoch_of(name), accesses};
    bpf_map_update_elem(bpf_map__fd(object_->maps.verdicts), &key, &verdict, BPF_ANY);
  }

  void forget_all() override { std::atomic_ref(object_->data->epoch).fetch_add(1); }

 private:
  static Result<> attach_where(bool wanted, bpf_program* program, std::optional<bpf::Link>& link) {
    if (!wanted) link.reset();
    if (!wanted || link) return {};
    TRY_ASSIGN(link, bpf::Link::attach(program));
    return {};
  }

  Object object_;
  Programs programs_;
  SyscallsDecoder decoder_;
  std::optional<bpf::Link> exits_, requests_;  // last: detached first
};

Result<std::uint64_t> random_seed() {
  std::uint64_t seed = 0;
  if (getrandom(&seed, sizeof seed, 0) != sizeof seed) return fail_errno("get random bytes", errno);
  return seed;
}

void tell_table(syscalls_bpf::syscalls_bpf__bss& bss) {
  for (const SyscallEntry& entry : syscall_table()) {
    bss.shapes[entry.native] = entry.shape;
    for (const std::uint16_t number : entry.ia32)
      if (number != 0) bss.native_of_ia32[number] = entry.native;
  }
  for (const SocketcallEntry& entry : socketcall_table()) {
    bss.native_of_socketcall[entry.call] = entry.native;
    bss.arguments_of_socketcall[entry.call] = entry.arguments;
  }
  for (const UringEntry& entry : uring_table()) bss.native_of_uring[entry.op] = entry.native;
}

// Of the kernel's types, that of this tracepoint's arguments.
bool has_tracepoint(const btf* types, const bpf_program* program) {
  const std::string_view section = bpf_program__section_name(program);
  const std::string type = "btf_trace_" + std::string(section.substr(section.find('/') + 1));
  return btf__find_by_name_kind(types, type.c_str(), BTF_KIND_TYPEDEF) > 0;
}

// Has those loaded that are of the rung, whose names end so, and that the kernel has the tracepoint of.
Programs choose_programs(const Object& object, std::string_view suffix) {
  const std::unique_ptr<btf, decltype(&btf__free)> types(btf__load_vmlinux_btf(), btf__free);
  Programs chosen;
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, object.object()) {
    const std::string_view name = bpf_program__name(program);
    const bool of_requests = name.starts_with("uring_");
    const bool load = name.ends_with(suffix) && (!of_requests || has_tracepoint(types.get(), program));
    bpf_program__set_autoload(program, load);
    if (load) (of_requests ? chosen.requests : chosen.exits) = program;
  }
  return chosen;
}

// One rung: the programs of this suffix, and no others. Attached once something is wanted; what attaching takes, the
// agent may do without once they are loaded.
Result<std::unique_ptr<Sensor>> open_on(const Context& context, std::string_view suffix) {
  TRY_ASSIGN(Object object, Object::open());
  object->rodata->sensor_id = context.sensor_id;
  TRY_ASSIGN(object->rodata->chain_seed, random_seed());
  bpf::tell_who_is_the_agent(*object->rodata);
  context.rings.describe_to(*object->rodata);
  TRY(context.rings.share_with(object.object()));
  for (syscalls_shape& shape : object->bss->shapes) shape.family = SYSCALLS_FAMILY_CONTROL;
  tell_table(*object->bss);
  bpf_map__set_max_entries(object->maps.verdicts, std::max(context.settings.ignored_names, 1U));
  const Programs programs = choose_programs(object, suffix);
  TRY(object.load());
  auto sensor = std::make_unique<SyscallsSensor>(std::move(object), programs, context.events);
  TRY(sensor->reconfigure(context.settings));
  return sensor;
}

Result<std::unique_ptr<Sensor>> open(const Context& context, bpf::LadderReport& report) {
  report.sensor = "syscalls";
  return open_best({{"tp_btf", "", [&] { return open_on(context, "tp_btf"); }},
                    {"raw_tp", "", [&] { return open_on(context, "raw_tp"); }}},
                   context, report);
}

std::unique_ptr<Decoder> make_decoder(Events& events) { return std::make_unique<SyscallsDecoder>(events); }

}  // namespace

extern const Descriptor syscalls_descriptor;
const Descriptor syscalls_descriptor = {"syscalls", open, make_decoder};

}  // namespace subfloor::sensors
