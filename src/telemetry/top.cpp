// SPDX-License-Identifier: Apache-2.0
#include "telemetry/top.h"

#include <algorithm>
#include <numeric>
#include <tuple>

#include "telemetry/hashing.h"
#include "telemetry/semantics.h"
#include "telemetry/service_name.h"
#include "telemetry/trace_context.h"

namespace subfloor {
namespace {

constexpr std::size_t max_text = 128;  // bytes

TopNumbers numbers_of(const Call& call) {
  return {.calls = 1,
          .errors = semantics::is_error(call) ? 1U : 0U,
          .partial = call.partial != partial_no ? 1U : 0U,
          .request_bytes = call.request_body_bytes,
          .response_bytes = call.response_body_bytes};
}

std::string peer_of(const Observation& observation) {
  if (!observation.peer_service.empty()) return std::string(observation.peer_service);
  if (observation.peer != nullptr) return std::string(service_name(*observation.peer));
  if (observation.call.kind == Kind::client && !observation.server_name.empty())
    return std::string(observation.server_name);
  const Connection& connection = observation.connection;
  if (connection.transport == Transport::unix_stream)
    return connection.unix_path.empty() ? "unix socket" : connection.unix_path;
  if (!connection.remote.known()) return {};
  // A client's port says nothing of it, a server's does.
  const std::string address = connection.remote.ip_text();
  if (observation.call.kind == Kind::server) return address;
  return (connection.remote.is_ipv4() ? address : "[" + address + "]") + ":" + std::to_string(connection.remote.port);
}

}  // namespace

TopNumbers& TopNumbers::operator+=(const TopNumbers& more) {
  calls += more.calls;
  errors += more.errors;
  partial += more.partial;
  request_bytes += more.request_bytes;
  response_bytes += more.response_bytes;
  return *this;
}

TopNumbers Top::Sums::recent() const {
  TopNumbers sum;
  for (const TopNumbers& one : past) sum += one;
  return sum;
}

Top::Top(const TopOptions& options, Nanoseconds now)
    : options_(options), seed_(IdGenerator().next()), interval_start_(now) {}

Top::KeyView Top::key_of(const Observation& observation) {
  const Call& call = observation.call;
  KeyView key;
  key.service = observation.service.substr(0, max_text);
  key.protocol = call.protocol->family->name;
  key.kind = call.kind;
  if (options_.by == TopBy::peer) {
    peer_ = peer_of(observation);
    key.peer = std::string_view(peer_).substr(0, max_text);
  }
  if (options_.by == TopBy::route || options_.by == TopBy::operation)
    key.operation = semantics::operation_name(call).substr(0, max_text);
  if (options_.by == TopBy::route) {
    key.target = call.protocol->family->http ? observation.route : std::string_view(call.target).substr(0, max_text);
    if (call.protocol->family->http && key.target.empty()) key.target = "{other}";
  }
  FieldHash hash(seed_);
  for (const std::string_view text : {key.service, key.peer, key.operation, key.target, key.protocol}) hash.add(text);
  hash.add(static_cast<std::uint64_t>(key.kind));
  key.hash = hash.value();
  return key;
}

void Top::add(const Observation& observation) {
  const TopNumbers numbers = numbers_of(observation.call);
  const KeyView key = key_of(observation);
  auto found = rows_.find(key);
  if (found == rows_.end()) {
    if (rows_.size() >= options_.max_rows) {
      other_.current += numbers;
      return;
    }
    Key kept{key.hash,
             std::string(key.service),
             std::string(key.peer),
             std::string(key.operation),
             std::string(key.target),
             key.protocol,
             key.kind};
    found = rows_.try_emplace(std::move(kept)).first;
  }
  Entry& entry = found->second;
  entry.sums.current += numbers;
  if (semantics::duration_known(observation.call)) entry.durations[0].record(observation.call.duration());
}

TopRow Top::row_of(const Key& key, const Entry& entry, std::size_t ended) {
  TopRow row{key.service,      key.peer,    key.operation,          key.target,
             key.protocol,     key.kind,    entry.sums.past[ended], entry.sums.recent(),
             entry.sums.total, std::nullopt};
  QuantileSketch durations = entry.durations[0];
  durations.add(entry.durations[1]);
  if (durations.count() > 0)
    row.duration = {durations.quantile(0.50), durations.quantile(0.95), durations.quantile(0.99)};
  return row;
}

TopSnapshot Top::next(Nanoseconds now, std::size_t rows) {
  lengths_[at_] = now > interval_start_ ? now - interval_start_ : 0;
  interval_start_ = now;
  const std::size_t ended = at_;
  end_interval();

  TopSnapshot result;
  result.interval = lengths_[ended];
  result.recent_time = std::accumulate(lengths_.begin(), lengths_.end(), Nanoseconds{0});
  result.other_last = other_.past[ended];
  result.other_recent = other_.recent();
  result.other_total = other_.total;
  result.other_total += gone_;
  result.last = result.other_last;
  result.recent = result.other_recent;
  result.total = result.other_total;
  result.rows.reserve(rows_.size());
  for (const auto& [key, entry] : rows_) {
    result.rows.push_back(row_of(key, entry, ended));
    const TopRow& row = result.rows.back();
    result.last += row.last;
    result.recent += row.recent;
    result.total += row.total;
  }
  const auto rank = [](const TopRow& row) {
    return std::tie(row.service, row.protocol, row.kind, row.operation, row.target, row.peer);
  };
  std::sort(result.rows.begin(), result.rows.end(), [&](const TopRow& a, const TopRow& b) {
    if (a.recent.calls != b.recent.calls) return a.recent.calls > b.recent.calls;
    return a.total.calls != b.total.calls ? a.total.calls > b.total.calls : rank(a) < rank(b);
  });
  for (std::size_t i = rows; i < result.rows.size(); ++i) {
    ++result.other_rows;
    result.other_last += result.rows[i].last;
    result.other_recent += result.rows[i].recent;
    result.other_total += result.rows[i].total;
  }
  if (result.rows.size() > rows) result.rows.resize(rows);
  forget_idle();
  return result;
}

void Top::end_interval() {
  const auto end = [&](Sums& sums) {
    sums.past[at_] = sums.current;
    sums.total += sums.current;
    sums.current = {};
  };
  end(other_);
  for (auto& [key, entry] : rows_) {
    entry.idle = entry.sums.current.calls == 0 ? entry.idle + 1 : 0;
    end(entry.sums);
  }
  at_ = (at_ + 1) % period;
}

// Rows that had no call for long go, and sooner where there is no room left.
void Top::forget_idle() {
  const std::size_t patience = rows_.size() >= options_.max_rows ? period : forgotten;
  std::erase_if(rows_, [&](const auto& row) {
    if (row.second.idle < patience) return false;
    gone_ += row.second.sums.total;
    return true;
  });
  // The halves of the period change places only after they have been told.
  if (++intervals_ % (period / 2) != 0) return;
  for (auto& [key, entry] : rows_) {
    entry.durations[1] = entry.durations[0];
    entry.durations[0].clear();
  }
}

}  // namespace subfloor
