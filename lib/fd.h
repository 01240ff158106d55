/* SPDX-License-Identifier: MIT */
#ifndef KC_FD_H
#define KC_FD_H

#include <unistd.h>

/* Closes a descriptor, if there is one; -1 stands for none, also afterwards. */
static inline void kc_fd_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

#endif
