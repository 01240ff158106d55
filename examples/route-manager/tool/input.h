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
 * @fd:     descriptor of the file
 * @line:   number of the line that input_line() has returned last
 * @size:   bytes of the file; 0: not known
 * @begin:  beginning of the bytes in @buffer that are still to be executed
 * @end:    end of these bytes
 * @at_end: the end of the file has been read
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
 * Returns the next line without its end; the caller may change it, until the
 * next call. NULL: no whole line has been read yet.
 */
char *input_line(struct input *input);

/*
 * Reads more, and may wait. Returns the number of bytes; 0: the end of the
 * file, perhaps after a last line without an end; or a negated errno: -EMSGSIZE
 * (a line is too long), -EILSEQ (the file has NUL bytes).
 */
long input_read(struct input *input);

#endif
