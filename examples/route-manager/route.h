/* SPDX-License-Identifier: (GPL-2.0-only WITH Linux-syscall-note) OR MIT */
/*
 * The messages of the route manager and its clients.
 *
 * Requests. Every request is one message: `type` is the request, `id` is chosen
 * by the client and comes back in every answer, `user` holds ROUTE_FLAG_*, and
 * the data are exactly one of the structures below. Requests of a channel are
 * answered in the order in which they came, so a client may send many before it
 * reads the first answer.
 *
 * Answers. The last answer to every request is one ROUTE_DONE: `user` is 0 or a
 * positive errno, and with an errno the data are a text with the reason,
 * without a NUL at the end. ROUTE_READ and ROUTE_LOOKUP have one ROUTE_ENTRY
 * before it if they succeed, ROUTE_LIST as many as there are routes, in
 * ascending order of (family, table, prefix, length, metric); ROUTE_STATUS has
 * one ROUTE_COUNTS. After ROUTE_LIST and ROUTE_FLUSH the data of ROUTE_DONE are
 * a __u64: how many routes.
 *
 *	error							errno
 *	unknown type						EOPNOTSUPP
 *	data of another size, unknown flags, reserved or
 *	unused fields that are not 0				EINVAL
 *	family neither AF_INET nor AF_INET6			EAFNOSUPPORT
 *	prefix longer than an address, bits set behind it,
 *	table 0, neither gateway nor interface			EINVAL
 *	ROUTE_CREATE: there is one with this key		EEXIST
 *	ROUTE_CREATE: as many routes as there may be, of all
 *	or of this prefix (ROUTE_METRICS_MAX)			ENOSPC
 *	ROUTE_UPDATE, ROUTE_DELETE, ROUTE_READ: no such route	ENOENT
 *	ROUTE_LOOKUP: no route to this address			ENETUNREACH
 *	no memory						ENOMEM
 *
 * Notifications. After ROUTE_SUBSCRIBE a channel gets ROUTE_CHANGE for every
 * change that its filter covers, until ROUTE_UNSUBSCRIBE: `user` is
 * ROUTE_ADDED, ROUTE_CHANGED or ROUTE_REMOVED, `id` the number of the change
 * (each change of the tables has the next one), the data the route as it is
 * now, or was before its removal. A client that reads too slowly misses
 * changes, and gets a ROUTE_LOST in their place as soon as there is room: `id`
 * is the number of the last change that is lost. There may be several
 * ROUTE_LOST in a row.
 *
 * A lookup or a list takes no lock. It sees each change that was answered
 * before the request was sent. Of each change that is made meanwhile it sees
 * all or nothing; but it may see two of them in another order, or only the
 * second.
 *
 * All numbers are in the byte order of the machine, addresses in that of the
 * network. An IPv4 address is in the first four bytes, the others are 0.
 */
#ifndef KUCOMMS_EXAMPLE_ROUTE_H
#define KUCOMMS_EXAMPLE_ROUTE_H

#include <kucomms/abi.h>

#define ROUTE_DEVICE		"route"

/* type: requests, with their data */
#define ROUTE_CREATE		1	/* struct route */
#define ROUTE_UPDATE		2	/* struct route: a new gateway, interface */
#define ROUTE_DELETE		3	/* struct route: the key */
#define ROUTE_READ		4	/* struct route: the key */
#define ROUTE_LOOKUP		5	/* struct route: family, table, whole address */
#define ROUTE_LIST		6	/* struct route_filter */
#define ROUTE_FLUSH		7	/* struct route_filter */
#define ROUTE_SUBSCRIBE		8	/* struct route_filter */
#define ROUTE_UNSUBSCRIBE	9	/* nothing */
#define ROUTE_STATUS		10	/* nothing */

/* type: answers and notifications */
#define ROUTE_DONE		32	/* see above */
#define ROUTE_ENTRY		33	/* struct route */
#define ROUTE_COUNTS		34	/* struct route_counts */
#define ROUTE_CHANGE		35	/* struct route */
#define ROUTE_LOST		36	/* nothing */

/* user: of requests */
#define ROUTE_FLAG_REPLACE	1u	/* ROUTE_CREATE: what has this key goes */
/*
 * ROUTE_DELETE, ROUTE_READ: the route with the lowest metric. ROUTE_UPDATE: the
 * same, and the route keeps its metric. The metric in the key is 0.
 */
#define ROUTE_FLAG_ANY_METRIC	2u

/* user: of ROUTE_CHANGE */
#define ROUTE_ADDED		1
#define ROUTE_CHANGED		2
#define ROUTE_REMOVED		3

/* What `ip route` calls main. */
#define ROUTE_TABLE_MAIN	254u

/* Most routes to one prefix: they are a list, which is searched. */
#define ROUTE_METRICS_MAX	1024u

/*
 * struct route - a route
 * @family:    AF_INET (2) or AF_INET6 (10), as Linux numbers them
 * @length:    of the prefix, in bits
 * @reserved:  0
 * @table:     number of the table, not 0
 * @metric:    of several routes to the same prefix the lowest is used
 * @interface: number of the outgoing interface, 0: that of the gateway
 * @prefix:    the address, no bits set behind @length
 * @gateway:   the next hop, 0: the destination is a neighbour
 *
 * The key is all members but @interface and @gateway, which are 0 where only a
 * key is asked for. For ROUTE_LOOKUP @length is that of a whole address and
 * @metric 0.
 */
struct route {
	__u8 family;
	__u8 length;
	__u16 reserved;
	__u32 table;
	__u32 metric;
	__u32 interface;
	__u8 prefix[16];
	__u8 gateway[16];
};

KUCOMMS_STATIC_ASSERT(sizeof(struct route) == 48);

/*
 * struct route_filter - routes that match
 * @fields:   ROUTE_BY_*: members that must be as in @route; the other members
 *            of @route are 0
 * @reserved: 0
 */
struct route_filter {
	__u32 fields;
	__u32 reserved;
	struct route route;
};

KUCOMMS_STATIC_ASSERT(sizeof(struct route_filter) == 56);

#define ROUTE_BY_FAMILY		(1u << 0)
#define ROUTE_BY_TABLE		(1u << 1)
#define ROUTE_BY_METRIC		(1u << 2)
#define ROUTE_BY_INTERFACE	(1u << 3)
#define ROUTE_BY_GATEWAY	(1u << 4)	/* needs ROUTE_BY_FAMILY */
/* At most one of these, with ROUTE_BY_FAMILY; they use prefix and length. */
#define ROUTE_BY_EXACT		(1u << 5)	/* exactly this prefix */
#define ROUTE_BY_ROOT		(1u << 6)	/* this one and those within it */
#define ROUTE_BY_MATCH		(1u << 7)	/* this one and those around it */

/*
 * struct route_counts - the answer to ROUTE_STATUS
 * @routes4:  IPv4 routes
 * @routes6:  IPv6 routes
 * @limit:    most routes of both families together
 * @tables:   tables that have routes
 * @bytes:    bytes of memory for all routes
 * @changes:  number of the last change
 */
struct route_counts {
	__u64 routes4;
	__u64 routes6;
	__u64 limit;
	__u64 tables;
	__u64 bytes;
	__u64 changes;
};

KUCOMMS_STATIC_ASSERT(sizeof(struct route_counts) == 48);

#endif
