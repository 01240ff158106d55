/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KUCOMMS_SRC_NETLINK_H
#define KUCOMMS_SRC_NETLINK_H

#include <linux/types.h>

int kucomms_netlink_init(void);
void kucomms_netlink_uninit(void);
bool kucomms_netlink_is_on(void);

/* main.c: module parameter */
extern int kucomms_netlink_protocol;

#endif
