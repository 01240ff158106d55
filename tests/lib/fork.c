// SPDX-License-Identifier: MIT
/*
 * What a child may do with what its parent has: close it, which the parent does not
 * notice; all else fails with ESTALE. And what is left after exec(): nothing.
 */
#include <dirent.h>
#include <sys/mman.h>

#include "lib.h"
/* A child ends by an assertion, and does not go on with the parent's tests. */
#include "../assertions.h"

/* One of each kind: what a parent has when it forks. */
struct family {
	const char *name;
	struct kucomms_listener *listener;
	struct kucomms_channel *here;
	struct kucomms_channel *there;
	struct kucomms_channel *member;
	struct kucomms_endpoint *endpoint;
	struct kucomms_message *record;
	struct kucomms_call call;
	bool over;
};

/* With the lock, since be_busy() broadcasts. */
static int echo(struct kucomms_channel *channel,
		const struct kucomms_message *message, const void *data,
		void *priv)
{
	(void)priv;
	return kucomms_send(channel, message, data, 0, 0);
}

static const struct kucomms_ops echoes = { .message = echo };

static void *open_here(void *arg)
{
	struct family *family = arg;

	if (kucomms_open(family->name, NULL, &family->here))
		family->here = NULL;
	return NULL;
}

static void open_family_pair(struct family *family)
{
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, open_here, family), 0);
	assert_int_equal(kucomms_accept(family->listener, &family->there, -1), 0);
	pthread_join(thread, NULL);
	assert_non_null(family->here);
}

static void call_done(struct kucomms_call *call, int err,
		      const struct kucomms_message *answer, const void *data)
{
	(void)call;
	(void)err;
	(void)answer;
	(void)data;
}

static void make_family(struct family *family, const char *name)
{
	static const struct kucomms_message message = { .length = 5 };

	*family = (struct family){ .name = name, .call.done = call_done };
	assert_int_equal(kucomms_listen(name, NULL, &family->listener), 0);
	assert_int_equal(kucomms_endpoint_create(&echoes, NULL, NULL,
						 &family->endpoint), 0);
	/* One pair is an endpoint's and a channel's, the other two channels'. */
	open_family_pair(family);
	family->member = kucomms_channel_get(family->there);
	assert_int_equal(kucomms_endpoint_add(family->endpoint,
					      family->member), 0);
	kucomms_channel_close(family->here);
	open_family_pair(family);
	assert_int_equal(kucomms_endpoint_start(family->endpoint), 0);
	/* With a message on its way and a record that is not committed. */
	assert_int_equal(kucomms_send(family->there, &message, "first", 0, 0), 0);
	assert_int_equal(kucomms_reserve(family->here, 8, &family->record, 0), 0);
}

/* Nothing that a child did can be seen. */
static void use_family(struct family *family)
{
	struct kucomms_message message;
	const void *data;

	assert_int_equal(kucomms_receive(family->here, &message, &data, 0), 0);
	assert_memory_equal(data, "first", 5);
	kucomms_release(family->here);
	memcpy(family->record + 1, "second!", 8);
	assert_int_equal(kucomms_commit(family->here, family->record, 0), 0);
	assert_int_equal(kucomms_receive(family->there, &message, &data, 0), 0);
	assert_memory_equal(data, "second!", 8);
	kucomms_release(family->there);
	assert_int_equal(kucomms_receive(family->here, &message, &data, 0),
			 -EAGAIN);
	kucomms_channel_close(family->here);
	assert_int_equal(kucomms_receive(family->there, &message, &data, -1),
			 -ESHUTDOWN);
	kucomms_channel_close(family->there);
	/* The listener and the endpoint go on. */
	open_family_pair(family);
	assert_int_equal(kucomms_endpoint_add(family->endpoint, family->there),
			 0);
	message = (struct kucomms_message){ .length = 4 };
	assert_int_equal(kucomms_exchange(family->here, &message, "echo",
					  &message, &data, -1),
			 0);
	assert_memory_equal(data, "echo", 4);
	kucomms_release(family->here);
	kucomms_channel_close(family->here);
	kucomms_channel_put(family->member);
	kucomms_endpoint_destroy(family->endpoint);
	kucomms_listener_close(family->listener);
}

static void close_all(struct family *family)
{
	kucomms_release(family->here);
	kucomms_channel_close(family->here);
	kucomms_channel_close(family->there);
	kucomms_listener_close(family->listener);
	kucomms_endpoint_destroy(family->endpoint);
	kucomms_channel_put(family->member);
}

/* What lies where the rings are in the parent is the child's own. */
static void close_all_beside_other_memory(struct family *family)
{
	static char *memory[64];
	const size_t size = 1 << 18;
	size_t i;

	for (i = 0; i < 64; i++) {
		memory[i] = mmap(NULL, size, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		assert_true(memory[i] != MAP_FAILED);
		memory[i][0] = 1;
	}
	close_all(family);
	for (i = 0; i < 64; i++)
		assert_true(memory[i][0] == 1 && !munmap(memory[i], size));
}

static unsigned int descriptors(void)
{
	DIR *fds = opendir("/proc/self/fd");
	unsigned int count = 0;

	assert_true(fds);
	while (readdir(fds))
		count++;
	closedir(fds);
	return count;
}

static void a_child_closes_what_is_its_own(void **state)
{
	struct family family;
	unsigned int before;
	size_t i;
	pid_t pid;

	(void)state;
	for (i = 0; i < 2; i++) {
		before = descriptors();
		make_family(&family, names[i]);
		pid = fork_quietly();
		if (!pid) {
			close_all_beside_other_memory(&family);
			assert_true(descriptors() == before);
			_exit(0);
		}
		end_process(pid);
		use_family(&family);
	}
}

static void expect_stale_channel(struct kucomms_channel *channel)
{
	struct kucomms_channel_stats stats = { .size = sizeof(stats) };
	struct kucomms_message message = { .length = 1 }, *record;
	struct kucomms_peer peer;
	const void *data;
	char buffer[64];

	assert_true(kucomms_send(channel, &message, "x", 0, -1) == -ESTALE);
	assert_true(kucomms_reserve(channel, 1, &record, -1) == -ESTALE);
	assert_true(kucomms_flush(channel) == -ESTALE);
	assert_true(kucomms_receive(channel, &message, &data, -1) == -ESTALE);
	assert_true(kucomms_receive_copy(channel, &message, buffer, sizeof(buffer),
				  -1) == -ESTALE);
	kucomms_release(channel);
	assert_true(kucomms_exchange(channel, &message, "x", &message, &data, -1) ==
	     -ESTALE);
	assert_true(kucomms_channel_reattach(channel, -1) == -ESTALE);
	assert_true(kucomms_channel_poll_start(channel) == -ESTALE);
	assert_true(kucomms_channel_fd(channel) == -ESTALE);
	assert_true(kucomms_channel_get_stats(channel, &stats) == -ESTALE);
	assert_true(kucomms_channel_get_peer(channel, &peer) == -ESTALE);
	assert_true(kucomms_channel_length_max(channel) == 0);
	assert_true(!kucomms_channel_priv(channel));
	kucomms_channel_shutdown(channel);
}

static void expect_stale_endpoint(struct family *family)
{
	struct kucomms_endpoint_stats stats = { .size = sizeof(stats) };
	struct kucomms_endpoint *endpoint = family->endpoint;
	struct kucomms_message message = { .length = 1 };

	assert_true(kucomms_endpoint_start(endpoint) == -ESTALE);
	assert_true(kucomms_endpoint_run(endpoint) == -ESTALE);
	assert_true(kucomms_endpoint_dispatch(endpoint, -1) == -ESTALE);
	assert_true(kucomms_endpoint_fd(endpoint) == -ESTALE);
	assert_true(kucomms_endpoint_connect(endpoint, family->name, NULL, 0, NULL) ==
	     -ESTALE);
	assert_true(kucomms_endpoint_listen(endpoint, "local:x", NULL) == -ESTALE);
	assert_true(kucomms_endpoint_add(endpoint, family->here) == -ESTALE);
	assert_true(kucomms_endpoint_remove(endpoint, family->member) == -ESTALE);
	assert_true(kucomms_endpoint_get_stats(endpoint, &stats) == -ESTALE);
	assert_true(kucomms_broadcast(endpoint, &message, "x", 0) == -ESTALE);
	assert_true(kucomms_reply(family->member, &message, "x", 0) == -ESTALE);
	assert_true(kucomms_call_start(family->member, &family->call, &message, "x",
				-1) == -ESTALE);
	assert_true(kucomms_call_wait(family->member, &message, "x", &message, NULL, 0,
			       -1) == -ESTALE);
	kucomms_endpoint_stop(endpoint);
}

static void all_else_fails_in_a_child(void **state)
{
	struct kucomms_channel *channel;
	struct family family;
	size_t i;
	pid_t pid;

	(void)state;
	for (i = 0; i < 2; i++) {
		make_family(&family, names[i]);
		kucomms_channel_set_priv(family.here, &family);
		pid = fork_quietly();
		if (!pid) {
			expect_stale_channel(family.here);
			expect_stale_channel(family.there);
			expect_stale_channel(family.member);
			assert_true(kucomms_discard(family.here, family.record) ==
			     -ESTALE);
			expect_stale_endpoint(&family);
			assert_true(kucomms_listener_fd(family.listener) == -ESTALE);
			assert_true(kucomms_accept(family.listener, &channel, -1) ==
			     -ESTALE);
			_exit(0);
		}
		end_process(pid);
		use_family(&family);
	}
}

/* The parent's "local:" names mean nothing to it, and its own are free. */
static void a_child_opens_channels_of_its_own(void **state)
{
	struct family family, own;
	struct kucomms_channel *channel;
	pid_t pid, grandchild;

	(void)state;
#ifdef __SANITIZE_THREAD__
	print_message("ThreadSanitizer knows no threads in a child\n");
	skip();
#endif
	make_family(&family, "local:test");
	pid = fork_quietly();
	if (!pid) {
		assert_true(kucomms_open("local:test", NULL, &channel) == -ENOENT);
		make_family(&own, "local:test");
		expect_stale_channel(family.here);
		grandchild = fork_quietly();
		if (!grandchild) {
			expect_stale_channel(family.here);
			expect_stale_channel(own.here);
			close_all(&own);
			close_all(&family);
			_exit(0);
		}
		end_process(grandchild);
		close_all(&family);
		use_family(&own);
		_exit(0);
	}
	end_process(pid);
	use_family(&family);
}

/* One that has all locks, and is always at work. */
static void *be_busy(void *arg)
{
	struct family *family = arg;
	struct kucomms_message message = { .length = 1 };
	const void *data;

	while (!__atomic_load_n(&family->over, __ATOMIC_ACQUIRE)) {
		if (kucomms_exchange(family->here, &message, "x", &message,
				     &data, -1))
			break;
		kucomms_release(family->here);
		kucomms_broadcast(family->endpoint, &message, "y", 0);
		kucomms_receive(family->here, &message, &data, -1);
		kucomms_release(family->here);
		message.length = 1;
	}
	return NULL;
}

static void whatever_its_threads_do_when_the_parent_forks(void **state)
{
	struct family family = { .name = "local:test" };
	pthread_t thread;
	pid_t pid;
	int i;

	(void)state;
	assert_int_equal(kucomms_endpoint_create(&echoes, NULL, NULL,
						 &family.endpoint), 0);
	assert_int_equal(kucomms_endpoint_listen(family.endpoint, "local:test",
						 NULL), 0);
	assert_int_equal(kucomms_endpoint_start(family.endpoint), 0);
	assert_int_equal(kucomms_open("local:test", NULL, &family.here), 0);
	assert_int_equal(pthread_create(&thread, NULL, be_busy, &family), 0);
	for (i = 0; i < 100; i++) {
		pid = fork_quietly();
		if (!pid) {
			alarm(60);
			kucomms_endpoint_destroy(family.endpoint);
			kucomms_channel_close(family.here);
			_exit(0);
		}
		end_process(pid);
	}
	__atomic_store_n(&family.over, true, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	kucomms_endpoint_destroy(family.endpoint);
	kucomms_channel_close(family.here);
}

/* The other side hears at once when the parent has gone: no child keeps it alive. */
static void who_closes_keeps_nothing_open(void **state)
{
	struct family family;
	struct kucomms_message message;
	const void *data;
	pid_t pid;
	int ready[2], hold[2];
	char byte;

	(void)state;
	assert_int_equal(pipe(ready), 0);
	assert_int_equal(pipe(hold), 0);
	family = (struct family){ .name = process_name };
	assert_int_equal(kucomms_listen(process_name, NULL, &family.listener), 0);
	pid = fork_quietly();
	if (!pid) {
		close(hold[1]);
		assert_true(!kucomms_open(process_name, NULL, &family.here));
		if (!fork()) {
			kucomms_channel_close(family.here);
			assert_true(write(ready[1], "", 1) == 1);
			_exit((int)read(hold[0], &byte, 1));
		}
		assert_true(read(ready[0], &byte, 1) == 1);
		_exit(0);
	}
	assert_int_equal(kucomms_accept(family.listener, &family.there, -1), 0);
	end_process(pid);
	assert_int_equal(kucomms_receive(family.there, &message, &data, -1),
			 -ESHUTDOWN);
	kucomms_channel_close(family.there);
	kucomms_listener_close(family.listener);
	close(ready[0]);
	close(ready[1]);
	close(hold[0]);
	close(hold[1]);
}

/* More descriptors than anything here has. */
#define MANY	256

static void every_descriptor_is_closed_by_exec(void **state)
{
	struct family family;
	size_t i;
	int fd, flags;

	(void)state;
	for (i = 0; i < 2; i++) {
		bool open_before[MANY];

		for (fd = 0; fd < MANY; fd++)
			open_before[fd] = fcntl(fd, F_GETFD) >= 0;
		make_family(&family, names[i]);
		for (fd = 0; fd < MANY; fd++) {
			flags = fcntl(fd, F_GETFD);
			if (flags >= 0 && !open_before[fd])
				assert_true(flags & FD_CLOEXEC);
		}
		use_family(&family);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_child_closes_what_is_its_own),
		cmocka_unit_test(all_else_fails_in_a_child),
		cmocka_unit_test(a_child_opens_channels_of_its_own),
		cmocka_unit_test(whatever_its_threads_do_when_the_parent_forks),
		cmocka_unit_test(who_closes_keeps_nothing_open),
		cmocka_unit_test(every_descriptor_is_closed_by_exec),
	};

	return run_program("lib-fork", tests);
}
