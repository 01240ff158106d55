/* SPDX-License-Identifier: MIT */
/*
 * Text without printf(), which is slow for a million lines, and which a signal
 * handler may not call. Each function returns the end of the text.
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
