/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The messages of the sensor and its clients.
 *
 * The sensor answers a command with a message of the same type and id, whose
 * user is 0 or an errno: EINVAL (the command has data; no command may have
 * any), ERANGE (user is too large, or no rate), EOPNOTSUPP (no such command).
 * The sensor hangs up on a client that has sent SENSOR_ERRORS_MAX wrong
 * commands. A command that comes twice changes nothing the second time.
 */
#ifndef SENSOR_H
#define SENSOR_H

#include <linux/types.h>

enum {
	SENSOR_START = 1,	/* send me the samples whose number is a
				   multiple of 2 to the power of user */
	SENSOR_STOP,		/* send me no more; one may still be on its way */
	SENSOR_SET_RATE,	/* user: samples a second, for all clients */
	SENSOR_SAMPLE,		/* from the sensor; id: number, user: time in ns */
};

/*
 * Largest rate, in samples a second. Any client sets the rate for all, and one
 * interrupt sends a sample to every client: with many clients a higher rate would
 * take a whole processor.
 */
#define SENSOR_RATE_MAX	1000u
#define SENSOR_RATE	100u	/* rate until a client sets another one */
#define SENSOR_POWER_MAX	31u
#define SENSOR_ERRORS_MAX	100

/* The data of a sample. */
struct sensor_sample {
	__s32 value;
	__u32 reserved;
};

#endif /* SENSOR_H */
