/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Go keeps the goroutine that runs in a register of its own: r14, x28. Nothing on the way into a system call touches it.
 * What is in that register of other programs means nothing: who reads a record knows whose it is.
 */
#pragma once

#include <bpf/bpf_helpers.h>

#if defined(__TARGET_ARCH_x86)
#define GO_GOROUTINE(registers) ((registers)->r14)
#elif defined(__TARGET_ARCH_arm64)
#define GO_GOROUTINE(registers) ((registers)->user_regs.regs[28])
#endif

/* A number for it, of its address: none is smaller than 64 bytes. */
static __always_inline __u32 goroutine_number(__u64 goroutine)
{
	return goroutine >> 6;
}

/* Of the current system call, if the process is one of Go. */
static __always_inline __u32 current_goroutine(void)
{
	const struct pt_regs *registers = (const void *)bpf_task_pt_regs(bpf_get_current_task_btf());

	return goroutine_number(GO_GOROUTINE(registers));
}
