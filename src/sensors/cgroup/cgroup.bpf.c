/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* cgroups that are made and removed. Runtimes make a container's before anything runs in it. */
#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "bpf/kernel/rings.bpf.h"
#include "sensors/cgroup/cgroup_abi.h"

COUNTERS(cgroup_families);

/* A record as it grows. Each CPU has one; the tracepoint's recursion guard keeps a second writer out. */
struct cgroup_draft {
	struct cgroup_record record;
	char path[CGROUP_MAX_PATH];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, cgroup_families); /* the tracepoints are two, and each guards itself alone */
	__type(key, __u32);
	__type(value, struct cgroup_draft);
} drafts SEC(".maps");

static __always_inline int tell(__u32 family, __u8 kind, struct cgroup *cgroup, const char *path)
{
	struct family_counters *count = bpf_map_lookup_elem(&counters, &family);
	struct cgroup_draft *draft = bpf_map_lookup_elem(&drafts, &family);
	long length;
	__u32 size;

	if (!count || !draft)
		return 0;
	count->seen++;
	length = bpf_probe_read_kernel_str(draft->path, sizeof(draft->path), path);
	if (length <= 0 || length > CGROUP_MAX_PATH) {
		count->unreadable++;
		length = 1;
	}
	draft->record.path_size = length - 1;
	draft->record.level = BPF_CORE_READ(cgroup, level);
	size = sizeof(draft->record) + length - 1;
	if (size > sizeof(*draft))
		return 0; /* cannot be; the verifier does not know */
	fill_header(&draft->record.header, bpf_ktime_get_ns(), size, kind);
	/* These are few, and whoever asks about the container has only until its first process runs: the reader is woken. */
	if (bpf_ringbuf_output(&control_ring, draft, size, BPF_RB_FORCE_WAKEUP))
		count->ring_full++;
	else
		count->submitted++;
	return 0;
}

SEC("tp_btf/cgroup_mkdir")
int BPF_PROG(created_tp_btf, struct cgroup *cgroup, const char *path)
{
	return tell(cgroup_family_created, cgroup_kind_created, cgroup, path);
}

SEC("tp_btf/cgroup_rmdir")
int BPF_PROG(removed_tp_btf, struct cgroup *cgroup, const char *path)
{
	return tell(cgroup_family_removed, cgroup_kind_removed, cgroup, path);
}

SEC("raw_tp/cgroup_mkdir")
int BPF_PROG(created_raw_tp, struct cgroup *cgroup, const char *path)
{
	return tell(cgroup_family_created, cgroup_kind_created, cgroup, path);
}

SEC("raw_tp/cgroup_rmdir")
int BPF_PROG(removed_raw_tp, struct cgroup *cgroup, const char *path)
{
	return tell(cgroup_family_removed, cgroup_kind_removed, cgroup, path);
}

char license_text[] SEC("license") = "Dual BSD/GPL";
