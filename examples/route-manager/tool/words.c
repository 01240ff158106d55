// SPDX-License-Identifier: MIT
/*
 * The words of a command, and the parsers of single words.
 */
#include <arpa/inet.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "words.h"

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

bool words_split(struct words *words, char *line, char *array[WORDS_MAX + 1])
{
	int count = 0;

	words->next = array;
	for (;;) {
		while (is_space(*line))
			line++;
		if (!*line || *line == '#')
			break;
		if (count == WORDS_MAX)
			return words_fail(words, "there are more than %d words",
					  WORDS_MAX);
		array[count++] = line;
		while (*line && !is_space(*line))
			line++;
		if (*line)
			*line++ = '\0';
	}
	array[count] = NULL;
	return true;
}

char *words_take(struct words *words)
{
	return *words->next ? *words->next++ : NULL;
}

bool words_take_if(struct words *words, const char *text)
{
	if (!*words->next || strcmp(*words->next, text))
		return false;
	words->next++;
	return true;
}

bool words_fail(struct words *words, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(words->error, sizeof(words->error), format, arguments);
	va_end(arguments);
	return false;
}

bool words_number(struct words *words, const char *what, const char *text,
		  __u32 least, __u32 *number)
{
	const char *digit = text;
	__u64 value = 0;

	while (*digit >= '0' && *digit <= '9' && value <= UINT32_MAX)
		value = value * 10 + (__u64)(*digit++ - '0');
	if (digit == text || *digit || value > UINT32_MAX || value < least)
		return words_fail(words,
				  "'%s' is no %s: a number from %u to %u",
				  text, what, least, UINT32_MAX);
	*number = (__u32)value;
	return true;
}

static const char *family_name(__u8 family)
{
	return family == AF_INET ? "IPv4" :
	       family == AF_INET6 ? "IPv6" : "IPv4 or IPv6";
}

bool words_address(struct words *words, const char *text, __u8 *family,
		   __u8 address[16])
{
	const __u8 found = strchr(text, ':') ? AF_INET6 : AF_INET;

	if ((*family != AF_UNSPEC && *family != found) ||
	    inet_pton(found, text, address) != 1)
		return words_fail(words, "'%s' is no %s address", text,
				  family_name(*family));
	*family = found;
	return true;
}

bool words_prefix(struct words *words, char *text, __u8 *family,
		  __u8 address[16], __u8 *length)
{
	char *slash = strchr(text, '/');
	__u32 bits, bits_max;

	*length = 0;
	if (!strcmp(text, "default"))
		return true;
	if (slash)
		*slash++ = '\0';
	if (!words_address(words, text, family, address))
		return false;
	bits_max = *family == AF_INET ? 32 : 128;
	bits = bits_max;
	if (slash && (!words_number(words, "prefix length", slash, 0, &bits) ||
		      bits > bits_max))
		return words_fail(words,
				  "'%s' is no prefix length: %s has 0 to %u",
				  slash, family_name(*family), bits_max);
	*length = (__u8)bits;
	return true;
}
