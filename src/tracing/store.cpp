// SPDX-License-Identifier: Apache-2.0
#include "tracing/store.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>

namespace subfloor::tracing {
namespace {

constexpr std::size_t longest_text = 160;
constexpr std::size_t alignment = 8;

std::size_t size_of(std::size_t entry, const std::uint8_t (&text)[4]) {
  const std::size_t size = entry + text[0] + text[1] + text[2] + text[3];
  return (size + alignment - 1) / alignment * alignment;
}

}  // namespace

void Store::drop_oldest() {
  Entry oldest;
  std::memcpy(&oldest, ring_.data() + first_, sizeof oldest);
  first_ += size_of(sizeof oldest, oldest.text);
  --count_;
  if (next_ <= first_ && first_ >= wrap_) first_ = 0;
}

void Store::add(const Observation& observation, const TraceId& trace, SpanId span, SpanId parent) {
  if (!keeps()) return;
  const Call& call = observation.call;
  const std::array<std::string_view, 4> texts{
      observation.service, call.operation, call.path.empty() ? std::string_view(call.target) : call.path, call.error};
  Entry entry{.trace = trace,
              .span = span,
              .parent = parent,
              .start = call.start,
              .end = std::max(call.start, call.end),
              .protocol = call.protocol,
              .pid = observation.process.pid,
              .status = call.status.value_or(-1),
              .remote = observation.connection.remote,
              .kind = call.kind,
              .partial = call.partial,
              .text = {}};
  for (std::size_t i = 0; i < texts.size(); ++i)
    entry.text[i] = static_cast<std::uint8_t>(std::min(texts[i].size(), longest_text));
  const std::size_t size = size_of(sizeof entry, entry.text);
  if (next_ + size > ring_.size()) {  // what lies behind goes, and the beginning is next
    while (count_ > 0 && first_ >= next_) drop_oldest();
    wrap_ = next_;
    next_ = 0;
    if (count_ == 0) first_ = 0;
  }
  while (count_ > 0 && first_ >= next_ && first_ < next_ + size) drop_oldest();
  if (count_ == 0) {
    first_ = next_ = 0;
    wrap_ = ring_.size();
  }
  char* out = ring_.data() + next_;
  std::memcpy(out, &entry, sizeof entry);
  out += sizeof entry;
  for (std::size_t i = 0; i < texts.size(); ++i) out = std::copy_n(texts[i].begin(), entry.text[i], out);
  next_ += size;
  ++count_;
}

std::vector<KeptCall> Store::find(const TraceId& trace) const {
  std::vector<KeptCall> found;
  std::size_t at = first_;
  for (std::size_t i = 0; i < count_; ++i) {
    if (next_ <= first_ && at >= wrap_) at = 0;
    Entry entry;
    std::memcpy(&entry, ring_.data() + at, sizeof entry);
    const char* text = ring_.data() + at + sizeof entry;
    at += size_of(sizeof entry, entry.text);
    if (entry.trace != trace) continue;
    KeptCall& call = found.emplace_back();
    call.span = entry.span;
    call.parent = entry.parent;
    call.start = entry.start;
    call.end = entry.end;
    call.kind = entry.kind;
    call.protocol = entry.protocol;
    call.pid = entry.pid;
    call.status = entry.status;
    call.partial = entry.partial;
    call.remote = entry.remote;
    std::size_t part = 0;
    for (std::string* into : {&call.service, &call.operation, &call.target, &call.error}) {
      into->assign(text, entry.text[part]);
      text += entry.text[part++];
    }
  }
  std::stable_sort(found.begin(), found.end(), [](const KeptCall& a, const KeptCall& b) { return a.start < b.start; });
  return found;
}

}  // namespace subfloor::tracing
