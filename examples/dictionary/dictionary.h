/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The dictionary: keys and values, the same for all clients.
 *
 * Requests. The type of a message is the request, its id is chosen by the
 * client, its user must be 0. Each request gets exactly one answer, in the
 * order of the requests, with the same type and id, and 0 or an errno in user:
 *
 *	type   data of the request       data of the answer
 *	PUT    struct dictionary_put     -
 *	GET    key                       value
 *	DELETE key                       -
 *	NEXT   key, or nothing           the next key in the order of bytes, or
 *	                                 the first
 *	WATCH  prefix, may be empty      -
 *
 *	EINVAL		user is not 0, the key is empty, lengths contradict
 *			each other
 *	ENAMETOOLONG	the key is longer than DICTIONARY_KEY_MAX
 *	EFBIG		the value is longer than DICTIONARY_VALUE_MAX
 *	ENOSPC		there are DICTIONARY_ENTRIES_MAX keys, or
 *			DICTIONARY_BYTES_MAX bytes
 *	ENOENT		there is no such key, or no next one
 *	EMSGSIZE	the value does not fit into the client's ring
 *	ENOMEM		no memory
 *	EOPNOTSUPP	there is no such request
 *
 * Events. After WATCH a client also gets a message for each change of a key
 * that begins with the prefix: type DICTIONARY_CHANGED, id that of the request,
 * user what has happened (PUT, DELETE, EXPIRED), data the key. A client that
 * does not read makes no other client wait: it misses events, and is told so
 * when there is room again (MISSED, no data). A channel has one watch, the
 * last one, until it is closed.
 */
#ifndef DICTIONARY_H
#define DICTIONARY_H

#include <linux/types.h>

#define DICTIONARY_KEY_MAX	255u
#define DICTIONARY_VALUE_MAX	65536u
#define DICTIONARY_ENTRIES_MAX	4096u
#define DICTIONARY_BYTES_MAX	(4u << 20)	/* keys and values */

enum {
	DICTIONARY_PUT = 1,
	DICTIONARY_GET,
	DICTIONARY_DELETE,
	DICTIONARY_NEXT,
	DICTIONARY_WATCH,

	DICTIONARY_CHANGED,
	DICTIONARY_EXPIRED,
	DICTIONARY_MISSED,
};

/*
 * struct dictionary_put - the beginning of a PUT
 * @key_length: bytes of the key
 * @ttl_ms:     milliseconds until the entry expires; 0: never
 *
 * The key follows, and then, up to the end of the message, the value.
 */
struct dictionary_put {
	__u32 key_length;
	__u32 ttl_ms;
};

/* The handlers; their priv is a dictionary. */
struct dictionary;
struct kucomms_ops;

extern const struct kucomms_ops dictionary_ops;

/* Returns NULL if there is no memory. */
struct dictionary *dictionary_create(void);

/* To be called when no handler can run any more. NULL is ignored. */
void dictionary_destroy(struct dictionary *dictionary);

#endif /* DICTIONARY_H */
