// SPDX-License-Identifier: MIT
/*
 * Lines of a file. Not by getline(): the caller could do nothing before
 * getline() waits for more lines.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "input.h"

int input_open(struct input *input, const char *file)
{
	struct stat stat;

	input->line = 0;
	input->begin = 0;
	input->end = 0;
	input->at_end = false;
	input->fd = STDIN_FILENO;
	if (strcmp(file, "-"))
		input->fd = open(file, O_RDONLY | O_CLOEXEC);
	if (input->fd < 0)
		return -errno;
	input->size = 0;
	if (!fstat(input->fd, &stat) && S_ISREG(stat.st_mode))
		input->size = (__u64)stat.st_size;
	return 0;
}

void input_close(struct input *input)
{
	if (input->fd != STDIN_FILENO)
		close(input->fd);
}

char *input_line(struct input *input)
{
	char *line = input->buffer + input->begin;
	size_t length = input->end - input->begin;
	char *end = memchr(line, '\n', length);

	if (!end) {
		if (!input->at_end || !length)
			return NULL;
		end = line + length;
		input->begin = input->end;
	} else {
		input->begin += (size_t)(end - line) + 1;
	}
	*end = '\0';
	input->line++;
	return line;
}

long input_read(struct input *input)
{
	size_t kept = input->end - input->begin;
	char *more = input->buffer + kept;
	ssize_t length;

	if (input->at_end)
		return 0;
	if (kept == INPUT_LINE_MAX)
		return -EMSGSIZE;
	memmove(input->buffer, input->buffer + input->begin, kept);
	input->begin = 0;
	input->end = kept;
	do {
		length = read(input->fd, more, INPUT_LINE_MAX - kept);
	} while (length < 0 && errno == EINTR);
	if (length < 0)
		return -errno;
	if (memchr(more, '\0', (size_t)length))
		return -EILSEQ;
	input->end += (size_t)length;
	input->at_end = !length;
	return length;
}
