// SPDX-License-Identifier: MIT
/*
 * An endpoint in the event loop of a program: plain epoll, which also waits for
 * standard input and for signals. Each side prints what is typed at the other
 * side; the side that listens sends to all that are connected. Input must be a
 * terminal or a pipe, since epoll does not accept files.
 *
 *	talk listen process:talk
 *	talk connect process:talk
 */
#include <errno.h>
#include <kucomms/endpoint.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

struct talk;

/* A descriptor that the loop waits for, and the function to call then. */
struct source {
	int (*handle)(struct talk *talk);
};

/*
 * @peers: channels that are connected
 * @done:  no more input, a signal, or the listener has gone
 * @err:   why epoll cannot wait for input, as a negated errno
 */
struct talk {
	struct kucomms_endpoint *endpoint;
	int loop;
	bool connects;
	unsigned int peers;
	bool done;
	int err;
};

static int watch(struct talk *talk, int fd, const struct source *source)
{
	struct epoll_event event = {
		.events = EPOLLIN,
		.data.ptr = (void *)source,
	};

	if (epoll_ctl(talk->loop, EPOLL_CTL_ADD, fd, &event))
		return -errno;
	return 0;
}

static int on_input(struct talk *talk)
{
	struct kucomms_message message = { };
	char text[1024];
	ssize_t got = read(STDIN_FILENO, text, sizeof(text));
	int reached;

	if (got < 0)
		return errno == EINTR || errno == EAGAIN ? 0 : -errno;
	talk->done = got == 0;
	if (talk->done)
		return 0;
	message.length = (__u32)got;
	reached = kucomms_broadcast(talk->endpoint, &message, text, 0);
	if (reached == -ESRCH)
		fprintf(stderr, "nobody got that\n");
	return reached < 0 && reached != -ESRCH ? reached : 0;
}

static int on_signal(struct talk *talk)
{
	talk->done = true;
	return 0;
}

static int on_endpoint(struct talk *talk)
{
	int err = kucomms_endpoint_dispatch(talk->endpoint, 0);

	return err == -EAGAIN || err == -EINTR ? 0 : err;
}

static const struct source input = { on_input };
static const struct source signals = { on_signal };
static const struct source endpoint = { on_endpoint };

static int talk_message(struct kucomms_channel *channel,
			const struct kucomms_message *message, const void *data,
			void *priv)
{
	(void)channel;
	(void)priv;
	fwrite(data, 1, message->length, stdout);
	fflush(stdout);
	return 0;
}

/* Handlers run in the loop, so they may change what the loop waits for. */
static int talk_connect(struct kucomms_channel *channel, void *priv)
{
	struct talk *talk = priv;

	(void)channel;
	if (!talk->peers)
		talk->err = watch(talk, STDIN_FILENO, &input);
	if (!talk->err)
		talk->peers++;
	return talk->err;
}

/* While nobody is connected, input stays in the pipe or terminal. */
static void talk_disconnect(struct kucomms_channel *channel, void *priv)
{
	struct talk *talk = priv;

	(void)channel;
	talk->peers--;
	if (!talk->peers)
		epoll_ctl(talk->loop, EPOLL_CTL_DEL, STDIN_FILENO, NULL);
	if (talk->connects)
		talk->done = true;
}

static const struct kucomms_ops ops = {
	.message = talk_message,
	.connect = talk_connect,
	.disconnect = talk_disconnect,
};

static int wait_and_handle(struct talk *talk)
{
	struct epoll_event events[8];
	int i, count, err = 0;

	count = epoll_wait(talk->loop, events, 8, -1);
	if (count < 0)
		return errno == EINTR ? 0 : -errno;
	for (i = 0; i < count && !err && !talk->done; i++) {
		const struct source *source = events[i].data.ptr;

		err = source->handle(talk);
	}
	return err ? err : talk->err;
}

static int run(struct talk *talk, int signal_fd)
{
	int err;

	err = watch(talk, kucomms_endpoint_fd(talk->endpoint), &endpoint);
	if (!err)
		err = watch(talk, signal_fd, &signals);
	while (!err && !talk->done)
		err = wait_and_handle(talk);
	return err;
}

static int reach(struct talk *talk, const char *name)
{
	int err;

	if (talk->connects)
		return kucomms_endpoint_connect(talk->endpoint, name, NULL, 0,
						NULL);
	err = kucomms_endpoint_listen(talk->endpoint, name, NULL);
	if (!err)
		fprintf(stderr, "listening at %s\n", name);
	return err;
}

static int talk_at(const char *name, bool connects, int signal_fd)
{
	struct talk talk = { .connects = connects };
	int err;

	talk.loop = epoll_create1(EPOLL_CLOEXEC);
	if (talk.loop < 0)
		return -errno;
	err = kucomms_endpoint_create(&ops, &talk, NULL, &talk.endpoint);
	if (!err)
		err = reach(&talk, name);
	if (!err)
		err = run(&talk, signal_fd);
	kucomms_endpoint_destroy(talk.endpoint);
	close(talk.loop);
	return err;
}

int main(int argc, char **argv)
{
	int signal_fd, err;
	sigset_t set;

	if (argc != 3 || (strcmp(argv[1], "listen") &&
			  strcmp(argv[1], "connect"))) {
		fputs("usage: talk listen|connect NAME\n", stderr);
		return 2;
	}
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal_fd = signalfd(-1, &set, SFD_CLOEXEC);
	err = signal_fd < 0 ? -errno :
	      talk_at(argv[2], !strcmp(argv[1], "connect"), signal_fd);
	if (err)
		fprintf(stderr, "cannot talk at %s: %s\n", argv[2],
			kucomms_strerror(err));
	return err ? 1 : 0;
}
