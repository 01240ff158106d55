// SPDX-License-Identifier: GPL-2.0-only
/* get_file_active(), since 6.7, in place of get_file_rcu() with a pointer. */
#include <linux/fs.h>

struct file *probe(struct file **file);

struct file *probe(struct file **file)
{
	return get_file_active(file);
}
