/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Names of files and cgroups, appended to a buffer from leaf to root: the order in which the kernel links them. */
#pragma once

#include "sensors/process/process_abi.h"

#define MAX_NAME         256 /* NAME_MAX and its NUL */
#define MAX_PATH_STEPS   28  /* components, and mounts crossed on the way */
#define MAX_CGROUP_STEPS 12
#define TAIL_SIZE        4096 /* the three parts, and room for the longest name behind each; a power of two */

/* Where offset `at` is, which callers have checked. The compiler keeps it on the stack, and the verifier of 6.1 does not
 * carry what was checked of one copy over to the next read: the mask says it again, of the copy that is used. */
static __always_inline char *at_offset(char *tail, __u32 at)
{
	__u64 offset = at;

	barrier_var(offset);
	return tail + (offset & (TAIL_SIZE - 1));
}

/* The kernel's text at `at` with its NUL; returns where it ends, or `at` where it does not fit or cannot be read. */
static __always_inline __u32 append_text(char *tail, __u32 at, const void *text)
{
	long length;

	if (at > TAIL_SIZE - MAX_NAME)
		return at;
	length = bpf_probe_read_kernel_str(at_offset(tail, at), MAX_NAME, text);
	if (length <= 0 || length > MAX_NAME)
		return at;
	return at + (__u32)length;
}

static __always_inline struct mount *mount_of(struct vfsmount *vfsmount)
{
	return (struct mount *)((char *)vfsmount - bpf_core_field_offset(struct mount, mnt));
}

/* The file's path in its mount namespace, mount by mount; returns `at` where it is deeper than the limits. */
static __always_inline __u32 append_path(char *tail, __u32 at, struct file *file)
{
	struct dentry *dentry = BPF_CORE_READ(file, f_path.dentry);
	struct mount *mount = mount_of(BPF_CORE_READ(file, f_path.mnt));
	const __u32 start = at;

#pragma clang loop unroll(disable)
	for (int i = 0; i < MAX_PATH_STEPS; i++) {
		struct dentry *parent = BPF_CORE_READ(dentry, d_parent);
		__u32 end;

		if (dentry == BPF_CORE_READ(mount, mnt.mnt_root) || dentry == parent) {
			struct mount *below = BPF_CORE_READ(mount, mnt_parent);

			if (below == mount)
				return at;
			dentry = BPF_CORE_READ(mount, mnt_mountpoint);
			mount = below;
			continue;
		}
		end = append_text(tail, at, BPF_CORE_READ(dentry, d_name.name));
		if (end == at || end > PROCESS_MAX_PATH)
			return start;
		at = end;
		dentry = parent;
	}
	return start;
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

/* Returns where the names end; *complete is false where some nearest the root were left out. */
static __always_inline __u32 append_cgroup_path(char *tail, __u32 at, struct task_struct *task, bool *complete)
{
	struct kernfs_node *node = cgroup_of(task);
	const __u32 limit = at + PROCESS_MAX_CGROUP;

#pragma clang loop unroll(disable)
	for (int i = 0; i < MAX_CGROUP_STEPS; i++) {
		struct kernfs_node *parent = parent_of(node);
		__u32 end;

		if (!parent)
			return at; /* the root, which has no name */
		end = append_text(tail, at, BPF_CORE_READ(node, name));
		if (end == at || end > limit) {
			*complete = false;
			return at;
		}
		at = end;
		node = parent;
	}
	*complete = !parent_of(node);
	return at;
}
