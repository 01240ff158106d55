/* SPDX-License-Identifier: MIT */
/*
 * Text that is put together without printf(): for a million lines, and where a
 * signal handler may not call that. Each returns where the text ends.
 */
#ifndef KUCOMMS_ROUTE_TEXT_H
#define KUCOMMS_ROUTE_TEXT_H

#include <linux/types.h>
#include <string.h>

static inline char *put_text(char *end, const char *text)
{
	const size_t length = strlen(text);

	memcpy(end, text, length + 1);
	return end + length;
}

static inline char *put_number(char *end, __u64 number)
{
	char digits[20];
	int count = 0;

	do
		digits[count++] = (char)('0' + number % 10);
	while (number /= 10);
	while (count)
		*end++ = digits[--count];
	*end = '\0';
	return end;
}

#endif
