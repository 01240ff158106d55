/* SPDX-License-Identifier: MIT */
#ifndef KUCOMMS_ROUTE_INPUT_H
#define KUCOMMS_ROUTE_INPUT_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

/* Bytes of the longest line, its end included. */
#define INPUT_LINE_MAX	65536

/**
 * struct input - a file that is read line by line
 * @fd:     to read from
 * @line:   number of the line that input_line() has given last
 * @size:   of the file in bytes, 0: it has none
 * @begin:  of what has been read into @buffer, and is not done yet
 * @end:    of that
 * @at_end: there is no more to be read
 */
struct input {
	int fd;
	__u64 line;
	__u64 size;
	size_t begin;
	size_t end;
	bool at_end;
	char buffer[INPUT_LINE_MAX + 1];
};

/* Opens @file, "-": standard input. Returns 0 or a negated errno. */
int input_open(struct input *input, const char *file);
void input_close(struct input *input);

/*
 * The next line without its end; it may be changed, and is good until the next
 * call. NULL: nothing more has been read yet.
 */
char *input_line(struct input *input);

/*
 * Reads more, and may wait for it. Returns how many bytes; 0: there is no more,
 * but maybe a last line that has no end; or a negated errno, -EMSGSIZE: a line
 * is too long; -EILSEQ: there are NUL bytes.
 */
long input_read(struct input *input);

#endif
