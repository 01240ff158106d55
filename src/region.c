// SPDX-License-Identifier: GPL-2.0-only
/*
 * Shared pages. A mapping holds references to the pages themselves, so they
 * live until the last mapping has gone, whatever becomes of the channel.
 */
#include <linux/errno.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "compat.h"
#include "functions.h"

/*
 * Allocates @size bytes, a multiple of the page size, mapped @times times in a
 * row, and charges them to the caller's memory cgroup. -ENOMEM also for a
 * caller that is being killed.
 */
int kc_region_alloc(struct kc_region *region, size_t size,
		    unsigned int times)
{
	const gfp_t gfp = __GFP_RETRY_MAYFAIL | __GFP_NOWARN;
	unsigned int unique = size >> PAGE_SHIFT;
	unsigned int i;

	region->count = unique * times;
	region->pages = kvcalloc(region->count, sizeof(*region->pages),
				 GFP_KERNEL_ACCOUNT | gfp);
	if (!region->pages)
		return -ENOMEM;

	for (i = 0; i < region->count; i++) {
		struct page *page;

		if (i >= unique) {
			region->pages[i] = region->pages[i - unique];
			continue;
		}
		cond_resched();
		page = fatal_signal_pending(current) ? NULL :
		       alloc_page(KC_GFP_MAPPED | gfp | __GFP_ZERO);
		if (!page)
			goto err_free;
		region->pages[i] = page;
		region->unique++;
	}

	region->address = vmap(region->pages, region->count, VM_MAP,
			       PAGE_KERNEL);
	if (region->address)
		return 0;

err_free:
	kc_region_free(region);
	return -ENOMEM;
}

/* Also frees a region that was never allocated, or only partly. */
void kc_region_free(struct kc_region *region)
{
	unsigned int i;

	if (region->address)
		vunmap(region->address);
	for (i = 0; i < region->unique; i++)
		put_page(region->pages[i]);
	kvfree(region->pages);
	memset(region, 0, sizeof(*region));
}

/*
 * Maps the whole region, and only the whole: shared, never executable, and
 * where the kernel alone writes, never writable, not even by mprotect() later.
 */
int kc_region_map(const struct kc_region *region,
		  struct vm_area_struct *vma, bool writable)
{
	if (vma_pages(vma) != region->count || !(vma->vm_flags & VM_SHARED))
		return -EINVAL;
	if (vma->vm_flags & VM_EXEC)
		return -EPERM;
	if (!writable && (vma->vm_flags & VM_WRITE))
		return -EPERM;

	kc_vm_flags_mod(vma, VM_DONTEXPAND | VM_DONTDUMP,
			VM_MAYEXEC | (writable ? 0 : VM_MAYWRITE));
	return vm_map_pages_zero(vma, region->pages, region->count);
}
