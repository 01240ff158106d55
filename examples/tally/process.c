// SPDX-License-Identifier: MIT
/*
 * A tally in a process: listens at process:tally, or at the name that it is given.
 */
#include <kucomms/endpoint.h>
#include <stdio.h>
#include <string.h>

#include "manager.h"

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "process:tally";
	struct tally *tally = tally_create();
	struct kucomms_endpoint *endpoint;
	int err;

	err = kucomms_endpoint_create(&tally_ops, tally, NULL, &endpoint);
	if (!err)
		err = kucomms_endpoint_listen(endpoint, name, NULL);
	if (!err) {
		printf("serving %s\n", name);
		fflush(stdout);
		err = kucomms_endpoint_run(endpoint);
	}
	fprintf(stderr, "%s: %s\n", name, kucomms_strerror(err));
	return 1;
}
