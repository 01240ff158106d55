/* SPDX-License-Identifier: MIT */
#ifndef KUCOMMS_ROUTE_WORDS_H
#define KUCOMMS_ROUTE_WORDS_H

#include <linux/types.h>
#include <stdbool.h>

/* A command needs fewer. */
#define WORDS_MAX	24

/**
 * struct words - the words of a command that are still to be read
 * @next:  the first of them; the last is followed by NULL
 * @error: what is wrong, after a function has returned false
 */
struct words {
	char **next;
	char error[256];
};

/*
 * Cuts @line, which is changed, into words. What follows a word that begins
 * with # is a comment. @array is where the words are put, and begins @words.
 */
bool words_split(struct words *words, char *line, char *array[WORDS_MAX + 1]);

/* The next word, which is then read; NULL: there is none. */
char *words_take(struct words *words);

/* The next word is @text, and is then read. */
bool words_take_if(struct words *words, const char *text);

/* Says what is wrong; returns false. */
__attribute__((format(printf, 2, 3)))
bool words_fail(struct words *words, const char *format, ...);

/* Number @text, which is a @what, from @least to what 32 bits can hold. */
bool words_number(struct words *words, const char *what, const char *text,
		  __u32 least, __u32 *number);

/*
 * Address @text. @family says which family it has to have; AF_UNSPEC: any, and
 * becomes that which it has.
 */
bool words_address(struct words *words, const char *text, __u8 *family,
		   __u8 address[16]);

/*
 * Prefix @text, which is changed; without a length it is a host. "default" says
 * nothing of the family, so that may still be AF_UNSPEC afterwards.
 */
bool words_prefix(struct words *words, char *text, __u8 *family,
		  __u8 address[16], __u8 *length);

#endif
