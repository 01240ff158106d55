// SPDX-License-Identifier: GPL-2.0-only
/*
 * The second thread of a ping-pong.
 */
#include <pthread.h>

#include "pingpong.h"

static pthread_t other;

void pingpong_start(struct pingpong *pingpong, void *(*thread)(void *))
{
	pthread_attr_t attributes;
	cpu_set_t set;
	int err;

	CPU_ZERO(&set);
	CPU_SET(settings.far_cpu, &set);
	pingpong->stop = false;
	pthread_attr_init(&attributes);
	pthread_attr_setaffinity_np(&attributes, sizeof(set), &set);
	err = pthread_create(&other, &attributes, thread, pingpong);
	if (err)
		die("pthread_create", err);
	pthread_attr_destroy(&attributes);
}

void pingpong_join(void)
{
	pthread_join(other, NULL);
}

bool pingpong_fits(const struct cell *wanted)
{
	return wanted->size == 64 && wanted->batch == 1;
}
