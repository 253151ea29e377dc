// SPDX-License-Identifier: Apache-2.0
#include "tracing/tracer.h"

namespace subfloor::tracing {

// What was asked for before the last that the goroutine received was asked for another request: a call that it gave up
// may still be written while it serves the next.
std::uint32_t Tracer::principal_of(const Transfer& transfer) {
  if (!transfer.outbound) return transfer.tid;
  const Connection& connection = transfer.connection;
  const Errand* const errand = errands_.find(connection.key, connection.tls, transfer.position);
  if (errand == nullptr || errand->pid != transfer.pid) return transfer.tid;
  const std::uint32_t task = task_of(errand->pid, transfer.tid, errand->goroutine);
  const auto thread = threads_.find(task);
  return thread == threads_.end() || errand->asked < thread->second.when ? transfer.tid : task;
}

// Another goroutine read it. Whoever was at the same place in memory before is no more.
void Tracer::on_handler(const Handler& handler) {
  const std::uint32_t task = task_of(handler.pid, 0, handler.goroutine);
  threads_.erase(task);
  const auto link = links_.find(handler.socket);
  if (link == links_.end() || handler.stream == 0) return;
  for (const Handle handle : link->second.serving) {
    const Request* const request = requests_.find(handle);
    if (request == nullptr || request->stream != handler.stream || request->pid != handler.pid) continue;
    Thread& thread = thread_of(task);
    thread.serving = handle;
    thread.when = handler.when;
  }
}

}  // namespace subfloor::tracing
