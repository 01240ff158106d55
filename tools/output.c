// SPDX-License-Identifier: MIT
/*
 * Output, for people and as JSON.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "output.h"

void print_fields(const struct field *fields, size_t count)
{
	int width = 0;
	size_t i;

	for (i = 0; i < count; i++)
		if ((int)strlen(fields[i].key) > width)
			width = strlen(fields[i].key);
	for (i = 0; i < count; i++)
		printf("%s:%*s%s\n", fields[i].key,
		       width - (int)strlen(fields[i].key) + 1, "",
		       field_text(&fields[i]));
}

static struct json_object *json_from_field(const struct field *field)
{
	if (!field->value)
		return NULL;
	if (field->number)
		return json_object_new_uint64(strtoull(field->value, NULL, 10));
	return json_object_new_string(field->value);
}

void json_add_fields(struct json_object *object, const struct field *fields,
		     size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		json_object_object_add(object, fields[i].key,
				       json_from_field(&fields[i]));
}

struct json_object *json_answer(void)
{
	struct json_object *answer = json_object_new_object();

	json_object_object_add(answer, "output_version",
			       json_object_new_int(OUTPUT_VERSION));
	return answer;
}

void print_json(struct json_object *object)
{
	puts(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN |
					    JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(object);
}

/* The first error; the stream itself remembers only that there was one. */
static int output_error;

bool flush_output(void)
{
	if (fflush(stdout) && !output_error)
		output_error = errno;
	if (ferror(stdout) && !output_error)
		output_error = EIO;
	return !output_error;
}

int finish_output(int status)
{
	static const struct problem problems[] = {
		{ 0, EXIT_FAILURE, NULL,
		  "look at where standard output leads" }
	};

	if (flush_output() || status)
		return status;
	return report(problems, output_error, "write the output", NULL);
}
