/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Records of the cgroup sensor. Read by both compilers. */
#pragma once

#include "bpf/abi/record.h"

enum cgroup_kind {
	cgroup_kind_created = 1,
	cgroup_kind_removed = 2,
};

/* Indices into the counters. */
enum cgroup_family {
	cgroup_family_created,
	cgroup_family_removed,
	cgroup_families,
};

#define CGROUP_MAX_PATH 1024 /* with its NUL; the end of a longer one is left out */

/* Of any hierarchy: where several are mounted, as cgroup v1 has them, a container has one in each. */
struct cgroup_record {
	struct record_header header;
	__u32 path_size; /* bytes of the path that follow, without a NUL */
	__u32 level;     /* the root has 0 */
};
ABI_ASSERT(sizeof(struct cgroup_record) == 24, "cgroup_record is 24 bytes before the path");
