// SPDX-License-Identifier: MIT
/*
 * The route manager in a process: listens at process:route, or where it is told
 * to, until SIGINT or SIGTERM.
 *
 *	process [NAME [ROUTES_MAX]]
 */
#include <kucomms/endpoint.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "manager.h"
#include "route.h"

static int serve(const char *name, struct route_manager *manager,
		 const sigset_t *until)
{
	struct kucomms_endpoint *endpoint;
	int err, signal;

	err = kucomms_endpoint_create(&route_ops, manager, NULL, &endpoint);
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
	const char *name = argc > 1 ? argv[1] : "process:" ROUTE_DEVICE;
	unsigned long limit = argc > 2 ? strtoul(argv[2], NULL, 10) : 4000000;
	struct route_manager *manager = route_manager_create(limit);
	sigset_t signals;
	int err;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	err = manager ? serve(name, manager, &signals) : -ENOMEM;
	route_manager_destroy(manager);
	if (err)
		fprintf(stderr, "cannot serve %s: %s\n", name, strerror(-err));
	return err ? 1 : 0;
}
