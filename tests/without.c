// SPDX-License-Identifier: GPL-2.0-only
/*
 * Usage: without LACK[,LACK...] COMMAND...
 *
 * Runs COMMAND as on a machine that lacks something, to see that tests cope:
 *
 *   ia32        32-bit programs: "Exec format error"
 *   membarrier  the system call: ENOSYS
 *   perf        counters of events: EACCES
 *   userns      user namespaces: EPERM
 *   cpus        all processors but one
 *
 * System calls are refused by a seccomp filter. Of execve() it does not see which
 * program is meant: that is left to this process, which looks into the file.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <elf.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void die(const char *what)
{
	perror(what);
	exit(125);
}

/* ---- the filter */

static struct sock_filter filter[64];
static unsigned short filter_length;

static void add(struct sock_filter instruction)
{
	filter[filter_length++] = instruction;
}

/* What the next instruction does is done to call @nr only. */
static void if_call(unsigned int nr, unsigned char instructions)
{
	add((struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
		offsetof(struct seccomp_data, nr)));
	add((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0,
					 instructions));
}

static void end_with(unsigned int action)
{
	add((struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action));
}

static void refuse(unsigned int nr, int err)
{
	if_call(nr, 1);
	end_with(SECCOMP_RET_ERRNO | (unsigned int)err);
}

/* If the low half of its first argument has one of @flags. */
static void refuse_flags(unsigned int nr, unsigned int flags, int err)
{
	if_call(nr, 3);
	add((struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
		offsetof(struct seccomp_data, args[0])));
	add((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, flags, 0,
					 1));
	end_with(SECCOMP_RET_ERRNO | (unsigned int)err);
}

/* Whether the filter asks about programs. */
static bool write_filter(char *lacks)
{
	bool ia32 = false;
	cpu_set_t cpus;
	char *lack;

	/* The numbers of 32-bit programs' system calls mean others. */
	add((struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
		offsetof(struct seccomp_data, arch)));
	add((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
					 AUDIT_ARCH_I386, 0, 1));
	end_with(SECCOMP_RET_ALLOW);
	for (lack = strtok(lacks, ","); lack; lack = strtok(NULL, ",")) {
		if (!strcmp(lack, "ia32")) {
			if_call(SYS_execve, 1);
			end_with(SECCOMP_RET_USER_NOTIF);
			ia32 = true;
		} else if (!strcmp(lack, "membarrier")) {
			refuse(SYS_membarrier, ENOSYS);
		} else if (!strcmp(lack, "perf")) {
			refuse(SYS_perf_event_open, EACCES);
		} else if (!strcmp(lack, "userns")) {
			refuse_flags(SYS_unshare, CLONE_NEWUSER, EPERM);
			refuse_flags(SYS_clone, CLONE_NEWUSER, EPERM);
			/* Its flags are in memory: the C library does with clone(). */
			refuse(SYS_clone3, ENOSYS);
		} else if (!strcmp(lack, "cpus")) {
			CPU_ZERO(&cpus);
			CPU_SET(sched_getcpu(), &cpus);
			if (sched_setaffinity(0, sizeof(cpus), &cpus))
				die("sched_setaffinity");
		} else {
			fprintf(stderr, "without: what is %s?\n", lack);
			exit(125);
		}
	}
	end_with(SECCOMP_RET_ALLOW);
	return ia32;
}

/* ---- the process that looks into files */

/* The path that is in memory of process @pid at @address, as seen by @pid. */
static int open_program(pid_t pid, uint64_t address)
{
	char path[4096], link[64];
	ssize_t length;
	int memory, base, fd;

	snprintf(link, sizeof(link), "/proc/%d/mem", pid);
	memory = open(link, O_RDONLY | O_CLOEXEC);
	length = pread(memory, path, sizeof(path) - 1, (off_t)address);
	close(memory);
	if (length <= 0)
		return -1;
	path[length] = '\0';
	snprintf(link, sizeof(link), "/proc/%d/%s", pid,
		 path[0] == '/' ? "root" : "cwd");
	base = open(link, O_PATH | O_CLOEXEC);
	fd = openat(base, path + strspn(path, "/"), O_RDONLY | O_CLOEXEC);
	close(base);
	return fd;
}

static bool is_32bit(int fd)
{
	char ident[EI_NIDENT];

	return read(fd, ident, sizeof(ident)) == sizeof(ident) &&
	       !memcmp(ident, ELFMAG, SELFMAG) &&
	       ident[EI_CLASS] == ELFCLASS32;
}

/* A file that cannot be read is none that exec() could not tell better about. */
static void answer(int listener)
{
	struct seccomp_notif call = { 0 };
	struct seccomp_notif_resp response = {
		.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE,
	};
	int fd;

	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &call))
		return;
	fd = open_program((pid_t)call.pid, call.data.args[0]);
	if (fd >= 0 && is_32bit(fd)) {
		response.flags = 0;
		response.error = -ENOEXEC;
	}
	close(fd);
	response.id = call.id;
	ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response);
}

/* ---- the command */

static int load_filter(bool listen)
{
	struct sock_fprog program = { filter_length, filter };
	long fd;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		die("prctl");
	fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
		     listen ? SECCOMP_FILTER_FLAG_NEW_LISTENER : 0, &program);
	return (int)fd;
}

static void execute(char **command)
{
	execvp(command[0], command);
	die(command[0]);
}

/*
 * The descriptors of both processes are the same until the child calls exec(), so
 * that the child's listener is this process's, too. It ends with the last process
 * that has the filter.
 */
static int supervise(char **command)
{
	struct pollfd polled = { .events = POLLIN };
	int numbers[2], status;
	pid_t pid;

	if (pipe2(numbers, O_CLOEXEC))
		die("pipe2");
	pid = (pid_t)syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);
	if (pid < 0)
		die("clone");
	if (!pid) {
		const int listener = load_filter(true);

		if (write(numbers[1], &listener, sizeof(listener)) < 0)
			die("write");
		if (listener < 0)
			die("seccomp");
		execute(command);
	}
	if (read(numbers[0], &polled.fd, sizeof(polled.fd)) < 0)
		die("read");
	while (polled.fd >= 0 && !(polled.revents & POLLHUP)) {
		answer(polled.fd);
		poll(&polled, 1, -1);
	}
	if (waitpid(pid, &status, 0) < 0)
		die("waitpid");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int main(int argc, char **argv)
{
	if (argc < 3) {
		fputs("usage: without LACK[,LACK...] COMMAND...\n", stderr);
		return 125;
	}
	if (write_filter(argv[1]))
		return supervise(argv + 2);
	if (load_filter(false) < 0)
		die("seccomp");
	execute(argv + 2);
}
