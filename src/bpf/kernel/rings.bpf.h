/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The two rings that all sensors share, and the counters that each has of its own. Include after vmlinux.h. */
#pragma once

#include <bpf/bpf_helpers.h>

#include "bpf/abi/record.h"
#include "bpf/kernel/who.bpf.h"

/* Process lifecycle, sockets, verdicts: sized never to drop. The loader replaces both by the shared ones. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} control_ring SEC(".maps");

/* Payload: may drop, and counts what it drops. Several, so that CPUs do not wait for each other. */
struct data_ring_type {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
};
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct data_ring_type);
} data_rings SEC(".maps");

/* Set by the loader before load. */
const volatile __u8 sensor_id;
const volatile __u64 control_wake_bytes; /* unread bytes above which a submission wakes the reader */
const volatile __u64 data_wake_bytes;    /* of each data ring */
const volatile __u32 data_ring_mask;     /* their number, a power of two, less one */

#define COUNTERS(families)                               \
	struct {                                         \
		__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY); \
		__uint(max_entries, families);           \
		__type(key, __u32);                      \
		__type(value, struct family_counters);   \
	} counters SEC(".maps")

/* That of this CPU; never null, which the verifier does not know. */
static __always_inline void *data_ring(void)
{
	__u32 i = bpf_get_smp_processor_id() & data_ring_mask;

	return bpf_map_lookup_elem(&data_rings, &i);
}

/* Never wakes the reader for one event: it drains on a timer. Only a ring that fills faster than that does. */
static __always_inline __u64 wake_flags(void *ring, __u64 wake_bytes)
{
	return bpf_ringbuf_query(ring, BPF_RB_AVAIL_DATA) > wake_bytes ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP;
}

/* Whether a transfer of any size may be copied whole: not where that would push out what others have to tell. */
static __always_inline bool room_for_whole_transfer(void *ring)
{
	return bpf_ringbuf_query(ring, BPF_RB_AVAIL_DATA) < 2 * data_wake_bytes;
}

static __always_inline void fill_header(struct record_header *header, __u64 time, __u32 size, __u8 kind)
{
	header->time = time;
	header->size = size;
	header->sensor = sensor_id;
	header->kind = kind;
	header->cpu = bpf_get_smp_processor_id();
}

/* Copies a finished record into the ring; 0, or negative where there was no room. */
static __always_inline long submit(void *ring, __u64 wake_bytes, const void *record, __u32 size)
{
	return bpf_ringbuf_output(ring, (void *)record, size, wake_flags(ring, wake_bytes));
}

/* Both count the outcome. */
static __always_inline void submit_control(struct family_counters *count, const void *record, __u32 size)
{
	if (submit(&control_ring, control_wake_bytes, record, size))
		count->ring_full++;
	else
		count->submitted++;
}

static __always_inline void submit_data(struct family_counters *count, const void *record, __u32 size, __u32 content)
{
	void *ring = data_ring();

	if (!ring || submit(ring, data_wake_bytes, record, size)) {
		count->ring_full++;
		return;
	}
	count->submitted++;
	count->bytes += content;
}
