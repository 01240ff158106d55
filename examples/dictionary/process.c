// SPDX-License-Identifier: MIT
/*
 * The dictionary in a process: listens at process:dictionary, or at the name
 * that it is given, until SIGINT or SIGTERM.
 */
#include <kucomms/endpoint.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "dictionary.h"

static int serve(const char *name, struct dictionary *dictionary,
		 const sigset_t *until)
{
	struct kucomms_endpoint *endpoint;
	int err, signal;

	err = kucomms_endpoint_create(&dictionary_ops, dictionary, NULL,
				      &endpoint);
	if (err)
		return err;
	err = kucomms_endpoint_listen(endpoint, name, NULL);
	if (!err)
		err = kucomms_endpoint_start(endpoint);
	if (!err) {
		printf("serving %s\n", name);
		fflush(stdout);
		sigwait(until, &signal);
	}
	kucomms_endpoint_destroy(endpoint);
	return err;
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "process:dictionary";
	struct dictionary *dictionary = dictionary_create();
	sigset_t signals;
	int err;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	err = dictionary ? serve(name, dictionary, &signals) : -ENOMEM;
	dictionary_destroy(dictionary);
	if (err)
		fprintf(stderr, "cannot serve %s: %s\n", name,
			kucomms_strerror(err));
	return err ? 1 : 0;
}
