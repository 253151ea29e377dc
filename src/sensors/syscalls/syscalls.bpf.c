/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* System calls when they return: those that somebody asks for, as the kernel carried them out. */
#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "bpf/kernel/rings.bpf.h"
#include "sensors/syscalls/uring.bpf.h"

COUNTERS(SYSCALLS_FAMILIES);

#define NUMBER_MASK   (SYSCALLS_NUMBERS - 1)
#define TS_COMPAT     0x2
#define MAP_ANONYMOUS 0x20
#define TIF_32BIT     (1UL << 22)

/* User space writes these at any time. `wanted` is what every system call of the host looks at: by the number that
 * came, native or not. The others go by the native number. */
__u8 wanted[SYSCALLS_NUMBERS];
__u16 native_of_ia32[SYSCALLS_NUMBERS];
__u16 native_of_socketcall[SYSCALLS_SOCKETCALLS];
__u8 arguments_of_socketcall[SYSCALLS_SOCKETCALLS];
__u16 native_of_uring[SYSCALLS_URING_OPS];
struct syscalls_shape shapes[SYSCALLS_NUMBERS];
struct syscalls_want wants[SYSCALLS_NUMBERS];

static __always_inline __u8 entry_of(__u64 number)
{
	return wanted[number & NUMBER_MASK];
}

#if defined(__TARGET_ARCH_x86)
/* Without the bit that marks the calls of x32 programs: most have the native numbers. */
#define NUMBER_OF(regs) ((regs)->orig_ax & 0x3fffffff)

static __always_inline bool is_compat(const struct task_struct *task)
{
	return task->thread_info.status & TS_COMPAT;
}

static __always_inline void note_arguments(struct syscalls_record *record, const struct pt_regs *regs)
{
	if (record->flags & SYSCALLS_IA32) {
		record->args[0] = (__u32)regs->bx;
		record->args[1] = (__u32)regs->cx;
		record->args[2] = (__u32)regs->dx;
		record->args[3] = (__u32)regs->si;
		record->args[4] = (__u32)regs->di;
		record->args[5] = (__u32)regs->bp;
		return;
	}
	record->args[0] = regs->di;
	record->args[1] = regs->si;
	record->args[2] = regs->dx;
	record->args[3] = regs->r10;
	record->args[4] = regs->r8;
	record->args[5] = regs->r9;
}
#elif defined(__TARGET_ARCH_arm64)
#define NUMBER_OF(regs) ((regs)->syscallno)

/* Nothing is wanted of 32-bit programs there: their numbers are not translated. */
static __always_inline bool is_compat(const struct task_struct *task)
{
	return task->thread_info.flags & TIF_32BIT;
}

static __always_inline void note_arguments(struct syscalls_record *record, const struct pt_regs *regs)
{
	record->args[0] = regs->orig_x0;
	record->args[1] = regs->user_regs.regs[1];
	record->args[2] = regs->user_regs.regs[2];
	record->args[3] = regs->user_regs.regs[3];
	record->args[4] = regs->user_regs.regs[4];
	record->args[5] = regs->user_regs.regs[5];
}
#endif

static __always_inline bool passes(const struct draft *draft, const struct syscalls_check *check)
{
	__u64 value;

	if (!check->count)
		return true;
	value = argument(draft, check->argument + 1) & check->mask;
#pragma clang loop unroll(full)
	for (int i = 0; i < SYSCALLS_CHECK_VALUES; i++) {
		if (i < check->count && value == check->values[i])
			return !check->negated;
	}
	return check->negated;
}

static __noinline bool passes_all(const struct draft *draft, const struct syscalls_want *want)
{
	__u8 outcome = draft->record.result < 0 ? SYSCALLS_FAILURE : SYSCALLS_SUCCESS;

	if (!(draft->record.flags & SYSCALLS_RESULT_UNKNOWN) && !(want->results & outcome))
		return false;
#pragma clang loop unroll(full)
	for (int i = 0; i < SYSCALLS_CHECKS; i++) {
		if (!passes(draft, &want->checks[i]))
			return false;
	}
	return true;
}

static __always_inline __u32 given_open_flags(const struct draft *draft, const struct syscalls_shape *shape)
{
	__u64 given = argument(draft, shape->open_flags), flags = 0;

	if (!(shape->flags & SYSCALLS_FLAGS_ARE_STRUCT))
		return given;
	bpf_probe_read_user(&flags, sizeof(flags), (const void *)given);
	return flags;
}

/* The descriptor that the call gave, or was about; negative where there is none. */
static __always_inline __s32 fd_of_call(const struct draft *draft, const struct syscalls_shape *shape)
{
	if (shape->flags & SYSCALLS_RESULT_IS_FD)
		return draft->record.result;
	if (shape->flags & SYSCALLS_FD_UNLESS_ANONYMOUS && draft->record.args[3] & MAP_ANONYMOUS)
		return -1;
	return shape->fd ? (__s32)argument(draft, shape->fd) : -1;
}

static __always_inline bool is_type_wanted(const struct syscalls_want *want, __u32 mode)
{
	return !want->file_types || want->file_types >> (mode >> 12 & 15) & 1;
}

/* Whether file and socket are such as somebody wants to hear of; notes what they are. */
static __noinline bool is_file_wanted(struct draft *draft, struct file *file, __s32 fd,
				      const struct syscalls_shape *shape, const struct syscalls_want *want)
{
	/* A thread has closed it meanwhile: nobody knows what it was. */
	if (!file && fd >= 0 && draft->record.result >= 0) {
		draft->record.flags |= SYSCALLS_FILE_GONE;
		return true;
	}
	if (!file)
		return !want->sockets_only && !want->file_types;
	note_file(draft, file);
	if (want->sockets_only && (draft->record.file.mode & S_IFMT) != S_IFSOCK)
		return false;
	if (!is_type_wanted(want, draft->record.file.mode))
		return false;
	return shape->family != SYSCALLS_FAMILY_OPEN || !is_ignored(draft, file, given_open_flags(draft, shape));
}

static __always_inline void begin(struct syscalls_record *record, __u64 who)
{
	const struct task_struct *task = bpf_get_current_task_btf();

	record->pid = who >> 32;
	record->tid = who;
	record->uid = task->cred->uid.val;
	record->start_time = task->group_leader->start_boottime;
	record->cgroup_id = bpf_get_current_cgroup_id();
	__builtin_memset(record->padding, 0, sizeof(record->padding));
	if (!(record->flags & SYSCALLS_FILE))
		__builtin_memset(&record->file, 0, sizeof(record->file));
	__builtin_memset(&record->socket, 0, sizeof(record->socket));
	__builtin_memset(&record->path, 0, sizeof(*record) - offsetof(struct syscalls_record, path));
}

static __noinline __u32 append_file(struct draft *draft, struct file *file)
{
	const struct sock *sk;

	note_more_of_file(draft, file);
	if ((draft->record.file.mode & S_IFMT) != S_IFSOCK)
		return append_file_path(draft, file, 0);
	sk = sock_of_file(file);
	if (!sk)
		return 0;
	note_socket(draft, sk);
	return draft->record.socket.family == AF_UNIX ? append_unix_path(draft, sk, 0) : 0;
}

static __always_inline bool any_unreadable(__u32 flags)
{
	return flags & (SYSCALLS_ADDRESS_UNREADABLE | SYSCALLS_CONTENT_UNREADABLE | 7 * SYSCALLS_TEXT_UNREADABLE);
}

static __always_inline void send_draft(struct draft *draft, struct family_counters *count, __u8 family, __u32 end)
{
	struct syscalls_record *record = &draft->record;
	__u32 size = sizeof(*record) + end;

	if (any_unreadable(record->flags))
		count->unreadable++;
	if (end > TAIL_SIZE)
		return; /* cannot be; the verifier does not know */
	fill_header(&record->header, bpf_ktime_get_ns(), size, SYSCALLS_CALL);
	if (family == SYSCALLS_FAMILY_CONTROL)
		submit_control(count, record, size);
	else
		submit_data(count, record, size, end);
}

static __noinline void tell(struct draft *draft, struct family_counters *count, struct file *file,
			    const struct syscalls_shape *shape)
{
	__u32 at = 0;

	if (file)
		at = append_file(draft, file);
	at = append_texts(draft, shape, at);
	if (shape->directory[0] || shape->directory[1])
		at = append_directories(draft, shape, at);
	if (shape->address)
		at = append_address(draft, shape, at);
	if (shape->content)
		at = append_content(draft, shape, at);
	if (draft->record.flags & SYSCALLS_URING)
		forget_pointers(draft, shape);
	send_draft(draft, count, shape->family, at);
}

static __always_inline struct family_counters *count_of(const struct syscalls_shape *shape)
{
	__u32 family = shape->family;

	return bpf_map_lookup_elem(&counters, &family);
}

#if defined(__TARGET_ARCH_x86)
/* The native number of what is asked for, and the arguments of that; 0 where nobody wants it. */
static __noinline __u64 unfold_socketcall(struct draft *draft)
{
	__u32 call = draft->record.args[0], args[6] = {};
	__u64 number = native_of_socketcall[call & (SYSCALLS_SOCKETCALLS - 1)];
	__u64 count = bounded(arguments_of_socketcall[call & (SYSCALLS_SOCKETCALLS - 1)], 6);

	if (call >= SYSCALLS_SOCKETCALLS || !number || !(entry_of(number) & SYSCALLS_NATIVE_WANTED))
		return 0;
	bpf_probe_read_user(args, count * sizeof(args[0]), (const void *)draft->record.args[1]);
#pragma clang loop unroll(full)
	for (int i = 0; i < 6; i++)
		draft->record.args[i] = args[i];
	return number;
}
#else
static __always_inline __u64 unfold_socketcall(struct draft *draft)
{
	return 0;
}
#endif

static __noinline int returned(long ret, __u8 entry)
{
	struct task_struct *task = bpf_get_current_task_btf();
	const struct pt_regs *regs = (const void *)bpf_task_pt_regs(task);
	__u64 number = NUMBER_OF(regs), who = current_process();
	const struct syscalls_shape *shape;
	const struct syscalls_want *want;
	struct draft *draft = own_draft();
	struct family_counters *count;
	struct file *file;
	__s32 fd;

	if (number >= SYSCALLS_NUMBERS || !draft)
		return 0;
	if (is_compat(task)) {
		if (!(entry & SYSCALLS_IA32_WANTED))
			return 0;
		draft->record.flags = SYSCALLS_IA32;
		note_arguments(&draft->record, regs);
		number =
			number == SYSCALLS_SOCKETCALL ? unfold_socketcall(draft) : native_of_ia32[number & NUMBER_MASK];
		if (!number)
			return 0;
	} else if (!(entry & SYSCALLS_NATIVE_WANTED)) {
		return 0;
	} else {
		draft->record.flags = 0;
		note_arguments(&draft->record, regs);
	}
	shape = &shapes[number & NUMBER_MASK];
	want = &wants[number & NUMBER_MASK];
	count = count_of(shape);
	if (!count)
		return 0;
	count->seen++;
	draft->record.number = number;
	draft->record.accesses = 0;
	draft->record.result = ret;
	if (not_observed(who) || !passes_all(draft, want) || (want->addressed_only && !has_address(draft, shape))) {
		count->filtered++;
		return 0;
	}
	fd = fd_of_call(draft, shape);
	file = fd >= 0 ? file_of_fd(fd) : NULL;
	if (!is_file_wanted(draft, file, fd, shape, want)) {
		count->filtered++;
		return 0;
	}
	begin(&draft->record, who);
	tell(draft, count, file, shape);
	return 0;
}

static __noinline int submitted(const struct io_kiocb *request)
{
	struct draft *draft = own_draft();
	__u8 op = BPF_CORE_READ(request, opcode);
	__u64 number = native_of_uring[op & (SYSCALLS_URING_OPS - 1)], who = current_process();
	const struct syscalls_shape *shape = &shapes[number & NUMBER_MASK];
	const struct syscalls_want *want = &wants[number & NUMBER_MASK];
	struct family_counters *count;
	struct file *file;

	if (!number || op >= SYSCALLS_URING_OPS || !draft || !(entry_of(number) & SYSCALLS_NATIVE_WANTED))
		return 0;
	count = count_of(shape);
	if (!count)
		return 0;
	count->seen++;
	draft->record.number = number;
	draft->record.flags = SYSCALLS_URING | SYSCALLS_RESULT_UNKNOWN;
	draft->record.accesses = 0;
	draft->record.result = 0;
	note_request(draft, request, op);
	if (not_observed(who) || !passes_all(draft, want)) {
		count->filtered++;
		return 0;
	}
	file = works_on_fd(op) ? file_of_fd(draft->record.args[0]) : NULL;
	if (file)
		note_file(draft, file);
	begin(&draft->record, who);
	tell(draft, count, file, shape);
	return 0;
}

SEC("tp_btf/io_uring_submit_req")
int BPF_PROG(uring_tp_btf, const struct io_kiocb *request)
{
	return submitted(request);
}

/* Its name before 6.3 (io_uring: rename trace_io_uring_submit_sqe() tracepoint). */
SEC("tp_btf/io_uring_submit_sqe")
int BPF_PROG(uring_before_6_3_tp_btf, const struct io_kiocb *request)
{
	return submitted(request);
}

SEC("raw_tp/io_uring_submit_req")
int BPF_PROG(uring_raw_tp, const struct io_kiocb *request)
{
	return submitted(request);
}

SEC("raw_tp/io_uring_submit_sqe")
int BPF_PROG(uring_before_6_3_raw_tp, const struct io_kiocb *request)
{
	return submitted(request);
}

SEC("tp_btf/sys_exit")
int BPF_PROG(exit_tp_btf, struct pt_regs *regs, long ret)
{
	__u8 entry = entry_of(NUMBER_OF(regs));

	return entry ? returned(ret, entry) : 0;
}

SEC("raw_tp/sys_exit")
int BPF_PROG(exit_raw_tp, struct pt_regs *regs, long ret)
{
	const struct pt_regs *own = (const void *)bpf_task_pt_regs(bpf_get_current_task_btf());
	__u8 entry = entry_of(NUMBER_OF(own));

	return entry ? returned(ret, entry) : 0;
}

char license_text[] SEC("license") = "Dual BSD/GPL";
