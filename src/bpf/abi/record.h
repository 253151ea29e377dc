/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What all records from the kernel have in common. Read by both compilers. */
#pragma once

#ifdef __cplusplus
#include <linux/types.h>
#define ABI_ASSERT(condition, why) static_assert(condition, why)
#else
#define ABI_ASSERT(condition, why) _Static_assert(condition, why)
#endif

struct record_header {
	__u64 time;  /* CLOCK_MONOTONIC ns */
	__u32 size;  /* of the whole record, this header included */
	__u8 sensor; /* given to the sensor by the loader */
	__u8 kind;   /* local to the sensor */
	__u16 cpu;
};
ABI_ASSERT(sizeof(struct record_header) == 16, "record_header is 16 bytes");

/* One per program family of a sensor, in its per-CPU map `counters`. Each event seen ends in exactly one of submitted,
 * filtered, ring_full, no_key and map_full. */
struct family_counters {
	__u64 seen;
	__u64 submitted;  /* reached the ring */
	__u64 filtered;   /* left out on purpose: ports, own traffic, skipped or switched-off streams */
	__u64 ring_full;  /* lost: no room */
	__u64 no_key;     /* lost: the socket had no cookie yet */
	__u64 unreadable; /* content lost of those submitted: it could not be read; its bytes are still counted */
	__u64 map_full;   /* lost: state could not be stored */
	__u64 bytes;      /* of content submitted */
};
ABI_ASSERT(sizeof(struct family_counters) == 64, "family_counters is 64 bytes");
