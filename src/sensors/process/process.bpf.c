/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The life of processes: exec, fork, and the exit of the last thread. */
#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "bpf/kernel/rings.bpf.h"
#include "sensors/process/process_abi.h"
#include "sensors/process/process_facts.bpf.h"
#include "sensors/process/process_paths.bpf.h"

COUNTERS(process_families);

/* Each CPU has one; the tracepoint's recursion guard keeps a second writer out. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct exec_draft);
} exec_drafts SEC(".maps");

struct process_key {
	__u32 pid;
	__u32 padding;
	__u64 start_time;
};

/* Who has exited a moment ago; only for kernels that do not say which thread was the last. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, struct process_key);
	__type(value, __u8);
} exited SEC(".maps");

static __always_inline struct family_counters *count_seen(__u32 family)
{
	struct family_counters *count = bpf_map_lookup_elem(&counters, &family);

	if (count)
		count->seen++;
	return count;
}

static __always_inline void append_executable(struct exec_draft *draft, struct task_struct *task,
					      struct linux_binprm *binprm)
{
	struct file *file = BPF_CORE_READ(task, mm, exe_file);
	__u32 start = written(draft);

	fill_executable_facts(&draft->record, file);
	if (draft->record.flags & process_executable_in_memory) {
		draft->record.flags |= process_executable_as_given;
		append_text(draft, BPF_CORE_READ(file, f_path.dentry, d_name.name));
	} else if (!append_path(draft, BPF_CORE_READ(file, f_path.dentry), BPF_CORE_READ(file, f_path.mnt))) {
		draft->record.flags |= process_executable_as_given;
		append_text(draft, BPF_CORE_READ(binprm, filename));
	}
	draft->record.executable = since(draft, start);
}

static __always_inline void append_directory(struct exec_draft *draft, struct task_struct *task)
{
	struct fs_struct *fs = BPF_CORE_READ(task, fs);
	__u32 start = written(draft);

	if (append_path(draft, BPF_CORE_READ(fs, pwd.dentry), BPF_CORE_READ(fs, pwd.mnt)))
		draft->record.flags |= process_directory_known;
	draft->record.directory = since(draft, start);
}

static __always_inline void append_cgroup(struct exec_draft *draft, struct task_struct *task)
{
	__u32 start = written(draft);

	if (!append_cgroup_path(draft, task))
		draft->record.flags |= process_cgroup_truncated;
	draft->record.cgroup = since(draft, start);
}

static __always_inline void append_arguments(struct exec_draft *draft, struct task_struct *task)
{
	struct family_counters *count = count_seen(process_family_arguments);
	struct mm_struct *mm = BPF_CORE_READ(task, mm);
	unsigned long start = BPF_CORE_READ(mm, arg_start);
	__u64 length = BPF_CORE_READ(mm, arg_end) - start;
	__u32 at = written(draft);

	draft->record.arguments = (struct process_slice){.offset = at};
	if (!count || at > TAIL_SIZE - PROCESS_MAX_ARGUMENTS)
		return;
	if (length > PROCESS_MAX_ARGUMENTS) {
		length = PROCESS_MAX_ARGUMENTS;
		draft->record.flags |= process_arguments_truncated;
	}
	/* No page is brought in here: exec has just written these, but memory pressure may have taken them since. */
	if (bpf_probe_read_user(draft->tail + at, length, (const void *)start)) {
		draft->record.flags |= process_arguments_unreadable;
		count->unreadable++;
		return;
	}
	count->submitted++;
	count->bytes += length;
	draft->record.arguments.length = length;
	draft->at = at + length;
}

static __always_inline int on_exec(struct task_struct *task, struct linux_binprm *binprm)
{
	__u64 now = bpf_ktime_get_ns();
	__u32 zero = 0, end, pid = tgid_of(task);
	struct family_counters *count = pid ? count_seen(process_family_exec) : NULL;
	struct exec_draft *draft = bpf_map_lookup_elem(&exec_drafts, &zero);
	struct process_exec_record *record;

	if (!count || !draft)
		return 0;
	record = &draft->record;
	record->pid = pid;
	record->parent_pid = tgid_of(BPF_CORE_READ(task, real_parent));
	record->uid = BPF_CORE_READ(task, cred, uid.val);
	record->flags = 0;
	record->start_time = BPF_CORE_READ(task, start_boottime);
	record->cgroup_id = BPF_CORE_READ(task, cgroups, dfl_cgrp, kn, id);
	BPF_CORE_READ_INTO(&record->comm, task, comm);
	fill_process_facts(record, task);

	draft->at = 0;
	append_executable(draft, task, binprm);
	append_directory(draft, task);
	append_cgroup(draft, task);
	append_arguments(draft, task);
	end = draft->at;
	if (end > TAIL_SIZE)
		return 0; /* cannot be; the verifier does not know */
	fill_header(&record->header, now, sizeof(*record) + end, process_kind_exec);
	submit_control(count, record, sizeof(*record) + end);
	return 0;
}

static __always_inline int on_fork(struct task_struct *parent, struct task_struct *child)
{
	struct process_fork_record record = {};
	struct family_counters *count;

	if (BPF_CORE_READ(child, tgid) != BPF_CORE_READ(child, pid))
		return 0; /* a thread */
	record.pid = tgid_of(child);
	if (!record.pid)
		return 0;
	count = count_seen(process_family_fork);
	if (!count)
		return 0;
	record.forked_by = tgid_of(parent);
	record.parent_pid = tgid_of(BPF_CORE_READ(child, real_parent));
	record.uid = BPF_CORE_READ(child, cred, uid.val);
	record.start_time = BPF_CORE_READ(child, start_boottime);
	BPF_CORE_READ_INTO(&record.comm, child, comm);
	fill_header(&record.header, bpf_ktime_get_ns(), sizeof(record), process_kind_fork);
	submit_control(count, &record, sizeof(record));
	return 0;
}

/* The tracepoint since 6.16 (sched: add group_dead to sched_process_exit). */
typedef void (*btf_trace_sched_process_exit___with_group_dead)(void *, struct task_struct *, bool);

static __always_inline bool knows_last_thread(void)
{
	return bpf_core_type_matches(btf_trace_sched_process_exit___with_group_dead);
}

/* Two threads that exit at the same time can both find nobody alive: the first to get here is taken. */
static __always_inline bool first_to_find_nobody_alive(struct task_struct *task)
{
	struct process_key key = {};
	__u8 value = 1;

	if (BPF_CORE_READ(task, signal, live.counter) != 0)
		return false;
	key.pid = BPF_CORE_READ(task, tgid);
	key.start_time = BPF_CORE_READ(task, group_leader, start_boottime);
	return bpf_map_update_elem(&exited, &key, &value, BPF_NOEXIST) == 0;
}

static __always_inline int on_exit(__u64 *ctx)
{
	struct task_struct *task = (struct task_struct *)ctx[0];
	struct process_exit_record record = {};
	struct family_counters *count;

	if (knows_last_thread() ? !(ctx[1] & 1) : !first_to_find_nobody_alive(task))
		return 0;
	record.pid = tgid_of(task);
	if (!record.pid)
		return 0;
	count = count_seen(process_family_exit);
	if (!count)
		return 0;
	record.start_time = BPF_CORE_READ(task, group_leader, start_boottime);
	fill_header(&record.header, bpf_ktime_get_ns(), sizeof(record), process_kind_exit);
	submit_control(count, &record, sizeof(record));
	return 0;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(exec_tp_btf, struct task_struct *task, pid_t old_pid, struct linux_binprm *binprm)
{
	return on_exec(task, binprm);
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(fork_tp_btf, struct task_struct *parent, struct task_struct *child)
{
	return on_fork(parent, child);
}

SEC("tp_btf/sched_process_exit")
int exit_tp_btf(__u64 *ctx)
{
	return on_exit(ctx);
}

SEC("raw_tp/sched_process_exec")
int BPF_PROG(exec_raw_tp, struct task_struct *task, pid_t old_pid, struct linux_binprm *binprm)
{
	return on_exec(task, binprm);
}

SEC("raw_tp/sched_process_fork")
int BPF_PROG(fork_raw_tp, struct task_struct *parent, struct task_struct *child)
{
	return on_fork(parent, child);
}

SEC("raw_tp/sched_process_exit")
int exit_raw_tp(__u64 *ctx)
{
	return on_exit(ctx);
}

char license_text[] SEC("license") = "Dual BSD/GPL";
