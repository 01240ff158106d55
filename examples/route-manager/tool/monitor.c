// SPDX-License-Identifier: MIT
/*
 * Changes, as they come.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "command.h"
#include "error.h"
#include "interface.h"

/*
 * @signals: a descriptor that is readable when a signal has come
 * @count:   changes that have been printed
 * @listing: a list has been requested, and has not ended
 * @gap:     changes have been lost since that request
 * @answer:  the last answer
 */
struct monitor {
	const struct manager *manager;
	const struct style *style;
	const struct request *request;
	int signals;
	__u32 count;
	bool listing;
	bool gap;
	struct answer answer;
};

/* Returns a descriptor from which signals are read, or a negated errno. */
static int catch_signals(void)
{
	sigset_t signals;
	int fd;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	fd = signalfd(-1, &signals, SFD_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static bool finished(const struct monitor *monitor)
{
	return monitor->request->count && !monitor->listing &&
	       monitor->count >= monitor->request->count;
}

/*
 * Starts a list. What is printed from here on makes any copy complete: the list
 * is in step with the changes that come before, between and after its entries.
 * Returns whether to go on; if not, @status is the exit status.
 */
static bool begin_list(struct monitor *monitor, int *status)
{
	struct request list = *monitor->request;

	list.type = ROUTE_LIST;
	monitor->listing = true;
	monitor->gap = false;
	print_flush(monitor->style, &list.filter);
	*status = command_send(monitor->manager, &list);
	return !*status;
}

/* Lost changes may be of routes that this list has already printed. */
static bool take_lost(struct monitor *monitor, int *status)
{
	print_lost(monitor->style, monitor->answer.id);
	if (!monitor->request->list)
		return true;
	monitor->gap = true;
	return monitor->listing || begin_list(monitor, status);
}

/* Handles a ROUTE_DONE: first that of the subscription, then those of lists. */
static bool take_done(struct monitor *monitor, int *status)
{
	const bool listed = monitor->listing;

	*status = command_done(monitor->request, &monitor->answer);
	if (*status)
		return false;
	monitor->listing = false;
	if (!listed)
		fputs("kucomms-route: subscribed\n", stderr);
	if (listed ? monitor->gap : monitor->request->list)
		return begin_list(monitor, status);
	return !finished(monitor);
}

/* Returns whether to go on; if not, @status is the exit status. */
static bool take(struct monitor *monitor, int *status)
{
	const struct answer *answer = &monitor->answer;

	switch (answer->type) {
	case ROUTE_CHANGE:
		print_change(monitor->style, answer->user, answer->id,
			     &answer->route);
		monitor->count++;
		*status = EXIT_SUCCESS;
		return !finished(monitor);
	case ROUTE_ENTRY:
		print_change(monitor->style, ROUTE_ADDED, 0, &answer->route);
		return true;
	case ROUTE_LOST:
		return take_lost(monitor, status);
	case ROUTE_DONE:
		return take_done(monitor, status);
	default:
		return true;
	}
}

/* Prints all changes that have come. Returns whether to go on. */
static bool drain(struct monitor *monitor, int *status)
{
	struct kucomms_channel *channel = monitor->manager->channel;
	int err;

	while (!(err = answer_receive(&monitor->answer, channel, 0)))
		if (!take(monitor, status))
			return false;
	if (err == -EAGAIN)
		return true;
	manager_lost(monitor->manager, err);
	*status = EXIT_FAILURE;
	return false;
}

/* Waits for a message. Returns false if a signal has come. */
static bool sleep_until_change(const struct monitor *monitor)
{
	struct pollfd files[] = {
		{ .fd = kucomms_channel_poll_start(monitor->manager->channel),
		  .events = POLLIN },
		{ .fd = monitor->signals, .events = POLLIN },
	};

	fflush(stdout);
	poll(files, sizeof(files) / sizeof(files[0]), -1);
	interface_forget_numbers();
	return !files[1].revents;
}

int monitor_run(const struct manager *manager, const struct style *style,
		const struct request *request)
{
	struct monitor monitor = {
		.manager = manager,
		.style = style,
		.request = request,
		.signals = catch_signals(),
	};
	int status = EXIT_SUCCESS;

	if (monitor.signals < 0) {
		report("cannot wait for signals: %s: %s",
		       error_name(-monitor.signals),
		       strerror(-monitor.signals));
		return EXIT_FAILURE;
	}
	kucomms_channel_poll_start(manager->channel);
	if (command_send(manager, request))
		status = EXIT_FAILURE;
	else
		while (drain(&monitor, &status) && sleep_until_change(&monitor))
			;
	close(monitor.signals);
	return status;
}
