// SPDX-License-Identifier: MIT
/*
 * The route manager in a process: listens at process:route, or at the name that
 * it is given, until SIGINT or SIGTERM.
 */
#include <kucomms/endpoint.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "manager.h"
#include "route.h"

#define LIMIT	4000000

static const char usage[] =
	"usage: process [NAME [ROUTES_MAX]]\n"
	"\n"
	"The route manager, for kucomms-route -t process.\n"
	"NAME        where to listen: process:route, or process: and the path of\n"
	"            a socket, which is then the -n of kucomms-route\n"
	"ROUTES_MAX  how many routes there may be: 4000000\n";

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

static int run(const char *name, unsigned long limit)
{
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
		fprintf(stderr, "cannot serve %s: %s\n", name,
			kucomms_strerror(err));
	return err ? 1 : 0;
}

/* Returns 0 if @text is no number of routes. */
static unsigned long parse_limit(const char *text)
{
	char *end;
	unsigned long limit = strtoul(text, &end, 10);

	return *end ? 0 : limit;
}

int main(int argc, char **argv)
{
	const unsigned long limit = argc > 2 ? parse_limit(argv[2]) : LIMIT;

	if (argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")))
		return fputs(usage, stdout) < 0;
	if (argc > 3 || !limit) {
		fputs(usage, stderr);
		return 2;
	}
	return run(argc > 1 ? argv[1] : "process:" ROUTE_DEVICE, limit);
}
