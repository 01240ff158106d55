// SPDX-License-Identifier: MIT
/*
 * Printing messages.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "message.h"
#include "output.h"

static char *hex_digits(const unsigned char *data, size_t length)
{
	char *digits = must_have(malloc(2 * length + 1));
	size_t i;

	for (i = 0; i < length; i++)
		sprintf(digits + 2 * i, "%02x", data[i]);
	digits[2 * length] = '\0';
	return digits;
}

/* Bytes of the UTF-8 sequence that begins at @data, 0 if that is none. */
static size_t utf8_sequence(const unsigned char *data, size_t length)
{
	static const struct {
		unsigned char mask, lead;
		uint32_t least;
	} forms[] = {
		{ 0x80, 0x00, 0 },
		{ 0xe0, 0xc0, 0x80 },
		{ 0xf0, 0xe0, 0x800 },
		{ 0xf8, 0xf0, 0x10000 },
	};
	uint32_t code;
	size_t more, i;

	for (more = 0; more < 4; more++)
		if ((data[0] & forms[more].mask) == forms[more].lead)
			break;
	if (more == 4 || more >= length)
		return 0;
	code = data[0] & ~forms[more].mask;
	for (i = 1; i <= more; i++) {
		if ((data[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (data[i] & 0x3f);
	}
	if (code < forms[more].least || code > 0x10ffff ||
	    (code >= 0xd800 && code <= 0xdfff))
		return 0;
	return more + 1;
}

static bool is_utf8(const unsigned char *data, size_t length)
{
	size_t step;

	for (; length; data += step, length -= step) {
		step = utf8_sequence(data, length);
		if (!step)
			return false;
	}
	return true;
}

/* JSON has no strings of bytes: hexadecimal digits always, text if it is one. */
static void print_message_json(const struct kucomms_message *message,
			       const void *data)
{
	struct json_object *answer = json_answer();
	struct json_object *text = NULL;
	char *digits = hex_digits(data, message->length);

	if (is_utf8(data, message->length))
		text = json_object_new_string_len(data, message->length);
	json_object_object_add(answer, "type",
			       json_object_new_uint64(message->type));
	json_object_object_add(answer, "id",
			       json_object_new_uint64(message->id));
	json_object_object_add(answer, "user",
			       json_object_new_uint64(message->user));
	json_object_object_add(answer, "length",
			       json_object_new_uint64(message->length));
	json_object_object_add(answer, "hex", json_object_new_string(digits));
	json_object_object_add(answer, "text", text);
	free(digits);
	print_json(answer);
}

static void print_data(const struct message_format *format, const void *data,
		       size_t length)
{
	char *digits;

	if (!format->hex) {
		fwrite(data, 1, length, stdout);
		return;
	}
	digits = hex_digits(data, length);
	fputs(digits, stdout);
	free(digits);
}

bool print_message(const struct message_format *format,
		   const struct kucomms_message *message, const void *data)
{
	if (format->json) {
		print_message_json(message, data);
	} else {
		if (format->header)
			printf("type=%" PRIu64 " id=%" PRIu64 " user=%" PRIu64
			       " length=%" PRIu32 "\n", (uint64_t)message->type,
			       (uint64_t)message->id, (uint64_t)message->user,
			       message->length);
		print_data(format, data, message->length);
		if (format->newline)
			putchar('\n');
	}
	return flush_output();
}
