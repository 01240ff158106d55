/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KUCOMMS_SRC_MULTICAST_H
#define KUCOMMS_SRC_MULTICAST_H

#include <linux/types.h>

struct kucomms_message;
struct net;

/*
 * As many groups as there are, from 1. Not more: each time that somebody joins or
 * leaves one, netlink goes through as many bits of every socket that is in any.
 */
#define KUCOMMS_GROUPS	256

void kucomms_multicast_init(void);
void kucomms_multicast_uninit(void);
unsigned int kucomms_multicast_take(void);
void kucomms_multicast_give(unsigned int group);
int kucomms_multicast_join(struct net *net, int group);
void kucomms_multicast_send(unsigned int group,
			    const struct kucomms_message *message,
			    const void *data);

#endif
