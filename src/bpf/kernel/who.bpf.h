/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Whose doing something is. An agent in a pid namespace of its own, as the sidecar of a pod, knows processes by the pids
 * that they have there, and leaves out all that are not in it.
 */
#pragma once

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

/* Set by the loader before load. */
const volatile __u32 agent_tgid;          /* whose own activity is left out */
const volatile __u64 agent_pid_namespace; /* inode; 0: that of the host */
const volatile __u64 agent_pid_device;    /* of the inode */
const volatile __u32 agent_net_namespace;

/* Not inlined, so that it adds nothing to the stack of those for whom it does not matter. */
static __noinline __u64 current_in_namespace(void)
{
	struct bpf_pidns_info ids = {};

	if (bpf_get_ns_current_pid_tgid(agent_pid_device, agent_pid_namespace, &ids, sizeof(ids)))
		return 0;
	return (__u64)ids.tgid << 32 | ids.pid;
}

/* tgid and tid of who runs now; 0 where that is nobody of the agent's namespace. */
static __always_inline __u64 current_process(void)
{
	return agent_pid_namespace ? current_in_namespace() : bpf_get_current_pid_tgid();
}

static __always_inline bool not_observed(__u64 who)
{
	return who >> 32 == agent_tgid || (agent_pid_namespace && !who);
}

static __noinline __u32 tgid_in_namespace(const struct task_struct *task)
{
	const struct pid *pid = BPF_CORE_READ(task, group_leader, thread_pid);
	__u32 level = BPF_CORE_READ(pid, level), nr;
	const struct upid *innermost;

	innermost = (const void *)pid + bpf_core_field_offset(struct pid, numbers) +
		    (__u64)level * bpf_core_type_size(struct upid);
	if (BPF_CORE_READ(innermost, ns, ns.inum) != agent_pid_namespace)
		return 0;
	nr = BPF_CORE_READ(innermost, nr);
	return nr;
}

/* 0 where the task is not of the agent's namespace. */
static __always_inline __u32 tgid_of(const struct task_struct *task)
{
	return agent_pid_namespace ? tgid_in_namespace(task) : (__u32)BPF_CORE_READ(task, tgid);
}
