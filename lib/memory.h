/* SPDX-License-Identifier: MIT */
#ifndef KUCOMMS_LIB_MEMORY_H
#define KUCOMMS_LIB_MEMORY_H

#include <linux/types.h>
#include <stdbool.h>

struct kucomms_control;
struct kucomms_region;

/* Rings between processes, if nobody says otherwise. */
#define KUCOMMS_MEMORY_SIZE	(128u * 1024)
/* The most that one has to put up with who has not asked for more. */
#define KUCOMMS_MEMORY_SIZE_MAX	(16u * 1024 * 1024)

bool kucomms_memory_size_valid(__u32 size, __u32 most);
int kucomms_memory_create(__u32 size, struct kucomms_region *region);
int kucomms_memory_adopt(int fd, __u32 size, struct kucomms_region *region);
struct kucomms_control *kucomms_memory_control(const struct kucomms_region *region);
void *kucomms_memory_data(const struct kucomms_region *region);

#endif
