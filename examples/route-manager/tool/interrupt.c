// SPDX-License-Identifier: MIT
/*
 * The message when a signal ends a batch or a flush halfway.
 */
#include <signal.h>
#include <stdbool.h>
#include <unistd.h>

#include "interrupt.h"
#include "text.h"

static const int numbers[] = { SIGINT, SIGTERM };

/* Set before the handler. The line on a terminal has ^C, maybe progress. */
static const __u64 *last_line, *answers;
static bool on_terminal;

static char *put_extent(char *end)
{
	if (!last_line)
		return put_text(end, " before the manager had answered: what "
				"it was asked for may be done all the same\n");
	end = put_text(end, " after line ");
	end = put_number(end, __atomic_load_n(last_line, __ATOMIC_RELAXED));
	end = put_text(end, "; ");
	end = put_number(end, __atomic_load_n(answers, __ATOMIC_RELAXED));
	return put_text(end, " requests had been answered\n");
}

/* When this returns the signal is delivered again, and ends the process. */
static void handle(int number)
{
	char text[256], *end;

	end = put_text(text, on_terminal ? "\n" : "");
	end = put_text(end, "kucomms-route: stopped by a signal");
	end = put_extent(end);
	/* If stderr cannot be written there is no message. */
	(void)!write(STDERR_FILENO, text, (size_t)(end - text));
	raise(number);
}

static void set_action(const struct sigaction *action)
{
	struct sigaction old;
	size_t i;

	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		sigaction(numbers[i], NULL, &old);
		if (old.sa_handler != SIG_IGN)
			sigaction(numbers[i], action, NULL);
	}
}

void interrupt_begin(const __u64 *line, const __u64 *answered)
{
	static const struct sigaction action = {
		.sa_handler = handle,
		.sa_flags = (int)SA_RESETHAND,
	};

	last_line = line;
	answers = answered;
	on_terminal = isatty(STDERR_FILENO);
	set_action(&action);
}

void interrupt_end(void)
{
	static const struct sigaction action = { .sa_handler = SIG_DFL };

	set_action(&action);
}
