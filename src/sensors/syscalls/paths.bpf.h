/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Names of files, from leaf to root: the order in which the kernel links them. A plain loop over components and mounts
 * has more than a million instructions to the verifier; under bpf_loop it is walked once.
 */
#pragma once

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "sensors/syscalls/syscalls_abi.h"

/* A field of a kernel object: one load where the kernel lets a pointer be followed by its type (6.2: bpf: Add kfunc
 * bpf_rdonly_cast), else a helper call of some 10 ns. */
#define KERNEL_READ(type, object, field)                                                                 \
	({                                                                                               \
		const void *object_ = (object);                                                          \
		bpf_ksym_exists(bpf_rdonly_cast)                                                         \
			? ((const type *)bpf_rdonly_cast(object_, bpf_core_type_id_kernel(type)))->field \
			: BPF_CORE_READ((const type *)object_, field);                                   \
	})

#define MAX_NAME        256   /* NAME_MAX and its NUL */
#define TAIL_SIZE       16384 /* a power of two; all parts together are smaller */
#define TAIL_SLACK      4096  /* the longest part that is read at once fits behind any offset */
#define MAX_STEPS       2300  /* names of one byte in a path of SYSCALLS_MAX_PATH, and mounts */
#define MAX_CHAIN_STEPS 64    /* deeper names have no verdicts */

enum walk_end {
	WALK_CUT,     /* longer than the limit */
	WALK_ROOT,    /* of a mount that is on no other */
	WALK_NOWHERE, /* an object that is its own parent */
};

struct link_name {
	__u64 parent;
	__u64 hash_len;
	__u64 text;
};

/* All of it is volatile: a pointer that went through memory is a number to the verifier, which it lets us calculate with. */
struct walk {
	volatile __u64 dentry, mount, root; /* where it has come to; root of the mount */
	volatile struct link_name link, again;
	__u64 chain;
	__u32 at, limit; /* offsets into the tail */
	__u32 end;       /* enum walk_end */
	__u32 padding;
};

/* A record as it grows. Each CPU has one: programs on tracepoints of the same CPU run one after the other. */
struct draft {
	struct walk walk;
	struct syscalls_record record;
	char tail[TAIL_SIZE + TAIL_SLACK];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct draft);
} drafts SEC(".maps");

/* What the chain of names begins with, so that nobody can know it. Set by the loader. */
const volatile __u64 chain_seed = 1;

static __always_inline struct draft *own_draft(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&drafts, &zero);
}

/* Where offset `at` is. The mask tells the verifier of 6.1 what callers have checked. */
static __always_inline char *at_offset(struct draft *draft, __u32 at)
{
	__u64 offset = at;

	barrier_var(offset);
	return draft->tail + (offset & (TAIL_SIZE - 1));
}

/* At most `limit`, in a register that the verifier knows the bounds of. */
static __always_inline __u64 bounded(__u64 value, __u64 limit)
{
	barrier_var(value);
	return value > limit ? limit : value;
}

static __always_inline void read_link(const void *dentry, volatile struct link_name *link)
{
	link->parent = (__u64)KERNEL_READ(struct dentry, dentry, d_parent);
	link->hash_len = KERNEL_READ(struct dentry, dentry, d_name.hash_len);
	link->text = (__u64)KERNEL_READ(struct dentry, dentry, d_name.name);
}

static __always_inline __u64 mixed(__u64 chain, __u64 value)
{
	chain = (chain ^ value) * 0x9e3779b97f4a7c15ULL;
	return chain ^ chain >> 29;
}

static __always_inline void start_walk(struct walk *walk, const struct path *path)
{
	walk->dentry = (__u64)KERNEL_READ(struct path, path, dentry);
	walk->mount = (__u64)KERNEL_READ(struct path, path, mnt);
	walk->mount -= bpf_core_field_offset(struct mount, mnt);
	walk->root = (__u64)KERNEL_READ(struct mount, (const void *)walk->mount, mnt.mnt_root);
	walk->chain = mixed(chain_seed, walk->mount);
	walk->end = WALK_CUT;
}

/* At the root of a mount: on to where it is mounted. 0 goes on, 1 ends. */
static __always_inline long cross_mount(struct walk *walk)
{
	const __u64 mount = walk->mount;

	walk->mount = (__u64)KERNEL_READ(struct mount, (const void *)mount, mnt_parent);
	if (walk->mount == mount) {
		walk->end = WALK_ROOT;
		return 1;
	}
	walk->dentry = (__u64)KERNEL_READ(struct mount, (const void *)mount, mnt_mountpoint);
	walk->root = (__u64)KERNEL_READ(struct mount, (const void *)walk->mount, mnt.mnt_root);
	walk->chain = mixed(walk->chain, walk->mount);
	return 0;
}

static __always_inline void link_chain(struct walk *walk)
{
	walk->chain = mixed(mixed(walk->chain, walk->dentry), walk->link.hash_len);
	walk->dentry = walk->link.parent;
}

static __always_inline long chain_step(struct draft *draft)
{
	struct walk *walk = &draft->walk;

	if (walk->dentry == walk->root)
		return cross_mount(walk);
	read_link((const void *)walk->dentry, &walk->link);
	if (walk->link.parent == walk->dentry) {
		walk->end = WALK_NOWHERE;
		return 1;
	}
	link_chain(walk);
	return 0;
}

static __always_inline long text_step(struct draft *draft)
{
	struct walk *walk = &draft->walk;
	__u32 at = walk->at, length;

	if (walk->dentry == walk->root)
		return cross_mount(walk);
	read_link((const void *)walk->dentry, &walk->link);
	if (walk->link.parent == walk->dentry) {
		walk->end = WALK_NOWHERE;
		return 1;
	}
	length = walk->link.hash_len >> 32 & (MAX_NAME - 1);
	if (at + length + 1 > walk->limit)
		return 1;
	if (bpf_probe_read_kernel(at_offset(draft, at), length, (void *)walk->link.text))
		return 1;
	/* Renamed while it was read: once more. */
	read_link((const void *)walk->dentry, &walk->again);
	if (walk->again.hash_len != walk->link.hash_len || walk->again.parent != walk->link.parent)
		return 0;
	*at_offset(draft, at + length) = 0;
	walk->at = at + length + 1;
	link_chain(walk);
	return 0;
}

static long call_chain_step(__u32 i, void *unused)
{
	struct draft *draft = own_draft();

	return draft ? chain_step(draft) : 1;
}

static long call_text_step(__u32 i, void *unused)
{
	struct draft *draft = own_draft();

	return draft ? text_step(draft) : 1;
}

/* The chain of names above `path`; 0 where it does not end at a root within bounds. */
static __noinline __u64 chain_of(struct draft *draft, const struct path *path)
{
	start_walk(&draft->walk, path);
	bpf_loop(MAX_CHAIN_STEPS, call_chain_step, NULL, 0);
	return draft->walk.end == WALK_ROOT ? draft->walk.chain : 0;
}

/* Appends the names of `path`, at most `limit` bytes of them; returns where they end. */
static __noinline __u32 append_path(struct draft *draft, const struct path *path, __u32 at, __u32 limit)
{
	start_walk(&draft->walk, path);
	draft->walk.at = at;
	draft->walk.limit = at + limit;
	bpf_loop(MAX_STEPS, call_text_step, NULL, 0);
	return draft->walk.at;
}
