// SPDX-License-Identifier: Apache-2.0
// The tls sensor: programs at the functions of TLS libraries, in whatever files there are of them.
#include <algorithm>
#include <array>
#include <iterator>
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
#include "sensors/tls/decoder.h"
#include "sensors/tls/libraries.h"
#include "sensors/tls/tls_abi.h"
#include "tls.skel.h"

namespace subfloor::sensors {
namespace {

using Object = bpf::Skeleton<tls_bpf>;
using tls::Attacher;
using tls::Libraries;

constexpr std::array<std::string_view, TLS_FAMILIES> family_names = {"tls_read", "tls_write", "go_on_behalf",
                                                                     "go_handler"};

// Attaches to a function of this program that nobody calls: whether it can be done at all is not to be found out at
// somebody's library.
Result<std::vector<bpf::Link>> try_out(const Object& object, const Attacher& attacher) {
  TRY_ASSIGN(const tls::OwnFunction own, tls::find_own_function());
  const std::array offsets{own.offset};
  std::vector<bpf::Link> all;
  for (const bool at_return : {false, true}) {
    bpf_program* program = at_return ? object->progs.int_returns : object->progs.session_ends;
    TRY_ASSIGN(std::vector<bpf::Link> links,
               attacher.attach(program, {.file = own.file.get(), .offsets = offsets, .at_return = at_return}));
    std::ranges::move(links, std::back_inserter(all));
  }
  return all;
}

class TlsSensor final : public Sensor {
 public:
  TlsSensor(Object object, Attacher attacher, std::vector<bpf::Link> tried, Events& events)
      : object_(std::move(object)),
        tried_(std::move(tried)),
        decoder_(events),
        libraries_({.attacher = attacher,
                    .program =
                        [this](std::string_view name) {
                          return bpf_object__find_program_by_name(object_.object(), std::string(name).c_str());
                        },
                    .can_attach = [this, attacher] { return try_again(attacher); },
                    .since_map = bpf_map__fd(object_->maps.attached_since),
                    .followed_map = bpf_map__fd(object_->maps.followed_since)}) {
    libraries_.take_stock();
  }

  void handle(const record_header& header, std::span<const std::byte> record) override {
    if (!decoder_.decode(header, record)) LOG_ERROR("tls sensor: malformed record of kind {}", header.kind);
  }

  [[nodiscard]] std::vector<FamilyCounters> counters() const override {
    std::vector<FamilyCounters> all;
    for (std::uint32_t family = 0; family < TLS_FAMILIES; ++family)
      all.push_back({std::string(family_names[family]), bpf::sum_over_cpus(bpf_map__fd(object_->maps.counters), family),
                     0, false});
    return all;
  }

  [[nodiscard]] ProcessWatcher* watcher() override { return &libraries_; }

  ~TlsSensor() override {
    std::vector<bpf::Link> links = libraries_.take_links();
    std::ranges::move(tried_, std::back_inserter(links));
    bpf::detach(std::move(links));
  }

 private:
  bool try_again(const Attacher& attacher) {
    auto links = try_out(object_, attacher);
    if (links) std::ranges::move(*links, std::back_inserter(tried_));
    return bool(links);
  }

  Object object_;
  std::vector<bpf::Link> tried_;  // kept: to detach takes long, and is done for all together
  TlsDecoder decoder_;
  Libraries libraries_;
};

Result<std::unique_ptr<Sensor>> open_on(Attacher::How how, const Context& context) {
  const Attacher attacher(how);
  TRY_ASSIGN(Object object, Object::open());
  object->rodata->sensor_id = context.sensor_id;
  bpf::tell_who_is_the_agent(*object->rodata);
  context.rings.describe_to(*object->rodata);
  TRY(context.rings.share_with(object.object()));
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, object.object()) attacher.prepare(program);
  TRY(object.load());
  TRY_ASSIGN(std::vector<bpf::Link> tried, try_out(object, attacher));
  return std::make_unique<TlsSensor>(std::move(object), attacher, std::move(tried), context.events);
}

constexpr std::string_view single_loss = "each function attached to takes a descriptor of its own";

Result<std::unique_ptr<Sensor>> open(const Context& context, bpf::LadderReport& report) {
  report.sensor = "tls";
  return open_best({{"uprobe.multi", "", [&context] { return open_on(Attacher::How::multi, context); }},
                    {"uprobe", single_loss, [&context] { return open_on(Attacher::How::single, context); }}},
                   context, report);
}

std::unique_ptr<Decoder> make_decoder(Events& events) { return std::make_unique<TlsDecoder>(events); }

}  // namespace

extern const Descriptor tls_descriptor;
const Descriptor tls_descriptor = {"tls", open, make_decoder};

}  // namespace subfloor::sensors
