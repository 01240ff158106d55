// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/bench_copy: messages that are copied into the kernel and out of it, by
 * ioctl() or by write() and read(). Each open file has a buffer of its own.
 */
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "count.h"
#include "peers.h"

/* memcpy goes through as much memory as a ring for such messages has. */
#define MEMCPY_BYTES	(1u << 20)

struct copy {
	struct count count;
	u64 sequence;
	bool answer;		/* the buffer holds what read() is to return */
	struct bench_message *buffer;
	void *memory;		/* of memcpy, made when first needed */
};

static int copy_open(struct inode *inode, struct file *file)
{
	struct copy *copy = kzalloc(sizeof(*copy), GFP_KERNEL);

	if (!copy)
		return -ENOMEM;
	copy->buffer = kvzalloc(sizeof(*copy->buffer) + BENCH_SIZE_MAX,
				GFP_KERNEL);
	if (!copy->buffer) {
		kfree(copy);
		return -ENOMEM;
	}
	file->private_data = copy;
	return stream_open(inode, file);
}

static int copy_release(struct inode *inode, struct file *file)
{
	struct copy *copy = file->private_data;

	kvfree(copy->memory);
	kvfree(copy->buffer);
	kfree(copy);
	return 0;
}

/* The length is read first, and stays what it was when it was checked. */
static int copy_in(struct copy *copy, const struct bench_message __user *from)
{
	u32 length;

	if (get_user(length, &from->length))
		return -EFAULT;
	if (length > BENCH_SIZE_MAX)
		return -EMSGSIZE;
	if (copy_from_user(copy->buffer, from, sizeof(*from) + length))
		return -EFAULT;
	copy->buffer->length = length;
	return 0;
}

static int copy_out(struct copy *copy, struct bench_message __user *to)
{
	return copy_to_user(to, copy->buffer,
			    sizeof(*to) + copy->buffer->length) ? -EFAULT : 0;
}

static int copy_source(struct copy *copy, u32 length)
{
	if (length > BENCH_SIZE_MAX)
		return -EMSGSIZE;
	copy->buffer->length = length;
	copy->buffer->type = BENCH_SINK;
	*(u64 *)(copy->buffer + 1) = copy->sequence++;
	return 0;
}

static long copy_ioctl_echo(struct copy *copy, struct bench_message __user *arg)
{
	int err = copy_in(copy, arg);

	return err ? err : copy_out(copy, arg);
}

static long copy_ioctl_sink(struct copy *copy, struct bench_message __user *arg)
{
	int err = copy_in(copy, arg);

	if (!err)
		count_message(&copy->count, copy->buffer + 1);
	return err;
}

static long copy_ioctl_source(struct copy *copy,
			      struct bench_message __user *arg)
{
	u32 length;
	int err;

	if (get_user(length, &arg->length))
		return -EFAULT;
	err = copy_source(copy, length);
	return err ? err : copy_out(copy, arg);
}

static long copy_ioctl_count(struct copy *copy, void __user *arg)
{
	struct bench_count sum = count_take(&copy->count);

	copy->sequence = 0;
	return copy_to_user(arg, &sum, sizeof(sum)) ? -EFAULT : 0;
}

static long copy_ioctl_memcpy(struct copy *copy, void __user *arg)
{
	struct bench_message request;
	u32 at = 0;
	u64 i;

	if (copy_from_user(&request, arg, sizeof(request)))
		return -EFAULT;
	if (!request.length || request.length > BENCH_SIZE_MAX)
		return -EMSGSIZE;
	if (!copy->memory)
		copy->memory = kvzalloc(MEMCPY_BYTES, GFP_KERNEL);
	if (!copy->memory)
		return -ENOMEM;
	for (i = 0; i < request.id; i++) {
		memcpy(copy->memory + at, copy->buffer, request.length);
		at += request.length;
		if (at > MEMCPY_BYTES - request.length)
			at = 0;
		cond_resched();
	}
	return 0;
}

static long copy_ioctl(struct file *file, unsigned int command,
		       unsigned long arg)
{
	struct copy *copy = file->private_data;
	void __user *to = (void __user *)arg;

	switch (command) {
	case BENCH_IOC_ECHO:
		return copy_ioctl_echo(copy, to);
	case BENCH_IOC_SINK:
		return copy_ioctl_sink(copy, to);
	case BENCH_IOC_SOURCE:
		return copy_ioctl_source(copy, to);
	case BENCH_IOC_COUNT:
		return copy_ioctl_count(copy, to);
	case BENCH_IOC_MEMCPY:
		return copy_ioctl_memcpy(copy, to);
	default:
		return -ENOTTY;
	}
}

static ssize_t copy_write(struct file *file, const char __user *from,
			  size_t count, loff_t *position)
{
	struct copy *copy = file->private_data;

	if (count < sizeof(*copy->buffer) + sizeof(u64) ||
	    count > sizeof(*copy->buffer) + BENCH_SIZE_MAX)
		return -EMSGSIZE;
	if (copy_from_user(copy->buffer, from, count))
		return -EFAULT;
	copy->buffer->length = count - sizeof(*copy->buffer);
	copy->answer = copy->buffer->type == BENCH_ECHO;
	if (!copy->answer)
		count_message(&copy->count, copy->buffer + 1);
	return count;
}

static ssize_t copy_read(struct file *file, char __user *to, size_t count,
			 loff_t *position)
{
	struct copy *copy = file->private_data;
	int err;

	if (count < sizeof(*copy->buffer) + sizeof(u64))
		return -EMSGSIZE;
	if (!copy->answer) {
		err = copy_source(copy, count - sizeof(*copy->buffer));
		if (err)
			return err;
	}
	copy->answer = false;
	if (count < sizeof(*copy->buffer) + copy->buffer->length)
		return -EMSGSIZE;
	err = copy_out(copy, (void __user *)to);
	return err ? err : sizeof(*copy->buffer) + copy->buffer->length;
}

static const struct file_operations copy_operations = {
	.owner = THIS_MODULE,
	.open = copy_open,
	.release = copy_release,
	.unlocked_ioctl = copy_ioctl,
	.read = copy_read,
	.write = copy_write,
};

static struct miscdevice copy_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "bench_copy",
	.mode = 0600,
	.fops = &copy_operations,
};

int copy_init(void)
{
	return misc_register(&copy_device);
}

void copy_exit(void)
{
	misc_deregister(&copy_device);
}
