// SPDX-License-Identifier: MIT
/*
 * After fork() a child has copies of its parent's channels, listeners and
 * endpoints. The child may close them, which frees the copies; all else fails
 * with -ESTALE. Each object has the id of the process that created it, and the
 * id of the running process is in memory that the kernel wipes in a child. So the
 * library need not be called when a process forks, and any way of forking will
 * do. These ids are the library's own: those of the kernel come round again.
 *
 * The inline functions of kucomms.h compare no ids. struct kucomms_channel is
 * in wiped memory, too, so a child finds only zeros there: a ring without room,
 * and a receiver that has to ask the library.
 */
#include <errno.h>
#include <sys/mman.h>

#include "fork.h"

static struct kc_self nobody;
struct kc_self *kc_self = &nobody;

/* The last id that was given; a child goes on counting from its copy. */
static __u32 last_id;

/*
 * Allocates zeroed memory whose first @wiped bytes, a multiple of the page
 * size, are zero in a child. Returns NULL if there is none. The caller frees it
 * with munmap().
 */
void *kc_alloc_wiped(size_t size, size_t wiped)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return NULL;
	if (!madvise(memory, wiped, MADV_WIPEONFORK))
		return memory;
	munmap(memory, size);
	return NULL;
}

/*
 * Returns this process' own data, or NULL without memory; allocates them the
 * first time, which several threads may do at the same time.
 */
static struct kc_self *find_self(void)
{
	struct kc_self *self = kucomms_load_acquire(&kc_self);
	struct kc_self *fresh;

	if (self != &nobody)
		return self;
	/* The kernel rounds up to a page. */
	fresh = kc_alloc_wiped(sizeof(*fresh), sizeof(*fresh));
	if (fresh && !__atomic_compare_exchange_n(&kc_self, &self, fresh,
						  false, __ATOMIC_ACQ_REL,
						  __ATOMIC_ACQUIRE)) {
		munmap(fresh, sizeof(*fresh));
		fresh = self;
	}
	return fresh;
}

/* Gets the id of this process. Returns 0 or -ENOMEM. */
int kc_creator(__u32 *id)
{
	struct kc_self *self = find_self();
	__u32 fresh;

	if (!self)
		return -ENOMEM;
	*id = kucomms_load(&self->id);
	if (*id)
		return 0;
	fresh = __atomic_add_fetch(&last_id, 1, __ATOMIC_RELAXED);
	if (__atomic_compare_exchange_n(&self->id, id, fresh, false,
					__ATOMIC_RELAXED, __ATOMIC_RELAXED))
		*id = fresh;
	return 0;
}
