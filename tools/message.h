/* SPDX-License-Identifier: MIT */
#ifndef KUCOMMSCTL_MESSAGE_H
#define KUCOMMSCTL_MESSAGE_H

#include <kucomms/abi.h>
#include <stdbool.h>

/**
 * struct message_format - how messages are printed
 * @header:  with a line before the data that tells what else there is
 * @hex:     the data as hexadecimal digits
 * @json:    as an object on a line, whatever the others say
 * @newline: with a newline behind the data
 */
struct message_format {
	bool header;
	bool hex;
	bool json;
	bool newline;
};

/*
 * Prints at once, since who reads the output may wait for this message. Returns
 * whether it could be written.
 */
bool print_message(const struct message_format *format,
		   const struct kucomms_message *message, const void *data);

#endif
