// SPDX-License-Identifier: GPL-2.0-only
/*
 * The second process of a ping-pong.
 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <signal.h>
#include <unistd.h>

#include "pingpong.h"

struct pingpong *pingpong;
static pid_t other;

static void move_to_far_cpu(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(settings.far_cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		die("sched_setaffinity", errno);
}

void pingpong_start(void (*answer)(void))
{
	pingpong = mmap(NULL, sizeof(*pingpong), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (pingpong == MAP_FAILED)
		die("mmap", errno);
	other = fork();
	if (other < 0)
		die("fork", errno);
	if (other)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	move_to_far_cpu();
	answer();
	/* What the first process has not written yet is not for this one. */
	_exit(0);
}

void pingpong_join(void)
{
	waitpid(other, NULL, 0);
	munmap(pingpong, sizeof(*pingpong));
}

bool pingpong_fits(const struct cell *wanted)
{
	return wanted->size == 64 && wanted->batch == 1;
}

uint64_t pingpong_syscalls(void)
{
	return syscalls + pingpong->syscalls;
}

/* How often a process went to sleep: as often it was woken. */
static uint64_t sleeps(pid_t process)
{
	unsigned long long value = 0;
	char text[256];
	FILE *file;

	snprintf(text, sizeof(text), "/proc/%d/status", (int)process);
	file = fopen(text, "re");
	if (!file)
		die(text, errno);
	while (fgets(text, sizeof(text), file) &&
	       sscanf(text, "voluntary_ctxt_switches: %llu", &value) != 1)
		;
	fclose(file);
	return value;
}

uint64_t pingpong_wakeups(void)
{
	return sleeps(getpid()) + sleeps(other);
}
