/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Sensor tcp: what processes send and receive through TCP and unix stream sockets. One object for every rung: the
 * loader leaves out the programs of those it does not climb.
 */
#include "vmlinux.h"

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "sensors/tcp/announce.bpf.h"
#include "sensors/tcp/rung_fentry.bpf.h"
#include "sensors/tcp/rung_kprobe_unix.bpf.h"
#include "sensors/tcp/rung_syscall.bpf.h"
#include "sensors/tcp/rung_tracepoint.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";
