/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What rules ask of a process beyond its name: credentials, session, terminal, and which file its executable is. */
#pragma once

#include "sensors/process/process_paths.bpf.h"

#define OVERLAYFS_MAGIC 0x794c7630
#define CTIME_QUERIED   0x80000000U /* a mark in the nanoseconds (fs: add infrastructure for multigrain timestamps) */

/* The time an inode was changed or modified (fs: convert core infrastructure to new timestamp accessors). */
struct timespec64___inode {
	__s64 tv_sec;
	long tv_nsec;
} __attribute__((preserve_access_index));

struct inode___before_6_6 {
	struct timespec64___inode i_mtime;
	struct timespec64___inode i_ctime;
} __attribute__((preserve_access_index));

struct inode___before_6_11 {
	struct timespec64___inode __i_mtime;
	struct timespec64___inode __i_ctime;
} __attribute__((preserve_access_index));

struct inode___since_6_11 {
	__s64 i_mtime_sec;
	__s64 i_ctime_sec;
	__u32 i_mtime_nsec;
	__u32 i_ctime_nsec;
} __attribute__((preserve_access_index));

static __always_inline __u64 nanoseconds(__s64 seconds, __u64 rest)
{
	return (__u64)seconds * 1000000000 + rest;
}

static __always_inline __u64 change_time(struct inode *inode)
{
	struct inode___since_6_11 *since = (void *)inode;
	struct inode___before_6_11 *before = (void *)inode;
	struct inode___before_6_6 *old = (void *)inode;

	if (bpf_core_field_exists(since->i_ctime_sec))
		return nanoseconds(BPF_CORE_READ(since, i_ctime_sec),
				   BPF_CORE_READ(since, i_ctime_nsec) & ~CTIME_QUERIED);
	if (bpf_core_field_exists(before->__i_ctime))
		return nanoseconds(BPF_CORE_READ(before, __i_ctime.tv_sec), BPF_CORE_READ(before, __i_ctime.tv_nsec));
	return nanoseconds(BPF_CORE_READ(old, i_ctime.tv_sec), BPF_CORE_READ(old, i_ctime.tv_nsec));
}

static __always_inline __u64 modification_time(struct inode *inode)
{
	struct inode___since_6_11 *since = (void *)inode;
	struct inode___before_6_11 *before = (void *)inode;
	struct inode___before_6_6 *old = (void *)inode;

	if (bpf_core_field_exists(since->i_mtime_sec))
		return nanoseconds(BPF_CORE_READ(since, i_mtime_sec), BPF_CORE_READ(since, i_mtime_nsec));
	if (bpf_core_field_exists(before->__i_mtime))
		return nanoseconds(BPF_CORE_READ(before, __i_mtime.tv_sec), BPF_CORE_READ(before, __i_mtime.tv_nsec));
	return nanoseconds(BPF_CORE_READ(old, i_mtime.tv_sec), BPF_CORE_READ(old, i_mtime.tv_nsec));
}

/* An overlay's inode is followed by the dentry of its file in the upper layer, if it has one there. */
static __always_inline bool in_upper_layer(struct inode *inode)
{
	void *upper = NULL;

	if (BPF_CORE_READ(inode, i_sb, s_magic) != OVERLAYFS_MAGIC)
		return false;
	bpf_probe_read_kernel(&upper, sizeof(upper), (void *)inode + bpf_core_type_size(struct inode));
	return upper != NULL;
}

/* It has no name in any directory, and the one that memfd_create gives. */
static __always_inline bool in_memory(struct file *file)
{
	struct dentry *dentry = BPF_CORE_READ(file, f_path.dentry);
	char name[8] = {};

	if (BPF_CORE_READ(dentry, d_parent) != dentry)
		return false;
	bpf_probe_read_kernel_str(name, sizeof(name), BPF_CORE_READ(dentry, d_name.name));
	return __builtin_memcmp(name, "memfd:", 6) == 0;
}

static __always_inline void fill_executable_facts(struct process_exec_record *record, struct file *file)
{
	struct inode *inode = BPF_CORE_READ(file, f_inode);

	record->device = BPF_CORE_READ(inode, i_sb, s_dev);
	record->inode = BPF_CORE_READ(inode, i_ino);
	record->changed = change_time(inode);
	record->modified = modification_time(inode);
	if (in_upper_layer(inode))
		record->flags |= process_executable_in_upper_layer;
	if (in_memory(file))
		record->flags |= process_executable_in_memory;
}

static __always_inline __u32 innermost_number(const struct pid *pid)
{
	__u32 level = BPF_CORE_READ(pid, level);
	const struct upid *innermost = (const void *)pid + bpf_core_field_offset(struct pid, numbers) +
				       (__u64)level * bpf_core_type_size(struct upid);

	return BPF_CORE_READ(innermost, nr);
}

static __always_inline __u32 outermost_number(const struct pid *pid)
{
	const struct upid *outermost = (const void *)pid + bpf_core_field_offset(struct pid, numbers);

	return BPF_CORE_READ(outermost, nr);
}

/* As <sys/sysmacros.h> makes one of major and minor. */
static __always_inline __u32 terminal_of(struct task_struct *task)
{
	struct tty_struct *tty = BPF_CORE_READ(task, signal, tty);
	__u32 major, minor;

	if (!tty)
		return 0;
	major = BPF_CORE_READ(tty, driver, major);
	minor = BPF_CORE_READ(tty, driver, minor_start) + BPF_CORE_READ(tty, index);
	return (minor & 0xff) | major << 8 | (minor & ~0xffU) << 12;
}

/* The audit system may be left out of a kernel. */
struct task_struct___with_audit {
	kuid_t loginuid;
} __attribute__((preserve_access_index));

static __always_inline __u32 login_of(struct task_struct *task)
{
	struct task_struct___with_audit *audited = (void *)task;

	return bpf_core_field_exists(audited->loginuid) ? BPF_CORE_READ(audited, loginuid.val) : (__u32)-1;
}

static __always_inline void fill_process_facts(struct process_exec_record *record, struct task_struct *task)
{
	const struct cred *cred = BPF_CORE_READ(task, cred);

	record->effective_uid = BPF_CORE_READ(cred, euid.val);
	record->effective_gid = BPF_CORE_READ(cred, egid.val);
	bpf_probe_read_kernel(&record->inheritable, 8, __builtin_preserve_access_index(&cred->cap_inheritable));
	bpf_probe_read_kernel(&record->permitted, 8, __builtin_preserve_access_index(&cred->cap_permitted));
	bpf_probe_read_kernel(&record->effective, 8, __builtin_preserve_access_index(&cred->cap_effective));
	record->login_uid = login_of(task);
	record->session = outermost_number(BPF_CORE_READ(task, signal, pids[PIDTYPE_SID]));
	record->group = innermost_number(BPF_CORE_READ(task, signal, pids[PIDTYPE_PGID]));
	record->own_pid = innermost_number(BPF_CORE_READ(task, group_leader, thread_pid));
	record->terminal = terminal_of(task);
}
