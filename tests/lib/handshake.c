// SPDX-License-Identifier: MIT
/*
 * A process that connects, or listens, and breaks the rules from the first
 * message on is told exactly what is wrong, and disturbs no other process.
 */
#include "hostile.h"

#define SILENT		200u	/* more than a listener has places for */
#define CONNECTS	20000ul
#define NONSENSE	2000ul

static const struct kucomms_ops echo_ops = { .message = echo_message };

/* The honest client: what it sends comes back. */
static void exchange(struct kucomms_channel *channel, unsigned int count)
{
	struct kucomms_message answer;
	const void *data;
	__u64 i;

	for (i = 0; i < count; i++) {
		const struct kucomms_message request = {
			.length = sizeof(i), .id = i,
		};

		assert_int_equal(kucomms_exchange(channel, &request, &i,
						  &answer, &data, -1), 0);
		assert_int_equal(answer.id, i);
		assert_int_equal(answer.length, sizeof(i));
		assert_int_equal(memcmp(data, &i, sizeof(i)), 0);
		kucomms_release(channel);
	}
}

static void open_and_exchange(unsigned int count)
{
	struct kucomms_channel *channel;

	assert_int_equal(open_patiently(process_name, NULL, &channel), 0);
	exchange(channel, count);
	kucomms_channel_close(channel);
}

/* Descriptors that are not what ought to come with a hello, each by a function. */
static int no_descriptor(void)
{
	return -1;
}

static int good_memory(void)
{
	return raw_memory(page() + RAW_RING, 0, RAW_SEALS);
}

static int short_memory(void)
{
	return raw_memory(page() + RAW_RING - 1, 0, RAW_SEALS);
}

static int long_memory(void)
{
	return raw_memory(2 * (page() + RAW_RING), 0, RAW_SEALS);
}

static int empty_memory(void)
{
	return raw_memory(0, 0, RAW_SEALS);
}

static int memory_that_shrinks(void)
{
	return raw_memory(page() + RAW_RING, 0, RAW_SEALS & ~F_SEAL_SHRINK &
						~F_SEAL_SEAL);
}

static int memory_with_holes_to_come(void)
{
	return raw_memory(page() + RAW_RING, 0,
			  F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW);
}

static int unsealed_memory(void)
{
	return raw_memory(page() + RAW_RING, 0, 0);
}

/* Of the size that a hello with a ring of 2 MiB less a page would ask for. */
static int huge_memory(void)
{
	return raw_memory(2 << 20, MFD_HUGETLB, RAW_SEALS);
}

static int pipe_end(void)
{
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	close(ends[1]);
	return ends[0];
}

static int socket_end(void)
{
	return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static int counter(void)
{
	return eventfd(0, EFD_CLOEXEC);
}

static int zeroes(void)
{
	return open("/dev/zero", O_RDWR | O_CLOEXEC);
}

static int path_only(void)
{
	return open("/dev/zero", O_PATH | O_CLOEXEC);
}

static int directory_of_files(void)
{
	return open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int (*const no_memories[])(void) = {
	no_descriptor, short_memory, long_memory, empty_memory,
	memory_that_shrinks, memory_with_holes_to_come, unsealed_memory,
	huge_memory, pipe_end, socket_end, counter, zeroes, path_only,
	directory_of_files,
};

#define COUNT(array)	(sizeof(array) / sizeof((array)[0]))

/* Says hello, and returns the status that is answered, which is all that is. */
static int status_of(const struct kc_hello *hello, size_t length,
		     const int *fds, unsigned int count)
{
	struct kc_hello answer;
	int memory, fd = raw_connect();
	char byte;

	assert_true(fd >= 0);
	assert_true(raw_say(fd, hello, length, fds, count));
	assert_true(raw_hear(fd, &answer, &memory));
	assert_int_equal(answer.magic, KC_HELLO_MAGIC);
	if (answer.status) {
		assert_int_equal(memory, -1);
		assert_true(recv(fd, &byte, 1, 0) <= 0);
	} else {
		close(memory);
	}
	close(fd);
	return answer.status;
}

static int status_with(struct kc_hello hello)
{
	const int memory = good_memory();
	const int status = status_of(&hello, sizeof(hello), &memory, 1);

	close(memory);
	return status;
}

static void refused_for_its_words(void)
{
	const __u32 no_sizes[] = {
		0, 1, 2048, 4095, 4097, 12288, 1u << 30, 1u << 31, ~0u, ~4095u,
	};
	struct kc_hello hello;
	unsigned int i;

	hello = raw_hello();
	hello.magic++;
	assert_int_equal(status_with(hello), -EPROTO);
	hello = raw_hello();
	hello.version++;
	assert_int_equal(status_with(hello), -EPROTONOSUPPORT);
	for (i = 0; i < COUNT(no_sizes); i++) {
		hello = raw_hello();
		hello.size = no_sizes[i];
		assert_int_equal(status_with(hello), -EINVAL);
		hello = raw_hello();
		hello.wanted = no_sizes[i];
		assert_int_equal(status_with(hello), no_sizes[i] ? -EINVAL : 0);
	}
	hello = raw_hello();
	hello.flags = 1u << 31;
	assert_int_equal(status_with(hello), -EPROTO);
	hello = raw_hello();
	hello.status = -1;
	assert_int_equal(status_with(hello), -EPROTO);
	hello = raw_hello();
	hello.reserved = 1;
	assert_int_equal(status_with(hello), -EPROTO);
	hello = raw_hello();
	hello.flags = KC_HELLO_NUMBER;
	hello.number = ~0u;
	assert_int_equal(status_with(hello), -EINVAL);
}

static void refused_for_its_memory(void)
{
	struct kc_hello hello = raw_hello();
	unsigned int i;
	int fd;

	for (i = 0; i < COUNT(no_memories); i++) {
		fd = no_memories[i]();
		hello.size = no_memories[i] == huge_memory ? 1 << 20 : RAW_RING;
		assert_int_equal(status_of(&hello, sizeof(hello), &fd, fd >= 0),
				 -EPROTO);
		if (fd >= 0)
			close(fd);
	}
}

/* More than one descriptor is sent, or less than one hello, or more. */
static void too_much_or_too_little(void)
{
	const struct kc_hello hellos[2] = { raw_hello(), raw_hello() };
	int fds[8], i;

	for (i = 0; i < 8; i++)
		fds[i] = i ? counter() : good_memory();
	assert_int_equal(status_of(hellos, sizeof(hellos[0]), fds, 8), 0);
	assert_int_equal(status_of(hellos, sizeof(hellos), fds, 1), 0);
	assert_int_equal(status_of(hellos, sizeof(hellos[0]) - 1, fds, 1),
			 -EPROTO);
	assert_int_equal(status_of(hellos, 1, fds, 8), -EPROTO);
	for (i = 0; i < 8; i++)
		close(fds[i]);
}

static void nonsense(void)
{
	unsigned char bytes[256];
	__u64 state = seed();
	unsigned long left;
	unsigned int i;
	int fd;

	for (left = shortened(NONSENSE); left; left--) {
		for (i = 0; i < sizeof(bytes); i++)
			bytes[i] = (unsigned char)random_next(&state);
		fd = raw_connect();
		assert_true(fd >= 0);
		raw_say(fd, bytes, 1 + random_below(&state, sizeof(bytes)),
			NULL, 0);
		if (random_below(&state, 2))
			shutdown(fd, SHUT_WR);
		close(fd);
	}
}

static void bad_clients_are_told_what_is_wrong(void **state)
{
	struct kucomms_endpoint *endpoint = serve(&echo_ops, NULL, process_name);
	const int before = count_open();
	struct kucomms_channel *channel;

	(void)state;
	assert_int_equal(open_patiently(process_name, NULL, &channel), 0);
	refused_for_its_words();
	exchange(channel, 1);
	refused_for_its_memory();
	exchange(channel, 1);
	too_much_or_too_little();
	exchange(channel, 1);
	nonsense();
	exchange(channel, 1);
	open_and_exchange(1);
	kucomms_channel_close(channel);
	wait_for_channels(endpoint, 0);
	/* A process that was just refused may still have an open socket. */
	while (count_open() > before)
		open_and_exchange(1);
	wait_for_channels(endpoint, 0);
	assert_int_equal(count_mapped(), 0);
	kucomms_endpoint_destroy(endpoint);
}

/* They say nothing, and there are more of them than places for such. */
static void silent_clients_keep_nobody_out(void **state)
{
	struct kucomms_endpoint *endpoint = serve(&echo_ops, NULL, process_name);
	const int before = count_open();
	struct kucomms_channel *channel;
	int silent[SILENT];
	unsigned int i;

	(void)state;
	assert_int_equal(open_patiently(process_name, NULL, &channel), 0);
	for (i = 0; i < SILENT; i++) {
		silent[i] = raw_connect();
		assert_true(silent[i] >= 0);
		if (!(i % 10))
			open_and_exchange(1);
	}
	exchange(channel, 100);
	/* 64 places, a channel and its other end. */
	assert_true(count_open() <= before + (int)SILENT + 64 + 2 + 2);
	for (i = 0; i < SILENT; i++)
		close(silent[i]);
	open_and_exchange(1);
	kucomms_channel_close(channel);
	kucomms_endpoint_destroy(endpoint);
}

/* Connects all the time, and counts. */
static pid_t flood(unsigned long *connects)
{
	pid_t pid = fork_quietly();
	int fd;

	if (pid)
		return pid;
	for (;;) {
		fd = raw_connect();
		if (fd < 0)
			continue;
		if (__atomic_add_fetch(connects, 1, __ATOMIC_RELAXED) & 1)
			raw_say(fd, "?", 1, NULL, 0);
		close(fd);
	}
}

static void a_flood_of_clients_disturbs_nobody(void **state)
{
	unsigned long *connects = share(sizeof(*connects));
	struct kucomms_endpoint *endpoint = serve(&echo_ops, NULL, process_name);
	const unsigned long enough = shortened(CONNECTS);
	struct kucomms_channel *channel;
	pid_t pids[3];
	int i;

	(void)state;
	assert_int_equal(open_patiently(process_name, NULL, &channel), 0);
	for (i = 0; i < 3; i++)
		pids[i] = flood(connects);
	do {
		exchange(channel, 100);
	} while (__atomic_load_n(connects, __ATOMIC_RELAXED) < enough);
	for (i = 0; i < 3; i++)
		kill_process(pids[i]);
	open_and_exchange(1);
	kucomms_channel_close(channel);
	kucomms_endpoint_destroy(endpoint);
	munmap(connects, sizeof(*connects));
}

/* The same for one who accepts by himself, and has only so much time. */
static void accept_is_not_kept_by_a_flood(void **state)
{
	unsigned long *connects = share(sizeof(*connects));
	struct kucomms_listener *listener;
	struct kucomms_channel *channel;
	pid_t pids[3];
	int i;

	(void)state;
	assert_int_equal(kucomms_listen(process_name, NULL, &listener), 0);
	for (i = 0; i < 3; i++)
		pids[i] = flood(connects);
	for (i = 0; i < 20; i++)
		assert_int_equal(kucomms_accept(listener, &channel, 10),
				 -ETIMEDOUT);
	for (i = 0; i < 3; i++)
		kill_process(pids[i]);
	kucomms_listener_close(listener);
	munmap(connects, sizeof(*connects));
}

/* A listener that answers as it is told. */
struct answer {
	const char *what;
	struct kc_hello hello;
	size_t length;
	int (*memory)(void);
	bool forever;
	bool silent;
	int err;
};

static struct kc_hello answer_hello(int status)
{
	struct kc_hello hello = raw_hello();

	hello.status = status;
	return hello;
}

static int raw_listen(void)
{
	const struct sockaddr_un address = raw_address();
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (const struct sockaddr *)&address,
			      sizeof(address)), 0);
	assert_int_equal(listen(fd, 16), 0);
	return fd;
}

static void give_answer(int fd, const struct answer *answer)
{
	int memory = answer->memory ? answer->memory() : -1;

	if (answer->length)
		raw_say(fd, &answer->hello, answer->length, &memory,
			memory >= 0);
	if (memory >= 0)
		close(memory);
	while (answer->forever &&
	       (raw_say(fd, &answer->hello, answer->length, NULL, 0) ||
		errno == EAGAIN))
		;
}

/* Each who connects is answered so. */
static pid_t bad_listener(int socket, const struct answer *answer)
{
	pid_t pid = fork_quietly();
	struct kc_hello hello;
	int fd, memory;

	if (pid)
		return pid;
	for (;;) {
		fd = accept(socket, NULL, NULL);
		assert_true(fd >= 0);
		raw_hear(fd, &hello, &memory);
		if (memory >= 0)
			close(memory);
		/* A silent process keeps it. */
		if (answer->silent)
			continue;
		give_answer(fd, answer);
		close(fd);
	}
}

static const struct kucomms_options small_rings = {
	.size = sizeof(small_rings),
	.send_size = RAW_RING,
	.receive_size = RAW_RING,
};

static void try_answer(int socket, const struct answer *answer)
{
	const int open = count_open();
	struct kucomms_channel *channel;
	pid_t pid = bad_listener(socket, answer);
	int err = answer->silent ?
		  kucomms_open(process_name, &small_rings, &channel) :
		  open_patiently(process_name, &small_rings, &channel);

	if (err != answer->err)
		fprintf(stderr, "# a listener that answers with %s:\n",
			answer->what);
	assert_int_equal(err, answer->err);
	assert_int_equal(count_open(), open);
	assert_int_equal(count_mapped(), 0);
	kill_process(pid);
}

static void bad_listeners_are_told_apart(void **state)
{
	const size_t whole = sizeof(struct kc_hello);
	struct answer answers[] = {
		{ "nothing", .silent = true, .err = -ETIMEDOUT },
		{ "its end", .err = -ESHUTDOWN },
		{ "half a hello", raw_hello(), whole / 2, good_memory,
		  .err = -EPROTO },
		{ "another magic", raw_hello(), whole, good_memory,
		  .err = -EPROTO },
		{ "another version", raw_hello(), whole, good_memory,
		  .err = -EPROTONOSUPPORT },
		{ "another size", raw_hello(), whole, good_memory,
		  .err = -EPROTO },
		{ "a refusal", answer_hello(-EUSERS), whole, NULL,
		  .err = -EUSERS },
		{ "a refusal that looks like none", answer_hello(-EAGAIN),
		  whole, NULL, .forever = true, .err = -EAGAIN },
		{ "success that is none", answer_hello(1), whole, good_memory,
		  .err = -EPROTO },
		{ "what is no errno", answer_hello(-4096), whole, NULL,
		  .err = -EPROTO },
		{ "what cannot be negated", answer_hello(-0x7fffffff - 1), whole,
		  NULL, .err = -EPROTO },
	};
	struct answer memory = { "bad memory", raw_hello(), whole,
				 .err = -EPROTO };
	const int socket = raw_listen();
	unsigned int i;

	(void)state;
	answers[3].hello.magic++;
	answers[4].hello.version++;
	answers[5].hello.size *= 2;
	for (i = 0; i < COUNT(answers); i++)
		try_answer(socket, &answers[i]);
	for (i = 0; i < COUNT(no_memories); i++) {
		memory.memory = no_memories[i];
		try_answer(socket, &memory);
	}
	close(socket);
	unlink(socket_path());
}

/* Meanwhile the endpoint that looks for such a listener serves others. */
static void a_bad_listener_keeps_no_endpoint(void **state)
{
	const struct answer answers[] = {
		{ "nothing", .silent = true },
		{ "its end", .silent = false },
		{ "no end of refusals", answer_hello(-EAGAIN),
		  sizeof(struct kc_hello), .forever = true },
	};
	const struct kucomms_endpoint_options often = {
		.size = sizeof(often), .reconnect_ms = 1,
	};
	struct kucomms_endpoint *endpoint;
	struct kucomms_channel *channel;
	const int socket = raw_listen();
	unsigned int i;
	pid_t pid;

	(void)state;
	assert_int_equal(kucomms_endpoint_create(&echo_ops, NULL, &often,
						 &endpoint), 0);
	assert_int_equal(kucomms_endpoint_listen(endpoint, "local:hello", NULL),
			 0);
	assert_int_equal(kucomms_endpoint_start(endpoint), 0);
	assert_int_equal(kucomms_endpoint_connect(endpoint, process_name, NULL,
						  KUCOMMS_CONNECT_RETRY, NULL),
			 0);
	assert_int_equal(kucomms_open("local:hello", NULL, &channel), 0);
	for (i = 0; i < COUNT(answers); i++) {
		pid = bad_listener(socket, &answers[i]);
		exchange(channel, (unsigned int)shortened(20000));
		kill_process(pid);
	}
	kucomms_channel_close(channel);
	kucomms_endpoint_destroy(endpoint);
	close(socket);
	unlink(socket_path());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_clients_are_told_what_is_wrong),
		cmocka_unit_test(silent_clients_keep_nobody_out),
		cmocka_unit_test(a_flood_of_clients_disturbs_nobody),
		cmocka_unit_test(accept_is_not_kept_by_a_flood),
		cmocka_unit_test(bad_listeners_are_told_apart),
		cmocka_unit_test(a_bad_listener_keeps_no_endpoint),
	};

	return run_program("lib-handshake", tests);
}
