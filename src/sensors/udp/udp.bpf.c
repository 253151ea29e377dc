/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Sensor udp: the datagrams that sockets send and receive on some ports (DNS). One object for every rung: the loader
 * leaves out the programs of those it does not climb.
 */
#include "vmlinux.h"

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "sensors/udp/rung_cgroup.bpf.h"
#include "sensors/udp/rung_fentry.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";
