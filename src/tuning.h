/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KUCOMMS_SRC_TUNING_H
#define KUCOMMS_SRC_TUNING_H

#include <linux/types.h>
#include <kucomms/module.h>

struct cpumask;

/* The administrator's choice: an enum kucomms_dispatch, or what the module wants. */
enum kucomms_choice {
	KUCOMMS_CHOICE_ADAPTIVE = KUCOMMS_DISPATCH_ADAPTIVE,
	KUCOMMS_CHOICE_THREAD = KUCOMMS_DISPATCH_THREAD,
	KUCOMMS_CHOICE_POLL = KUCOMMS_DISPATCH_POLL,
	KUCOMMS_CHOICE_DEFAULT,
};

/**
 * struct kucomms_tuning - what the administrator wants of an endpoint
 * @choice:       where the message handler runs
 * @poll_idle_us: of KUCOMMS_DISPATCH_POLL; 0: what the module wants
 * @cpus:         for the threads, allocated; NULL: what the module wants
 */
struct kucomms_tuning {
	enum kucomms_choice choice;
	unsigned int poll_idle_us;
	struct cpumask *cpus;
};

/* The longest that a polling thread may go on without a message. */
#define KUCOMMS_POLL_IDLE_MAX_US	1000000u

int kucomms_choice_parse(enum kucomms_choice *choice, const char *text);
const char *kucomms_choice_name(enum kucomms_choice choice);

#endif
