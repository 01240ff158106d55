/* SPDX-License-Identifier: MIT */
#ifndef KUCOMMS_LIB_LISTENER_H
#define KUCOMMS_LIB_LISTENER_H

#include "end.h"

/* How many may have connected without having said what they want. */
#define KUCOMMS_STRANGERS	64

/**
 * struct kucomms_listener - what others connect to
 * @mark:      mark of the process whose listener it is, see fork.c
 * @fd:        readable when there may be somebody to accept: the epoll of
 *             @socket and of strangers, or an eventfd
 * @socket:    of a process; -1: it is in this process
 * @path:      of the socket, or the name
 * @options:   with all defaults filled in
 * @numbers:   of the channels
 * @strangers: sockets of those who have not said yet what they want
 * @next:      whose place the next stranger takes
 * @all:       the next in the list of this process's own listeners, under its lock
 * @waiting:   ends of those in this process who have connected; the same
 */
struct kucomms_listener {
	__u32 mark;
	int fd;
	int socket;
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	struct kucomms_listen_options options;
	struct kucomms_numbers *numbers;
	int strangers[KUCOMMS_STRANGERS];
	unsigned int next;
	struct kucomms_listener *all;
	TAILQ_HEAD(, kucomms_end) waiting;
};

int kucomms_listener_take(struct kucomms_listener *listener,
			  struct kucomms_end **end);
int kucomms_listener_answer(struct kucomms_end *end, int status);

/* process-listener.c */
int kucomms_process_listen(struct kucomms_listener *listener);
int kucomms_process_take(struct kucomms_listener *listener,
			 struct kucomms_end **end);
int kucomms_process_answer(struct kucomms_end *end, int status);
void kucomms_process_unlisten(struct kucomms_listener *listener);

/* local.c */
int kucomms_local_listen(struct kucomms_listener *listener);
int kucomms_local_take(struct kucomms_listener *listener,
		       struct kucomms_end **end);
void kucomms_local_unlisten(struct kucomms_listener *listener);

#endif
