/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What the sensor and its clients say to each other: the type of a message.
 *
 * A client's command is answered with a message of the same type and id, whose user
 * is 0 or an errno: EINVAL (the command has data, and none has any), ERANGE (user is
 * too large, or no rate), EOPNOTSUPP (no such command). A client whose commands
 * were wrong SENSOR_ERRORS_MAX times is hung up on. A command that is given twice
 * changes nothing the second time.
 */
#ifndef SENSOR_H
#define SENSOR_H

#include <linux/types.h>

enum {
	SENSOR_START = 1,	/* send me samples: every one whose number is a
				   multiple of 2 to the power of user */
	SENSOR_STOP,		/* no more; one that is being sent may still come */
	SENSOR_SET_RATE,	/* user: samples a second, for all clients */
	SENSOR_SAMPLE,		/* from the sensor. id: its number; user: its time, ns */
};

#define SENSOR_RATE_MAX	10000u
#define SENSOR_RATE	100u	/* until somebody says otherwise */
#define SENSOR_POWER_MAX	31u
#define SENSOR_ERRORS_MAX	100

/* The data of a sample. */
struct sensor_sample {
	__s32 value;
	__u32 reserved;
};

#endif /* SENSOR_H */
