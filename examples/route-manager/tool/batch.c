// SPDX-License-Identifier: MIT
/*
 * Batches: commands, one on each line.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "batch.h"
#include "error.h"
#include "input.h"
#include "interface.h"
#include "pipeline.h"
#include "progress.h"

/*
 * @good: this thread has not met an error
 */
struct batch {
	const struct batch_options *options;
	const char *source;
	struct pipeline *pipeline;
	struct progress progress;
	struct input input;
	bool good;
};

static bool fits_in_batch(const struct request *request, struct words *words)
{
	switch (request->type) {
	case ROUTE_LIST:
	case ROUTE_SUBSCRIBE:
	case ROUTE_STATUS:
		return words_fail(words, "%s cannot be in a batch",
				  request->verb);
	default:
		return true;
	}
}

/* Returns whether to go on. */
static bool do_line(struct batch *batch, char *line)
{
	char *array[WORDS_MAX + 1];
	struct words words;
	struct request request;
	bool good = words_split(&words, line, array);

	if (good && !array[0])
		return true;
	if (good && request_parse(&request, &words, batch->options->family) &&
	    fits_in_batch(&request, &words))
		return pipeline_send(batch->pipeline, &request,
				     batch->input.line);
	batch->good = false;
	return pipeline_complain(batch->pipeline, batch->input.line,
				 words.error);
}

/* Executes all lines that have been read. Returns whether to go on. */
static bool do_lines(struct batch *batch)
{
	char *line;

	while ((line = input_line(&batch->input)))
		if (!do_line(batch, line))
			return false;
	return true;
}

/* Reports an error of the file, which ends the batch even with -force. */
static void complain_of_input(struct batch *batch, int error)
{
	batch->good = false;
	pipeline_complain(batch->pipeline, batch->input.line + 1,
			  error == EMSGSIZE ? "the line is too long" :
			  error == EILSEQ ? "there is a NUL byte, in this line "
					    "or after it: this is no text" :
			  strerror(error));
}

/* Waits until there is something to read. Returns whether to go on. */
static bool wait_input(struct batch *batch)
{
	struct pollfd files[] = {
		{ .fd = batch->input.fd, .events = POLLIN },
		{ .fd = pipeline_fd(batch->pipeline), .events = POLLIN },
	};

	pipeline_flush(batch->pipeline);
	interface_forget_names();
	while (poll(files, sizeof(files) / sizeof(files[0]), -1) < 0 &&
	       errno == EINTR)
		;
	return !files[1].revents;
}

static void do_input(struct batch *batch)
{
	long length;

	do {
		if (!wait_input(batch))
			return;
		length = input_read(&batch->input);
		if (length < 0) {
			complain_of_input(batch, (int)-length);
			return;
		}
		progress_consume(&batch->progress, (__u64)length);
	} while (do_lines(batch) && length);
}

static int run(struct batch *batch, const struct manager *manager,
	       const struct style *style)
{
	const struct pipeline_options options = {
		.manager = manager,
		.style = style,
		.progress = &batch->progress,
		.source = batch->source,
		.force = batch->options->force,
	};

	progress_begin(&batch->progress, "lines", batch->options->quiet);
	batch->progress.size = batch->input.size;
	if (pipeline_start(&batch->pipeline, &options))
		return EXIT_FAILURE;
	do_input(batch);
	if (!pipeline_finish(batch->pipeline))
		batch->good = false;
	return batch->good ? EXIT_SUCCESS : EXIT_FAILURE;
}

int batch_run(const struct manager *manager, const struct style *style,
	      const struct batch_options *options)
{
	static struct batch batch = { .good = true };
	int err, status;

	batch.options = options;
	batch.source = strcmp(options->file, "-") ? options->file : "stdin";
	err = input_open(&batch.input, options->file);
	if (err) {
		report("cannot open %s: %s: %s", options->file,
		       error_name(-err), kucomms_strerror(err));
		hint("-b takes the name of a file, or - for standard input");
		return EXIT_FAILURE;
	}
	status = run(&batch, manager, style);
	input_close(&batch.input);
	return status;
}
