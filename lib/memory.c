// SPDX-License-Identifier: MIT
/*
 * What one side of a channel between processes writes: its control page, and
 * behind it the data of the ring towards the other side, mapped twice in a row.
 * It is a memfd, so it has no name that could be left behind, and it is sealed:
 * it keeps its size, and who gets it can only read it.
 */
#define _GNU_SOURCE	/* memfd_create(), F_ADD_SEALS */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "memory.h"
#include "types.h"

/* Linux 5.1, but not in every C library's headers. */
#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE	0x0010
#endif

/*
 * Without these the other side could truncate the memory, and a process that
 * reads what is missing is killed by SIGBUS. F_SEAL_FUTURE_WRITE also forbids
 * holes.
 */
#define SEALS	(F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE)

static size_t control_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

bool kc_memory_size_valid(__u32 size, __u32 most)
{
	return size >= KUCOMMS_RING_SIZE_MIN && size >= control_size() &&
	       size <= most && !(size & (size - 1));
}

void *kc_memory_data(const struct kc_region *region)
{
	return (char *)region->address + control_size();
}

/*
 * Maps the control page, and the data twice. MAP_POPULATE: the first lap costs
 * no more than the others.
 */
static int memory_map(int fd, __u32 size, int protection,
		      struct kc_region *region)
{
	const size_t control = control_size(), length = control + 2 * (size_t)size;
	const int flags = MAP_SHARED | MAP_FIXED | MAP_POPULATE;
	char *address = mmap(NULL, length, PROT_NONE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	int err;

	if (address == MAP_FAILED)
		return -errno;
	if (mmap(address, control + size, protection, flags, fd, 0) ==
	    MAP_FAILED ||
	    mmap(address + control + size, size, protection, flags, fd,
		 (off_t)control) == MAP_FAILED ||
	    /* Two processes that use one side of a ring would garble it. */
	    madvise(address, length, MADV_DONTFORK)) {
		err = -errno;
		munmap(address, length);
		return err;
	}
	region->address = address;
	region->length = length;
	return 0;
}

/* Makes the memory that this side writes. Returns its descriptor. */
int kc_memory_create(__u32 size, struct kc_region *region)
{
	int fd = memfd_create("kucomms", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int err;

	if (fd < 0)
		return -errno;
	err = ftruncate(fd, (off_t)(control_size() + size)) ? -errno : 0;
	if (!err)
		err = memory_map(fd, size, PROT_READ | PROT_WRITE, region);
	/* It is mapped: from here on no other process can write. */
	if (!err && fcntl(fd, F_ADD_SEALS, SEALS))
		err = -errno;
	if (err) {
		close(fd);
		return err;
	}
	return fd;
}

/*
 * Maps the memory that the other side writes; -EPROTO: it could be truncated,
 * or is not what it should be.
 */
int kc_memory_adopt(int fd, __u32 size, struct kc_region *region)
{
	int seals = fcntl(fd, F_GET_SEALS);
	struct statfs fs;
	struct stat st;

	if (seals < 0 || (seals & SEALS) != SEALS)
		return -EPROTO;
	/* Huge pages may not be available when they are touched. */
	if (fstatfs(fd, &fs) || fs.f_type != TMPFS_MAGIC)
		return -EPROTO;
	if (fstat(fd, &st) || st.st_size != (off_t)(control_size() + size))
		return -EPROTO;
	return memory_map(fd, size, PROT_READ, region);
}
