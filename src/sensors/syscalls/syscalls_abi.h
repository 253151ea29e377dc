/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Records and settings of the syscalls sensor. Read by both compilers. */
#pragma once

#include "bpf/abi/record.h"

enum syscalls_kind {
	SYSCALLS_CALL = 1, /* struct syscalls_record and its tail */
};

/* Index of the counters map; a call counts in that of its shape. */
enum syscalls_family {
	SYSCALLS_FAMILY_OPEN,     /* data rings */
	SYSCALLS_FAMILY_TRANSFER, /* data rings: what sends and receives */
	SYSCALLS_FAMILY_CONTROL,  /* control ring: everything else */
	SYSCALLS_FAMILIES,
};

enum syscalls_flags {
	SYSCALLS_IA32 = 1 << 0,           /* of a 32-bit program, or by its entry; arguments are 32 bits wide */
	SYSCALLS_URING = 1 << 1,          /* asked of io_uring; `number` is what does the same */
	SYSCALLS_RESULT_UNKNOWN = 1 << 2, /* it has not been done yet */
	SYSCALLS_FILE = 1 << 3,           /* `file` is filled in */
	SYSCALLS_PATH_TRUNCATED = 1 << 4, /* names nearest the root are missing */
	SYSCALLS_PATH_FOREIGN = 1 << 5,   /* it ends at the root of another mount namespace, or of none */
	SYSCALLS_PATH_PSEUDO = 1 << 6,    /* no path but what the kernel calls the object: "memfd:x" */
	SYSCALLS_FILE_UNLINKED = 1 << 7,  /* the name is gone */
	SYSCALLS_FILE_CREATED = 1 << 8,   /* by this call */
	SYSCALLS_SOCKET = 1 << 9,         /* `socket` is filled in */
	SYSCALLS_ADDRESS_UNREADABLE = 1 << 10,
	SYSCALLS_CONTENT_UNREADABLE = 1 << 11,
	SYSCALLS_TEXT_TRUNCATED = 1 << 12,      /* of text 0; the two bits above are of the others */
	SYSCALLS_TEXT_UNREADABLE = 1 << 15,     /* likewise */
	SYSCALLS_DIRECTORY_TRUNCATED = 1 << 18, /* of directory 0; the bit above is of the other */
	/* It was about a file, which was gone from the descriptor before it could be looked at. */
	SYSCALLS_FILE_GONE = 1 << 20,
};

#define SYSCALLS_MAX_PATH      4096
#define SYSCALLS_MAX_DIRECTORY 1024
#define SYSCALLS_MAX_TEXTS     4096 /* all texts together, with their NULs */
#define SYSCALLS_MAX_ADDRESS   128
#define SYSCALLS_MAX_CONTENT   128
#define SYSCALLS_TEXTS         3
#define SYSCALLS_DIRECTORIES   2

/* A part of the bytes that follow the fixed part of a record. */
struct syscalls_slice {
	__u16 offset; /* from the end of the fixed part */
	__u16 length;
};

/* What identifies the name by which a file was opened, for as long as nothing on its path changes its name or place. */
struct syscalls_name {
	__u64 chain; /* of all names and mounts up to the root; 0: cannot be had */
	__u64 dentry, inode;
	__u64 number;     /* of the inode */
	__u32 generation; /* of the inode number */
	__u32 padding;
};
ABI_ASSERT(sizeof(struct syscalls_name) == 40, "syscalls_name is 40 bytes");

/* What user space said of a name. */
struct syscalls_verdict {
	__u32 epoch;    /* in which; of another one it means nothing */
	__u32 accesses; /* enum syscalls_access: opens for no more than these are not told of */
};

enum syscalls_access {
	SYSCALLS_ACCESS_READ = 1,
	SYSCALLS_ACCESS_WRITE = 2,
	SYSCALLS_ACCESS_TRUNCATE = 4,
	SYSCALLS_ACCESS_PATH = 8,    /* O_PATH */
	SYSCALLS_ACCESS_CREATE = 16, /* asked for O_CREAT, but it was there */
};

struct syscalls_file {
	struct syscalls_name name;
	__u32 epoch;  /* when the name was read */
	__u32 device; /* as the kernel writes it: major << 20 | minor */
	__u32 mode;
	__u32 links;
	__u32 flags; /* that are left of O_… once it is open */
	__u32 owner;
};
ABI_ASSERT(sizeof(struct syscalls_file) == 64, "syscalls_file is 64 bytes");

struct syscalls_socket {
	__u64 cookie;                     /* 0: none yet */
	__u8 local_ip[16], remote_ip[16]; /* IPv4 as v4-mapped */
	__u16 local_port, remote_port;    /* host byte order */
	__u16 family, type, protocol;
	__u8 state;
	__u8 padding[5];
};
ABI_ASSERT(sizeof(struct syscalls_socket) == 56, "syscalls_socket is 56 bytes");

struct syscalls_record {
	struct record_header header;
	__u64 args[6];
	__s64 result; /* behind the arguments: a check may ask for it as the seventh */
	__u64 cgroup_id;
	__u64 start_time; /* of the process, CLOCK_BOOTTIME ns */
	__u32 pid, tid;   /* in the root pid namespace */
	__u32 uid;        /* real, in the root user namespace */
	__u32 flags;      /* enum syscalls_flags */
	__u16 number;     /* native */
	__u8 accesses;    /* enum syscalls_access; of opens */
	__u8 padding[5];
	struct syscalls_file file;
	struct syscalls_socket socket;
	struct syscalls_slice path; /* names from leaf to root, each ended by a NUL */
	struct syscalls_slice
		directory[SYSCALLS_DIRECTORIES];    /* likewise: what a relative text 0 or 1 is relative to */
	struct syscalls_slice text[SYSCALLS_TEXTS]; /* without a NUL */
	struct syscalls_slice address;              /* sockaddr as the caller has it */
	struct syscalls_slice unix_path;            /* of a unix socket, or of whom it is connected to */
	struct syscalls_slice content; /* the first of the bytes that were sent or received, or of a struct */
	__u32 padding_end;
};
ABI_ASSERT(sizeof(struct syscalls_record) == 272, "syscalls_record is 272 bytes before its tail");

#define SYSCALLS_CHECKS       2
#define SYSCALLS_CHECK_VALUES 8
#define SYSCALLS_NUMBERS      512
#define SYSCALLS_URING_OPS    64
#define SYSCALLS_SOCKETCALLS  32
#define SYSCALLS_SOCKETCALL   102 /* of the 32-bit table: all calls on sockets in one */

/* Passed where (argument & mask) is one of the values. */
struct syscalls_check {
	__u64 mask;
	__u64 values[SYSCALLS_CHECK_VALUES];
	__u8 argument; /* from 0; 6: the result */
	__u8 count;    /* of values; 0: anything passes */
	__u8 negated;  /* passed where it is none of the values */
	__u8 padding[5];
};

enum syscalls_where { SYSCALLS_NOWHERE = 0, SYSCALLS_CWD = 7 }; /* else the number of an argument, from 1 */

enum syscalls_shape_flags {
	SYSCALLS_RESULT_IS_FD = 1,
	SYSCALLS_LENGTH_IS_POINTER = 2, /* address_length names where the length is */
	SYSCALLS_ADDRESS_IS_MSGHDR = 4,
	SYSCALLS_FD_UNLESS_ANONYMOUS = 16, /* mmap: the fourth argument says whether there is one */
	SYSCALLS_FLAGS_ARE_STRUCT = 8,     /* open_flags points at struct open_how */
};

enum syscalls_results { SYSCALLS_SUCCESS = 1, SYSCALLS_FAILURE = 2 };

/* What the arguments of a call are. Arguments count from 1; 0 means none. */
struct syscalls_shape {
	__u8 family; /* enum syscalls_family */
	__u8 flags;  /* enum syscalls_shape_flags */
	__u8 fd;
	__u8 open_flags;
	__u8 text[SYSCALLS_TEXTS];
	__u8 directory[SYSCALLS_DIRECTORIES]; /* of texts 0 and 1; or SYSCALLS_CWD */
	__u8 address, address_length;
	__u8 content, content_length; /* bytes; 0: as many as the result says */
	__u8 padding[3];
};
ABI_ASSERT(sizeof(struct syscalls_shape) == 16, "syscalls_shape is 16 bytes");

/* What of its calls is wanted. */
struct syscalls_want {
	struct syscalls_check checks[SYSCALLS_CHECKS];
	__u8 results; /* enum syscalls_results */
	__u8 sockets_only;
	__u16 file_types;    /* bit i: of S_IFMT >> 12 == i; 0: any, and none */
	__u8 addressed_only; /* the caller gave an address */
	__u8 padding[3];
};

/* As <linux/io_uring.h> has them, in its newer versions. */
enum syscalls_uring_op {
	SYSCALLS_OP_SENDMSG = 9,
	SYSCALLS_OP_RECVMSG = 10,
	SYSCALLS_OP_ACCEPT = 13,
	SYSCALLS_OP_CONNECT = 16,
	SYSCALLS_OP_OPENAT = 18,
	SYSCALLS_OP_OPENAT2 = 28,
	SYSCALLS_OP_RENAMEAT = 35,
	SYSCALLS_OP_UNLINKAT = 36,
	SYSCALLS_OP_MKDIRAT = 37,
	SYSCALLS_OP_SYMLINKAT = 38,
	SYSCALLS_OP_LINKAT = 39,
	SYSCALLS_OP_SOCKET = 45,
	SYSCALLS_OP_BIND = 56,
	SYSCALLS_OP_LISTEN = 57,
};

/* Bits of what `wanted` holds for a number. */
enum syscalls_entry { SYSCALLS_NATIVE_WANTED = 1, SYSCALLS_IA32_WANTED = 2 };
