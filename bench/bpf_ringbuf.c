// SPDX-License-Identifier: GPL-2.0-only
/*
 * BPF's rings: a user ring buffer to the kernel, a ring buffer back, and one
 * system call for each batch, which runs a program that drains the one into the
 * other.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>

#include "bench.h"
#include "bpf_ringbuf.h"

/* The programs are part of this one. */
__asm__(".section .rodata\n"
	".balign 8\n"
	"bpf_object_begin:\n"
	".incbin \"bpf_ringbuf.bpf.o\"\n"
	"bpf_object_end:\n"
	".previous\n");

extern const char bpf_object_begin[], bpf_object_end[];

static struct bpf_object *object;
static struct user_ring_buffer *to_kernel;
static struct ring_buffer *to_user;
static int state_file, program;
static uint64_t received, number;

static int quiet(enum libbpf_print_level level, const char *format, va_list list)
{
	(void)level;
	(void)format;
	(void)list;
	return 0;
}

static int take(void *context, void *data, size_t length)
{
	(void)context;
	if (length != cell.size)
		disordered++;
	check(data, number++);
	received++;
	return 0;
}

static struct bpf_map *map(const char *name)
{
	struct bpf_map *found = bpf_object__find_map_by_name(object, name);

	if (!found)
		die(name, ENOENT);
	return found;
}

/* The one map whose name the library makes up: the programs' variables. */
static struct bpf_map *variables(void)
{
	struct bpf_map *found;

	bpf_object__for_each_map(found, object) {
		if (bpf_map__value_size(found) ==
		    sizeof(struct bpf_ringbuf_state))
			return found;
	}
	die("BPF variables", ENOENT);
}

static void set_state(void)
{
	const struct bpf_ringbuf_state state = { .batch = cell.batch };
	const __u32 zero = 0;

	if (bpf_map_update_elem(state_file, &zero, &state, 0))
		die("BPF variables", errno);
}

/* Only the one that is needed is loaded, so the verifier sees no others. */
static int choose(const struct cell *wanted)
{
	static const char *const names[DIRECTIONS] = {
		[ECHO] = "echo", [TO_KERNEL] = "sink", [TO_USER] = "source",
	};
	struct bpf_program *each;
	char name[32];

	snprintf(name, sizeof(name), "%s_%u", names[wanted->direction],
		 wanted->size);
	bpf_object__for_each_program(each, object)
		bpf_program__set_autoload(each, !strcmp(name,
					  bpf_program__name(each)));
	bpf_map__set_max_entries(map("to_kernel"), ring_size());
	bpf_map__set_max_entries(map("to_user"), ring_size());
	if (bpf_object__load(object))
		return -errno;
	program = bpf_program__fd(
			bpf_object__find_program_by_name(object, name));
	return 0;
}

static const char *bpf_ringbuf_open(const struct subject *subject,
				    const struct cell *wanted)
{
	int err;

	(void)subject;
	libbpf_set_print(quiet);
	object = bpf_object__open_mem(bpf_object_begin,
				      bpf_object_end - bpf_object_begin, NULL);
	if (!object)
		return reason("BPF programs", errno);
	err = choose(wanted);
	if (err) {
		bpf_object__close(object);
		return reason("the kernel refuses BPF user ring buffers", -err);
	}
	to_kernel = user_ring_buffer__new(bpf_map__fd(map("to_kernel")), NULL);
	to_user = ring_buffer__new(bpf_map__fd(map("to_user")), take, NULL,
				   NULL);
	if (!to_kernel || !to_user)
		die("BPF rings", errno);
	state_file = bpf_map__fd(variables());
	set_state();
	return NULL;
}

static void bpf_ringbuf_close(void)
{
	ring_buffer__free(to_user);
	user_ring_buffer__free(to_kernel);
	bpf_object__close(object);
}

static void put_batch(void)
{
	uint64_t *data;
	uint32_t i;

	for (i = 0; i < cell.batch; i++) {
		data = user_ring_buffer__reserve(to_kernel, cell.size);
		if (!data)
			die("BPF user ring buffer", errno);
		*data = sequence++;
		user_ring_buffer__submit(to_kernel, data);
	}
}

static void run(void)
{
	LIBBPF_OPTS(bpf_test_run_opts, options);

	syscalls++;
	if (bpf_prog_test_run_opts(program, &options))
		die("BPF program", errno);
}

static void take_batch(void)
{
	received = 0;
	ring_buffer__consume(to_user);
	if (received != cell.batch)
		disordered += cell.batch - received;
}

static void bpf_ringbuf_echo(uint64_t count)
{
	number = sequence;
	for (; count; count -= cell.batch) {
		put_batch();
		run();
		take_batch();
	}
}

static void bpf_ringbuf_to_kernel(uint64_t count)
{
	for (; count; count -= cell.batch) {
		put_batch();
		run();
	}
}

static void bpf_ringbuf_to_user(uint64_t count)
{
	number = sequence;
	for (; count; count -= cell.batch) {
		run();
		take_batch();
	}
	sequence = number;
}

static struct bench_count bpf_ringbuf_count(void)
{
	struct bpf_ringbuf_state state;
	const __u32 zero = 0;

	if (bpf_map_lookup_elem(state_file, &zero, &state))
		die("BPF variables", errno);
	set_state();
	return (struct bench_count){ state.received, state.lost };
}

const struct subject subject_bpf_ringbuf = {
	.name = "bpf-ringbuf",
	.open = bpf_ringbuf_open,
	.close = bpf_ringbuf_close,
	.run = { bpf_ringbuf_echo, bpf_ringbuf_to_kernel, bpf_ringbuf_to_user },
	.count = bpf_ringbuf_count,
};
