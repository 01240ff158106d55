/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What differs between the kernels that kucomms supports: 5.10 and newer. The
 * HAVE_ macros come from the compile probes in src/configure, never from the
 * version, which distributions' backports make a liar.
 */
#ifndef KUCOMMS_SRC_COMPAT_H
#define KUCOMMS_SRC_COMPAT_H

#include <linux/cacheinfo.h>
#include <linux/export.h>
#include <linux/fs.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/timer.h>
#include <linux/shm.h>
#include <linux/version.h>
#ifdef CONFIG_ARM
#include <asm/cachetype.h>
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 10, 0)
#error "kucomms needs Linux 5.10 or newer"
#endif

/*
 * Before 5.11 a page that is charged to a memory cgroup cannot be mapped: the
 * mark of the one is kept where the other counts mappings.
 */
#ifdef HAVE_MEMCG_DATA_KMEM
#define KC_GFP_MAPPED	GFP_KERNEL_ACCOUNT
#else
#define KC_GFP_MAPPED	GFP_KERNEL
#endif

/*
 * Tells whether data that is written through one mapping of a page may be stale
 * in another mapping; the pages of a ring have several. Kernels before 6.9 tell
 * this for ARM only; other architectures with such caches align shared memory
 * (SHMLBA) by more than a page.
 */
static inline bool kc_caches_alias(void)
{
#ifdef cpu_dcache_is_aliasing
	return cpu_dcache_is_aliasing();
#elif defined(CONFIG_ARM)
	return cache_is_vivt() || cache_is_vipt_aliasing();
#else
	return SHMLBA > PAGE_SIZE;
#endif
}

static inline void kc_vm_flags_mod(struct vm_area_struct *vma,
				   unsigned long set, unsigned long clear)
{
#ifdef HAVE_VM_FLAGS_MOD
	vm_flags_mod(vma, set, clear);
#else
	vma->vm_flags = (vma->vm_flags | set) & ~clear;
#endif
}

/*
 * A reference to the file that @file points to; NULL if there is none or nobody
 * has one any more. The caller knows that its memory is still there.
 */
static inline struct file *kc_file_get_active(struct file **file)
{
#ifdef HAVE_GET_FILE_ACTIVE
	return get_file_active(file);
#else
	struct file *active = *file;

	return active && get_file_rcu(active) ? active : NULL;
#endif
}

static inline void kc_timer_delete_sync(struct timer_list *timer)
{
#ifdef HAVE_TIMER_DELETE_SYNC
	timer_delete_sync(timer);
#else
	del_timer_sync(timer);
#endif
}

/*
 * Exports a function to kucomms_netlink.ko: modules have to import the namespace
 * by name. Since 6.13 the name is a string.
 */
#ifdef HAVE_NAMESPACE_TOKEN
#define KC_EXPORT(function)	EXPORT_SYMBOL_NS_GPL(function, KUCOMMS_INTERNAL)
#define KC_IMPORT()		MODULE_IMPORT_NS(KUCOMMS_INTERNAL)
#else
#define KC_EXPORT(function)	EXPORT_SYMBOL_NS_GPL(function, "KUCOMMS_INTERNAL")
#define KC_IMPORT()		MODULE_IMPORT_NS("KUCOMMS_INTERNAL")
#endif

#endif
