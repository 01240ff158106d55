/* SPDX-License-Identifier: MIT */
#ifndef KUCOMMSCTL_OUTPUT_H
#define KUCOMMSCTL_OUTPUT_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>

/**
 * struct field - a thing that is told about something
 * @key:    its name
 * @value:  NULL: there is none
 * @number: the value is a number
 */
struct field {
	const char *key;
	const char *value;
	bool number;
};

/* What stands for a value that there is not, for people. */
#define NO_VALUE	"-"

/* Returns the value of a field, or the text that stands for a missing value. */
static inline const char *field_text(const struct field *field)
{
	return field->value ? field->value : NO_VALUE;
}

/* Lines "key: value". */
void print_fields(const struct field *fields, size_t count);

/* The beginning of an answer, and the same fields as a part of an object. */
struct json_object *json_answer(void);
void json_add_fields(struct json_object *object, const struct field *fields,
		     size_t count);

/* Prints @object on one line and frees it. */
void print_json(struct json_object *object);

/* Writes out what has been printed; has everything been written so far? */
bool flush_output(void);

/*
 * The last that is done with the output. Returns @status, or, if it could
 * not be written though all else went well, EXIT_FAILURE.
 */
int finish_output(int status);

#endif
