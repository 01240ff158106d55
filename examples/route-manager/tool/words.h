/* SPDX-License-Identifier: MIT */
#ifndef KUCOMMS_ROUTE_WORDS_H
#define KUCOMMS_ROUTE_WORDS_H

#include <linux/types.h>
#include <stdbool.h>

/* Most words of a command. */
#define WORDS_MAX	24

/**
 * struct words - the words of a command that are still to be read
 * @next:  the next word; NULL follows the last one
 * @error: text of the error, after a function has returned false
 */
struct words {
	char **next;
	char error[256];
};

/*
 * Cuts @line, which is changed, into words in @array, and starts @words with
 * them. A word that begins with # and the rest of the line are a comment.
 */
bool words_split(struct words *words, char *line, char *array[WORDS_MAX + 1]);

/* Reads and returns the next word; NULL: there is none. */
char *words_take(struct words *words);

/* Reads the next word if it is @text; returns whether it is. */
bool words_take_if(struct words *words, const char *text);

/* Sets the text of the error; returns false. */
__attribute__((format(printf, 2, 3)))
bool words_fail(struct words *words, const char *format, ...);

/* Parses @text, a number of 32 bits from @least on; @what names it. */
bool words_number(struct words *words, const char *what, const char *text,
		  __u32 least, __u32 *number);

/*
 * Parses the address @text of family @family; if that is AF_UNSPEC any family
 * is allowed, and @family is set.
 */
bool words_address(struct words *words, const char *text, __u8 *family,
		   __u8 address[16]);

/*
 * Parses the prefix @text, which is changed; without a length it is a host.
 * After "default" the family may still be AF_UNSPEC.
 */
bool words_prefix(struct words *words, char *text, __u8 *family,
		  __u8 address[16], __u8 *length);

#endif
