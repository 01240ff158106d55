/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KUCOMMS_SRC_REGION_H
#define KUCOMMS_SRC_REGION_H

#include <linux/types.h>

struct page;
struct vm_area_struct;

/**
 * struct kucomms_region - pages that the kernel and one process share
 * @address: where the kernel sees them
 * @pages:   in the order in which both sides see them
 * @count:   of @pages; a ring's pages stand there twice
 * @unique:  how many different pages there are, the first of @pages
 */
struct kucomms_region {
	void *address;
	struct page **pages;
	unsigned int count;
	unsigned int unique;
};

int kucomms_region_alloc(struct kucomms_region *region, size_t size,
			 unsigned int times);
void kucomms_region_free(struct kucomms_region *region);
int kucomms_region_map(const struct kucomms_region *region,
		       struct vm_area_struct *vma, bool writable);

#endif
