/* SPDX-License-Identifier: MIT */
#ifndef KC_MEMORY_H
#define KC_MEMORY_H

#include <linux/types.h>
#include <stdbool.h>

struct kc_region;

/* Size of a ring between processes, unless an option says otherwise. */
#define KC_MEMORY_SIZE	(128u * 1024)
/* Largest ring that a side accepts without having asked for it. */
#define KC_MEMORY_SIZE_MAX	(16u * 1024 * 1024)

bool kc_memory_size_valid(__u32 size, __u32 most);
int kc_memory_create(__u32 size, struct kc_region *region);
int kc_memory_adopt(int fd, __u32 size, struct kc_region *region);
void *kc_memory_data(const struct kc_region *region);

#endif
