/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Names of files and cgroups, appended to a buffer from leaf to root: the order in which the kernel links them. */
#pragma once

#include "sensors/process/process_abi.h"

#define MAX_NAME         256 /* NAME_MAX and its NUL */
#define MAX_PATH_STEPS   256 /* components, and mounts crossed on the way */
#define MAX_CGROUP_STEPS 12
#define TAIL_SIZE        16384 /* the parts, and room for the longest name behind each; a power of two */

/*
 * An exec record as it grows, and where a walk to the root has come to. It is in a map, of which the verifier assumes nothing:
 * on the stack, it would follow each value that `at` can have through all steps of the walk.
 */
struct exec_draft {
	struct dentry *dentry;
	struct mount *mount;
	struct kernfs_node *node;
	__u32 at, start;
	bool reached_root;
	struct process_exec_record record;            /* what follows is its tail */
	char tail[TAIL_SIZE + PROCESS_MAX_ARGUMENTS]; /* the longest part fits behind any offset */
};

static __always_inline __u32 written(struct exec_draft *draft)
{
	__u32 at = draft->at & (TAIL_SIZE - 1);

	barrier_var(at); /* the mask stays */
	return at;
}

static __always_inline struct process_slice since(struct exec_draft *draft, __u32 start)
{
	return (struct process_slice){.offset = start, .length = written(draft) - start};
}

/* The kernel's text with its NUL; false where it does not fit or cannot be read. */
static __always_inline bool append_text(struct exec_draft *draft, const void *text)
{
	__u32 at = written(draft);
	long length;

	if (at > TAIL_SIZE - MAX_NAME)
		return false;
	length = bpf_probe_read_kernel_str(draft->tail + at, MAX_NAME, text);
	if (length <= 0)
		return false;
	draft->at = at + (__u32)length;
	return true;
}

static __always_inline struct mount *mount_of(struct vfsmount *vfsmount)
{
	return (struct mount *)((char *)vfsmount - bpf_core_field_offset(struct mount, mnt));
}

/* One component, or one mount crossed; not 0 ends it. */
static long path_step(__u64 step, void *context)
{
	struct exec_draft *draft = *(struct exec_draft **)context;
	struct dentry *dentry = draft->dentry, *parent = BPF_CORE_READ(dentry, d_parent);
	struct mount *mount = draft->mount;

	if (dentry == BPF_CORE_READ(mount, mnt.mnt_root) || dentry == parent) {
		draft->dentry = BPF_CORE_READ(mount, mnt_mountpoint);
		draft->mount = BPF_CORE_READ(mount, mnt_parent);
		draft->reached_root = draft->mount == mount;
		return draft->reached_root;
	}
	draft->dentry = parent;
	return !append_text(draft, BPF_CORE_READ(dentry, d_name.name)) || draft->at - draft->start > PROCESS_MAX_PATH;
}

/* The path in its mount namespace, mount by mount; false, and nothing of it, where it is deeper than the limits. */
static __always_inline bool append_path(struct exec_draft *draft, struct dentry *dentry, struct vfsmount *vfsmount)
{
	draft->dentry = dentry;
	draft->mount = mount_of(vfsmount);
	draft->start = draft->at;
	draft->reached_root = false;
	bpf_loop(MAX_PATH_STEPS, path_step, &draft, 0);
	if (!draft->reached_root)
		draft->at = draft->start;
	return draft->reached_root;
}

/* kernfs: the parent is under RCU, with another name, since 6.15 (kernfs: Use RCU to access kernfs_node::parent). */
struct kernfs_node___before_6_15 {
	struct kernfs_node *parent;
} __attribute__((preserve_access_index));

struct kernfs_node___since_6_15 {
	struct kernfs_node *__parent;
} __attribute__((preserve_access_index));

static __always_inline struct kernfs_node *parent_of(struct kernfs_node *node)
{
	struct kernfs_node___since_6_15 *since = (void *)node;
	struct kernfs_node___before_6_15 *before = (void *)node;

	if (bpf_core_field_exists(since->__parent))
		return BPF_CORE_READ(since, __parent);
	return BPF_CORE_READ(before, parent);
}

static __always_inline struct kernfs_node *node_of_subsystem(struct task_struct *task, __u32 subsystem)
{
	struct css_set *set = BPF_CORE_READ(task, cgroups);
	struct cgroup_subsys_state *state = NULL;

	bpf_probe_read_kernel(&state, sizeof(state), &set->subsys[subsystem & 31]);
	return BPF_CORE_READ(state, cgroup, kn);
}

/* The v2 cgroup; where that is the root, as it is on hosts that still use v1, the first v1 cgroup that is not. */
static __always_inline struct kernfs_node *cgroup_of(struct task_struct *task)
{
	struct kernfs_node *node = BPF_CORE_READ(task, cgroups, dfl_cgrp, kn);

	if (!parent_of(node) && bpf_core_enum_value_exists(enum cgroup_subsys_id, pids_cgrp_id))
		node = node_of_subsystem(task, bpf_core_enum_value(enum cgroup_subsys_id, pids_cgrp_id));
	if (!parent_of(node) && bpf_core_enum_value_exists(enum cgroup_subsys_id, memory_cgrp_id))
		node = node_of_subsystem(task, bpf_core_enum_value(enum cgroup_subsys_id, memory_cgrp_id));
	if (!parent_of(node) && bpf_core_enum_value_exists(enum cgroup_subsys_id, cpu_cgrp_id))
		node = node_of_subsystem(task, bpf_core_enum_value(enum cgroup_subsys_id, cpu_cgrp_id));
	return node;
}

static long cgroup_step(__u64 step, void *context)
{
	struct exec_draft *draft = *(struct exec_draft **)context;
	struct kernfs_node *node = draft->node, *parent = parent_of(node);
	__u32 before;

	if (!parent) {
		draft->reached_root = true; /* which has no name */
		return 1;
	}
	before = draft->at;
	if (!append_text(draft, BPF_CORE_READ(node, name)))
		return 1;
	if (draft->at - draft->start > PROCESS_MAX_CGROUP) {
		draft->at = before;
		return 1;
	}
	draft->node = parent;
	return 0;
}

/* False where some names nearest the root were left out. */
static __always_inline bool append_cgroup_path(struct exec_draft *draft, struct task_struct *task)
{
	draft->node = cgroup_of(task);
	draft->start = draft->at;
	draft->reached_root = false;
	bpf_loop(MAX_CGROUP_STEPS, cgroup_step, &draft, 0);
	return draft->reached_root;
}
