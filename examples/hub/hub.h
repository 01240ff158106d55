/* SPDX-License-Identifier: MIT */
/*
 * The messages of the hub and its members. The data of a message are text;
 * members send only the first two types.
 *
 *	type         data sent by a member   data sent by the hub
 *	HUB_NAME     its name, once, first   who has joined, you included
 *	HUB_TEXT     what it says            "name: what it says"
 *	HUB_LEFT                             who has left
 *	HUB_REFUSED                          why the hub refused a message
 *	HUB_MISSED                           -; the member has missed texts
 */
#ifndef HUB_H
#define HUB_H

#define HUB_NAME_MAX	31
#define HUB_TEXT_MAX	1000

enum {
	HUB_NAME = 1,
	HUB_TEXT,
	HUB_LEFT,
	HUB_REFUSED,
	HUB_MISSED,
};

#endif /* HUB_H */
