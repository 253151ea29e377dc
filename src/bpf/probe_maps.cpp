// SPDX-License-Identifier: Apache-2.0
// Map types: creating one is the proof.
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>

#include "bpf/probe.h"

namespace subfloor::bpf::probe {
namespace {

struct Shape {
  bpf_map_type type;
  std::uint32_t key, value, entries, flags = 0;
};

Result<Fd> create(const Shape& shape, bpf_map_create_opts options = {}) {
  options.sz = sizeof options;
  options.map_flags = shape.flags;
  Fd map(bpf_map_create(shape.type, "subfloor_probe", shape.key, shape.value, shape.entries, &options));
  if (!map) return fail_errno("create", errno);
  return map;
}

// Storage that hangs on a kernel object wants to be told the types of its key and value.
Result<Fd> create_storage(bpf_map_type type) {
  const std::unique_ptr<btf, decltype(&btf__free)> types(btf__new_empty(), btf__free);
  if (!types) return fail_errno("describe the map's types", errno);
  const int number = btf__add_int(types.get(), "int", 4, BTF_INT_SIGNED);
  if (number < 0) return fail_errno("describe the map's types", -number);
  if (const int error = btf__load_into_kernel(types.get())) return fail_errno("load the map's types", -error);
  LIBBPF_OPTS(bpf_map_create_opts, options);
  options.btf_fd = static_cast<std::uint32_t>(btf__fd(types.get()));
  options.btf_key_type_id = static_cast<std::uint32_t>(number);
  options.btf_value_type_id = static_cast<std::uint32_t>(number);
  return create({type, 4, 4, 0, BPF_F_NO_PREALLOC}, options);
}

Outcome try_mapped_array() {
  const Result<Fd> map = create({BPF_MAP_TYPE_ARRAY, 4, 8, 1, BPF_F_MMAPABLE});
  if (!map) return outcome(map);
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  void* memory = ::mmap(nullptr, page, PROT_READ | PROT_WRITE, MAP_SHARED, map->get(), 0);
  if (memory == MAP_FAILED) return no(fail_errno("created, but map into memory", errno).value().message);
  ::munmap(memory, page);
  return yes();
}

Outcome try_map_of_maps() {
  const Result<Fd> inner = create({BPF_MAP_TYPE_ARRAY, 4, 8, 1});
  if (!inner) return outcome(inner);
  LIBBPF_OPTS(bpf_map_create_opts, options);
  options.inner_map_fd = static_cast<std::uint32_t>(inner->get());
  return outcome(create({BPF_MAP_TYPE_HASH_OF_MAPS, 4, 4, 1}, options));
}

// Before 5.11 maps counted as locked memory; since then they are charged to the memory cgroup.
Outcome try_large_map() {
  const Result<Fd> map = create({BPF_MAP_TYPE_ARRAY, 4, 4096, 4096});
  if (map) return yes();
  rlimit limit{};
  ::getrlimit(RLIMIT_MEMLOCK, &limit);
  return no(fmt::format("{}; locked memory is limited to {} bytes", map.error().message, limit.rlim_cur));
}

Probe plain(std::string name, Shape shape, std::string used_by, CapabilitySet needs = bpf_only) {
  return {std::move(name), "maps", needs, std::move(used_by), [shape](Workbench&) { return outcome(create(shape)); }};
}

Probe storage(std::string name, bpf_map_type type, std::string used_by) {
  return {std::move(name), "maps", bpf_only, std::move(used_by),
          [type](Workbench&) { return outcome(create_storage(type)); }};
}

}  // namespace

std::vector<Probe> map_probes() {
  const auto page = static_cast<std::uint32_t>(::sysconf(_SC_PAGESIZE));
  return {
      plain("ring buffer", {BPF_MAP_TYPE_RINGBUF, 0, 0, page}, "all records; without it nothing is observed (5.8)"),
      {"16 MB of maps", "maps", bpf_only, "rings and tables of the default sizes",
       [](Workbench&) { return try_large_map(); }},
      plain("per-CPU array", {BPF_MAP_TYPE_PERCPU_ARRAY, 4, 64, 1}, "counters of what was seen and lost"),
      {"memory-mapped array", "maps", bpf_only, "steering of what is copied, without system calls",
       [](Workbench&) { return try_mapped_array(); }},
      plain("LRU hash", {BPF_MAP_TYPE_LRU_HASH, 4, 8, 64}, "state of connections, bounded by itself"),
      storage("task storage", BPF_MAP_TYPE_TASK_STORAGE, "state of a task that goes with it (5.11)"),
      storage("socket storage", BPF_MAP_TYPE_SK_STORAGE, "state of a socket that goes with it"),
      storage("inode storage", BPF_MAP_TYPE_INODE_STORAGE, "rules on files, by inode"),
      storage("cgroup storage", BPF_MAP_TYPE_CGRP_STORAGE, "identity of a workload at its cgroup (6.2)"),
      plain("LPM trie", {BPF_MAP_TYPE_LPM_TRIE, 8, 4, 16, BPF_F_NO_PREALLOC}, "address ranges of network policy"),
      plain("bloom filter", {BPF_MAP_TYPE_BLOOM_FILTER, 0, 4, 64}, "cheap refusal of what no rule names (5.16)"),
      {"hash of maps", "maps", bpf_only, "a policy swapped as a whole", [](Workbench&) { return try_map_of_maps(); }},
      plain("program array", {BPF_MAP_TYPE_PROG_ARRAY, 4, 4, 4}, "programs in a chain"),
      plain("stack trace", {BPF_MAP_TYPE_STACK_TRACE, 4, 64, 64}, "profiles", tracing),
      plain("sockmap", {BPF_MAP_TYPE_SOCKMAP, 4, 4, 4}, "local traffic past the TCP stack", networking),
      plain("sockhash", {BPF_MAP_TYPE_SOCKHASH, 4, 4, 4}, "local traffic past the TCP stack", networking),
  };
}

}  // namespace subfloor::bpf::probe
