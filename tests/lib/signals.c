// SPDX-License-Identifier: MIT
/*
 * What signals do to a wait (kucomms.h): a handler that runs ends it, whatever the
 * handler's flags; a process that is stopped and continued does not notice.
 *
 * Each wait is in a child of its own. From when the child is ready nothing but the
 * wait makes its first thread sleep, so when /proc says that it does the wait is
 * disturbed.
 */

#include "lib.h"

#define STOPS		10
#define TIMEOUT_MS	200

/* Behind the name of one who is not there yet. */
#define LATE		"_late"

static const struct kucomms_options small = {
	.size = sizeof(small), .send_size = 65536, .receive_size = 65536,
};

/* What a child has: both ends of a channel, and maybe an endpoint. */
struct world {
	const char *name;
	struct kucomms_listener *listener;
	struct kucomms_channel *here;
	struct kucomms_channel *there;
	struct kucomms_endpoint *endpoint;
	int timeout_ms;
};

/*
 * A wait, and what ends one for ever. @endpoint: whether there is one, and
 * whether it is running. @prepare: until nothing is left to do but to wait.
 */
struct wait_case {
	const char *what;
	enum { NONE, IDLE, STARTED } endpoint;
	int (*prepare)(struct world *world);
	int (*wait)(struct world *world);
	void (*finish)(struct world *world);
};

static const struct kucomms_message empty_message;

static void *open_here(void *arg)
{
	struct world *world = arg;

	if (kucomms_open(world->name, &small, &world->here))
		world->here = NULL;
	return NULL;
}

static const struct kucomms_ops no_handlers;

static int make_world(struct world *world, const struct wait_case *wait)
{
	pthread_t thread;
	int err;

	err = kucomms_listen(world->name, NULL, &world->listener);
	if (err)
		return err;
	pthread_create(&thread, NULL, open_here, world);
	err = kucomms_accept(world->listener, &world->there, -1);
	pthread_join(thread, NULL);
	if (err || !world->here)
		return err ? err : -ENOENT;
	if (wait->endpoint != NONE)
		err = kucomms_endpoint_create(&no_handlers, NULL, NULL,
					      &world->endpoint);
	if (!err && wait->endpoint != NONE)
		err = kucomms_endpoint_add(world->endpoint, world->here);
	if (!err && wait->endpoint == STARTED)
		err = kucomms_endpoint_start(world->endpoint);
	return err;
}

/* The waits. */

static int wait_receive(struct world *world)
{
	struct kucomms_message message;
	const void *data;

	return kucomms_receive(world->here, &message, &data,
			       world->timeout_ms);
}

static int wait_receive_copy(struct world *world)
{
	struct kucomms_message message;
	char buffer[8];

	return kucomms_receive_copy(world->here, &message, buffer,
				    sizeof(buffer), world->timeout_ms);
}

static int wait_call(struct world *world)
{
	struct kucomms_message answer;
	const void *data;

	return kucomms_exchange(world->here, &empty_message, NULL, &answer,
				&data, world->timeout_ms);
}

static int fill(struct world *world)
{
	int err;

	do {
		err = kucomms_send(world->here, &empty_message, NULL, 0, 0);
	} while (!err);
	return err == -EAGAIN ? 0 : err;
}

static int wait_send(struct world *world)
{
	return kucomms_send(world->here, &empty_message, NULL, 0,
			    world->timeout_ms);
}

static int wait_reserve(struct world *world)
{
	struct kucomms_message *record;

	return kucomms_reserve(world->here, 0, &record, world->timeout_ms);
}

static int wait_accept(struct world *world)
{
	struct kucomms_channel *channel;

	return kucomms_accept(world->listener, &channel, world->timeout_ms);
}

static int wait_open(struct world *world)
{
	struct kucomms_options options = small;
	struct kucomms_channel *channel;
	char name[sizeof(process_name) + sizeof(LATE)];

	options.timeout_ms = world->timeout_ms;
	snprintf(name, sizeof(name), "%s" LATE, world->name);
	return kucomms_open(name, &options, &channel);
}

static int wait_run(struct world *world)
{
	return kucomms_endpoint_run(world->endpoint);
}

/* The first turns find out what there is to do. */
static int dispatch_all(struct world *world)
{
	int err;

	do {
		err = kucomms_endpoint_dispatch(world->endpoint, 0);
	} while (!err);
	return err == -EAGAIN ? 0 : err;
}

static int wait_dispatch(struct world *world)
{
	return kucomms_endpoint_dispatch(world->endpoint, world->timeout_ms);
}

static int wait_call_wait(struct world *world)
{
	struct kucomms_message answer;

	return kucomms_call_wait(world->here, &empty_message, NULL, &answer,
				 NULL, 0, world->timeout_ms);
}

/* What they wait for. */

static void finish_send(struct world *world)
{
	kucomms_send(world->there, &empty_message, NULL, 0, -1);
}

static void finish_answer(struct world *world)
{
	struct kucomms_message message;
	const void *data;

	if (!kucomms_receive(world->there, &message, &data, -1))
		kucomms_send(world->there, &message, NULL, 0, -1);
	kucomms_release(world->there);
}

static void finish_receive(struct world *world)
{
	struct kucomms_message message;
	const void *data;

	while (!kucomms_receive(world->there, &message, &data, -1))
		kucomms_release(world->there);
}

static void finish_open(struct world *world)
{
	struct kucomms_channel *channel;

	kucomms_open(world->name, &small, &channel);
}

static void finish_listen(struct world *world)
{
	char name[sizeof(process_name) + sizeof(LATE)];
	struct kucomms_listener *listener;
	struct kucomms_channel *channel;

	snprintf(name, sizeof(name), "%s" LATE, world->name);
	if (!kucomms_listen(name, NULL, &listener))
		kucomms_accept(listener, &channel, -1);
}

static void finish_stop(struct world *world)
{
	kucomms_endpoint_stop(world->endpoint);
}

static const struct wait_case waits[] = {
	{ "receive", NONE, NULL, wait_receive, finish_send },
	{ "receive_copy", NONE, NULL, wait_receive_copy, finish_send },
	{ "call", NONE, NULL, wait_call, finish_answer },
	{ "send", NONE, fill, wait_send, finish_receive },
	{ "reserve", NONE, fill, wait_reserve, finish_receive },
	{ "accept", NONE, NULL, wait_accept, finish_open },
	{ "open", NONE, NULL, wait_open, finish_listen },
	{ "endpoint_run", IDLE, NULL, wait_run, finish_stop },
	{ "endpoint_dispatch", IDLE, dispatch_all, wait_dispatch, finish_send },
	{ "send of an endpoint's", STARTED, fill, wait_send, finish_receive },
	{ "call_wait", STARTED, NULL, wait_call_wait, finish_answer },
};

/* In the child: the thread that ends the wait when the parent says so. */
struct finisher {
	struct world *world;
	const struct wait_case *wait;
	int fd;
};

static void *finish(void *arg)
{
	struct finisher *finisher = arg;
	char byte;

	if (read(finisher->fd, &byte, 1) == 1)
		finisher->wait->finish(finisher->world);
	return NULL;
}

static void nothing(int signal)
{
	(void)signal;
}

/* The child's exit status is the errno that the wait ended with. */
static void child(struct world *world, const struct wait_case *wait, int flags,
		  int finish_fd, int ready_fd)
{
	struct finisher finisher = { world, wait, finish_fd };
	struct sigaction action = { .sa_handler = nothing, .sa_flags = flags };
	sigset_t all, before;
	pthread_t thread;
	int err;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	err = make_world(world, wait);
	if (!err && wait->prepare)
		err = wait->prepare(world);
	sigaction(SIGUSR1, &action, NULL);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pthread_create(&thread, NULL, finish, &finisher);
	pthread_detach(thread);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (err || write(ready_fd, "", 1) != 1)
		_exit(255);
	_exit(-wait->wait(world));
}

struct waiting_child {
	pid_t pid;
	int finish;
};

static struct waiting_child start(const struct wait_case *wait,
				  const char *name, int timeout_ms, int flags)
{
	struct world world = { .name = name, .timeout_ms = timeout_ms };
	struct waiting_child started;
	int ready[2], finish[2];
	char byte;

	assert_int_equal(pipe(ready), 0);
	assert_int_equal(pipe(finish), 0);
	fflush(NULL);
	started.pid = fork();
	if (!started.pid)
		child(&world, wait, flags, finish[0], ready[1]);
	assert_true(started.pid > 0);
	close(ready[1]);
	close(finish[0]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	started.finish = finish[1];
	return started;
}

/* Its first thread's. */
static char state_of(pid_t pid)
{
	char path[64], state = '?';
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", pid, pid);
	file = fopen(path, "r");
	if (!file)
		return state;
	if (fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
		state = '?';
	fclose(file);
	return state;
}

/* Until it sleeps; false: it has ended. */
static bool until_asleep(pid_t pid)
{
	char state;

	while ((state = state_of(pid)) != 'S') {
		if (state == 'Z' || state == '?')
			return false;
		sched_yield();
	}
	return true;
}

static void stop_and_continue(pid_t pid)
{
	int status, i;

	for (i = 0; i < STOPS && until_asleep(pid); i++) {
		kill(pid, SIGSTOP);
		assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
		if (!WIFSTOPPED(status))
			fail_msg("the wait ended with %s",
				 strerror(WEXITSTATUS(status)));
		kill(pid, SIGCONT);
	}
}

/* What it waits for comes; it may have ended for another reason. */
static void end(const struct waiting_child *waiting)
{
	assert_true(write(waiting->finish, "", 1) == 1 || errno == EPIPE);
}

static int result_of(const struct waiting_child *ended)
{
	int status;

	assert_int_equal(waitpid(ended->pid, &status, 0), ended->pid);
	close(ended->finish);
	assert_true(WIFEXITED(status));
	return -WEXITSTATUS(status);
}

#define COUNT(array)	(sizeof(array) / sizeof((array)[0]))

/* What a test does with each wait over each transport. */
static void with_each(void (*test)(const struct wait_case *wait,
				   const char *name))
{
	size_t i, j;

	for (i = 0; i < COUNT(waits); i++) {
		for (j = 0; j < COUNT(names); j++) {
			print_message("# %s %s\n", waits[i].what, names[j]);
			test(&waits[i], names[j]);
		}
	}
}

static void stopped_for_ever(const struct wait_case *wait, const char *name)
{
	const struct waiting_child stopped = start(wait, name, -1, 0);

	stop_and_continue(stopped.pid);
	end(&stopped);
	assert_int_equal(result_of(&stopped), 0);
}

static void a_wait_goes_on_when_the_process_is_continued(void **state)
{
	(void)state;
	with_each(stopped_for_ever);
}

static __u64 now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000ULL + now.tv_nsec / 1000000;
}

/* Each wait begins after @begin, and may be over before it is disturbed. */
static void stopped_with_a_deadline(const struct wait_case *wait,
				    const char *name)
{
	const __u64 begin = now_ms();
	struct waiting_child stopped;
	int status;

	if (wait->wait == wait_run)
		return;
	stopped = start(wait, name, TIMEOUT_MS, 0);
	do {
		if (until_asleep(stopped.pid))
			kill(stopped.pid, SIGSTOP);
		assert_int_equal(waitpid(stopped.pid, &status, WUNTRACED),
				 stopped.pid);
		kill(stopped.pid, SIGCONT);
	} while (WIFSTOPPED(status));
	close(stopped.finish);
	assert_true(now_ms() - begin >= TIMEOUT_MS);
	assert_int_equal(-WEXITSTATUS(status),
			 wait->wait == wait_open ? -ENOENT : -ETIMEDOUT);
}

static void a_deadline_stays_where_it_is_meanwhile(void **state)
{
	(void)state;
	with_each(stopped_with_a_deadline);
}

/* One that runs just before the wait begins does not end it: so many come. */
static void interrupted(const struct wait_case *wait, const char *name,
			int flags)
{
	const struct waiting_child waiting = start(wait, name, -1, flags);

	while (until_asleep(waiting.pid))
		kill(waiting.pid, SIGUSR1);
	assert_int_equal(result_of(&waiting), -EINTR);
}

static void interrupted_once(const struct wait_case *wait, const char *name)
{
	interrupted(wait, name, 0);
}

static void interrupted_restart(const struct wait_case *wait, const char *name)
{
	interrupted(wait, name, SA_RESTART);
}

static void a_handler_that_runs_ends_a_wait(void **state)
{
	(void)state;
	with_each(interrupted_once);
	with_each(interrupted_restart);
}

static void ignored(const struct wait_case *wait, const char *name)
{
	const struct waiting_child waiting = start(wait, name, -1, 0);
	int i;

	for (i = 0; i < STOPS && until_asleep(waiting.pid); i++)
		kill(waiting.pid, SIGCHLD);
	end(&waiting);
	assert_int_equal(result_of(&waiting), 0);
}

static void a_signal_without_a_handler_ends_none(void **state)
{
	(void)state;
	with_each(ignored);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_wait_goes_on_when_the_process_is_continued),
		cmocka_unit_test(a_deadline_stays_where_it_is_meanwhile),
		cmocka_unit_test(a_handler_that_runs_ends_a_wait),
		cmocka_unit_test(a_signal_without_a_handler_ends_none),
	};
	int failed;

	signal(SIGPIPE, SIG_IGN);
	begin_program();
	failed = cmocka_run_group_tests_name("lib-signals", tests, NULL, NULL);
	unlink(socket_path());
	strcat(process_name, LATE);
	unlink(socket_path());
	return end_program(failed);
}
