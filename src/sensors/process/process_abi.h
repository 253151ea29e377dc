/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Records of the process sensor. Read by both compilers. */
#pragma once

#include "bpf/abi/record.h"

enum process_kind {
	process_kind_exec = 1,
	process_kind_fork = 2,
	process_kind_exit = 3,
};

/* Indices into the counters. Arguments have a family of their own: an exec whose arguments could not be read counts
 * as submitted there and as unreadable here. */
enum process_family {
	process_family_exec,
	process_family_fork,
	process_family_exit,
	process_family_arguments,
	process_families,
};

enum process_flags {
	process_arguments_truncated = 1, /* there were more than PROCESS_MAX_ARGUMENTS bytes */
	process_arguments_unreadable = 2,
	process_executable_as_given =
		4, /* one text: as the caller of exec named it, or the name of a memfd; it has no path */
	process_cgroup_truncated = 8,           /* names nearest the root are missing */
	process_executable_in_upper_layer = 16, /* of an overlay: written since the image was */
	process_executable_in_memory = 32,      /* memfd_create */
	process_directory_known = 64,
};

#define PROCESS_MAX_PATH      4096
#define PROCESS_MAX_CGROUP    512
#define PROCESS_MAX_ARGUMENTS 4096

/* A part of the bytes that follow the fixed part of a record. */
struct process_slice {
	__u16 offset; /* from the end of the fixed part */
	__u16 length;
};

/* After exec has succeeded, before the first instruction of the new program. */
struct process_exec_record {
	struct record_header header;
	__u32 pid; /* thread group, in the root pid namespace */
	__u32 parent_pid;
	__u32 uid;        /* real user, in the root user namespace */
	__u32 flags;      /* enum process_flags */
	__u64 start_time; /* CLOCK_BOOTTIME ns; that of the fork, exec does not change it */
	__u64 cgroup_id;  /* of the cgroup v2 hierarchy */
	char comm[16];
	struct process_slice executable; /* names from leaf to root, each ended by a NUL; as given: one text */
	struct process_slice cgroup;     /* names from leaf to root, each ended by a NUL */
	struct process_slice arguments;  /* each ended by a NUL */
	struct process_slice directory;  /* in which it begins: names from leaf to root, each ended by a NUL */
	__u32 effective_uid, effective_gid;
	__u32 login_uid; /* of the audit system; all ones: none */
	__u32 session;   /* the process that leads it, in the root pid namespace */
	__u32 group;     /* process group, in its own pid namespace */
	__u32 own_pid;   /* in its own pid namespace */
	__u32 terminal;  /* number of the controlling one, as user space encodes it; 0: none */
	__u32 device;    /* of the executable: major << 20 | minor */
	__u64 inode;
	__u64 inheritable, permitted, effective; /* capabilities */
	__u64 changed, modified;                 /* of the executable: CLOCK_REALTIME ns */
};
ABI_ASSERT(sizeof(struct process_exec_record) == 160, "process_exec_record is 160 bytes before its tail");

struct process_fork_record {
	struct record_header header;
	__u32 pid;        /* of the child */
	__u32 forked_by;  /* whose copy it is */
	__u32 parent_pid; /* the same, unless CLONE_PARENT made it a sibling */
	__u32 uid;
	__u64 start_time; /* of the child */
	char comm[16];    /* of the child: the name of the thread that forked */
};
ABI_ASSERT(sizeof(struct process_fork_record) == 56, "process_fork_record is 56 bytes");

/* When the last thread of the process has gone. */
struct process_exit_record {
	struct record_header header;
	__u32 pid;
	__u32 padding;
	__u64 start_time;
};
ABI_ASSERT(sizeof(struct process_exit_record) == 32, "process_exit_record is 32 bytes");
