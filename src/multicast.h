/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KUCOMMS_SRC_MULTICAST_H
#define KUCOMMS_SRC_MULTICAST_H

#include <linux/types.h>

struct kucomms_message;
struct net;

/*
 * As many groups as there are, from 1. None is given out twice: who has joined one
 * stays in it when its device is removed.
 */
#define KUCOMMS_GROUPS	16384

void kucomms_multicast_init(void);
void kucomms_multicast_uninit(void);
unsigned int kucomms_multicast_group(void);
int kucomms_multicast_join(struct net *net, int group);
void kucomms_multicast_send(unsigned int group,
			    const struct kucomms_message *message,
			    const void *data);

#endif
