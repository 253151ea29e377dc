/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What a file is, by what name it was opened, and whether anybody wants to know. */
#pragma once

#include "bpf/kernel/descriptor.bpf.h"
#include "sensors/syscalls/paths.bpf.h"

#define FMODE_READ    0x1
#define FMODE_WRITE   0x2
#define FMODE_PATH    0x4000
#define FMODE_CREATED 0x100000
#define O_CREAT       0100
#define O_TRUNC       01000

/* Names that user space wants to hear nothing more of. The loader sets the size. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct syscalls_name);
	__type(value, struct syscalls_verdict);
} verdicts SEC(".maps");

/* Verdicts of another epoch mean nothing. User space writes it. */
__u32 epoch = 1;

static __noinline void note_file(struct draft *draft, struct file *file)
{
	struct syscalls_file *told = &draft->record.file;
	struct inode *inode = KERNEL_READ(struct file, file, f_inode);

	told->name.dentry = (__u64)KERNEL_READ(struct file, file, f_path.dentry);
	told->name.inode = (__u64)inode;
	told->name.number = KERNEL_READ(struct inode, inode, i_ino);
	told->name.generation = KERNEL_READ(struct inode, inode, i_generation);
	told->name.chain = 0;
	told->epoch = 0;
	told->mode = KERNEL_READ(struct inode, inode, i_mode);
	draft->record.flags |= SYSCALLS_FILE;
}

static __always_inline void note_more_of_file(struct draft *draft, struct file *file)
{
	struct syscalls_file *told = &draft->record.file;
	struct inode *inode = (struct inode *)told->name.inode;

	told->device = BPF_CORE_READ(inode, i_sb, s_dev);
	told->links = KERNEL_READ(struct inode, inode, i_nlink);
	told->owner = KERNEL_READ(struct inode, inode, i_uid.val);
	told->flags = KERNEL_READ(struct file, file, f_flags);
}

/* What it was opened for; of O_CREAT and O_TRUNC the file keeps nothing, but the caller has said it. */
static __always_inline __u32 accesses_of(__u32 mode, __u32 given)
{
	__u32 accesses = 0;

	if (mode & FMODE_READ)
		accesses |= SYSCALLS_ACCESS_READ;
	if (mode & FMODE_WRITE)
		accesses |= SYSCALLS_ACCESS_WRITE;
	if (mode & FMODE_PATH)
		accesses |= SYSCALLS_ACCESS_PATH;
	if (given & O_TRUNC)
		accesses |= SYSCALLS_ACCESS_TRUNCATE;
	if (given & O_CREAT)
		accesses |= SYSCALLS_ACCESS_CREATE;
	return accesses;
}

/* Whether an open for this of the file is one of those that nobody wants to hear of. */
static __noinline bool is_ignored(struct draft *draft, struct file *file, __u32 given)
{
	struct syscalls_file *told = &draft->record.file;
	__u32 mode = KERNEL_READ(struct file, file, f_mode), accesses = accesses_of(mode, given);
	struct syscalls_verdict *verdict;

	draft->record.accesses = accesses;
	told->epoch = epoch;
	told->name.chain = chain_of(draft, &file->f_path);
	verdict = bpf_map_lookup_elem(&verdicts, &told->name);
	if (mode & FMODE_CREATED) {
		/* Another file than the one that bore the name, whatever its number. */
		draft->record.flags |= SYSCALLS_FILE_CREATED;
		if (verdict)
			verdict->epoch = 0;
		return false;
	}
	return verdict && verdict->epoch == told->epoch && !(accesses & ~verdict->accesses);
}

static __always_inline void note_path_end(struct draft *draft, __u32 from, __u32 to, const struct mnt_namespace *own)
{
	const struct mount *last = (const struct mount *)draft->walk.mount;

	if (draft->walk.end == WALK_NOWHERE && from == to)
		draft->record.flags |= SYSCALLS_PATH_PSEUDO;
	else if (draft->walk.end != WALK_ROOT)
		draft->record.flags |= SYSCALLS_PATH_TRUNCATED;
	else if (BPF_CORE_READ(last, mnt_ns) != own)
		draft->record.flags |= SYSCALLS_PATH_FOREIGN;
}

/* What the kernel calls an object that has no path. */
static __always_inline __u32 append_pseudo_name(struct draft *draft, __u32 at)
{
	struct dentry *dentry = (struct dentry *)draft->walk.dentry;
	long length = bpf_probe_read_kernel_str(at_offset(draft, at), MAX_NAME, BPF_CORE_READ(dentry, d_name.name));

	return length > 0 && length <= MAX_NAME ? at + length : at;
}

static __always_inline struct syscalls_slice slice(__u32 from, __u32 to)
{
	return (struct syscalls_slice){.offset = from, .length = to - from};
}

static __noinline __u32 append_file_path(struct draft *draft, struct file *file, __u32 at)
{
	struct dentry *dentry = (struct dentry *)draft->record.file.name.dentry;
	__u32 end = append_path(draft, &file->f_path, at, SYSCALLS_MAX_PATH);

	note_path_end(draft, at, end, BPF_CORE_READ(bpf_get_current_task_btf(), nsproxy, mnt_ns));
	if (draft->record.flags & SYSCALLS_PATH_PSEUDO)
		end = append_pseudo_name(draft, at);
	else if (end != at && !BPF_CORE_READ(dentry, d_hash.pprev))
		draft->record.flags |= SYSCALLS_FILE_UNLINKED;
	draft->record.path = slice(at, end);
	return end;
}
