// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a process can do with an open device.
 */
#include <linux/cdev.h>
#include <linux/compat.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/uaccess.h>
#include <linux/uio.h>

#include "compat.h"
#include "functions.h"

static int file_open(struct inode *inode, struct file *file)
{
	struct kc_device *device = kc_device_open(iminor(inode));
	struct kucomms_channel *channel;

	if (IS_ERR(device))
		return PTR_ERR(device);
	channel = kc_channel_create(device, file->f_cred);
	if (!channel) {
		kc_device_close(device);
		put_device(&device->dev);
		return -ENOMEM;
	}
	file->private_data = channel;
	return stream_open(inode, file);
}

static int file_release(struct inode *inode, struct file *file)
{
	kc_channel_close(file->private_data);
	return 0;
}

static enum kc_transport file_transport(struct file *file)
{
	struct kucomms_channel *channel = file->private_data;

	/* Pairs with attach_to(). */
	return smp_load_acquire(&channel->transport);
}

/*
 * Returns the channel if it is attached, so that all of it is there, else NULL.
 */
static struct kucomms_channel *file_channel(struct file *file)
{
	return likely(file_transport(file) != KC_DETACHED) ?
		       file->private_data : NULL;
}

/*
 * Reads a structure that begins with its own size, which may be that of an
 * older or newer caller. Returns the caller's size.
 */
static long file_get_struct(void *to, size_t known, size_t least,
			    const void __user *from)
{
	u32 size;
	int err;

	if (get_user(size, (const u32 __user *)from))
		return -EFAULT;
	if (size < least)
		return -EINVAL;
	if (size > PAGE_SIZE)
		return -E2BIG;
	err = copy_struct_from_user(to, known, from, size);
	return err ? err : (long)size;
}

static long file_attach(struct kucomms_channel *channel, void __user *arg)
{
	struct kucomms_attach attach;
	long size;
	int err;

	size = file_get_struct(&attach, sizeof(attach), KUCOMMS_ATTACH_SIZE_1,
			       arg);
	if (size < 0)
		return size;
	err = kc_channel_attach(channel, &attach, KC_MAPPED, NULL);
	if (err)
		return err;
	attach.size = sizeof(attach);
	return copy_to_user(arg, &attach, min_t(size_t, size, sizeof(attach))) ?
	       -EFAULT : 0;
}

static long file_wait(struct kucomms_channel *channel, void __user *arg)
{
	struct kucomms_wait wait;
	long size;

	size = file_get_struct(&wait, sizeof(wait), KUCOMMS_WAIT_SIZE_1, arg);
	if (size < 0)
		return size;
	return kc_channel_wait(channel, wait.events, wait.deadline);
}

/*
 * Makes an ioctl that waits end as poll() does: with EINTR when a signal
 * handler ran, with SA_RESTART or without. In a process that was stopped and
 * continued, or frozen, the kernel begins the ioctl again, with the same
 * deadline.
 */
static long file_interrupted(long ret)
{
	return ret == -ERESTARTSYS ? -ERESTARTNOHAND : ret;
}

/* The size in an ioctl's number is the caller's, like the one in the struct. */
static unsigned int without_size(unsigned int command)
{
	return command & ~(_IOC_SIZEMASK << _IOC_SIZESHIFT);
}

/*
 * Kept out of file_ioctl(), so that the doorbell needs no stack for the
 * structures.
 */
static noinline long file_ioctl_rare(struct file *file, unsigned int command,
				     unsigned long arg)
{
	struct kucomms_channel *channel = file_channel(file);

	command = without_size(command);
	if (command == without_size(KUCOMMS_IOC_WAIT))
		return channel ? file_interrupted(file_wait(channel,
							    (void __user *)arg)) :
				 -ENOTCONN;
	if (command == without_size(KUCOMMS_IOC_ATTACH))
		return file_interrupted(file_attach(file->private_data,
						    (void __user *)arg));
	return -ENOTTY;
}

static long file_ioctl(struct file *file, unsigned int command,
		       unsigned long arg)
{
	if (unlikely(command != KUCOMMS_IOC_DOORBELL))
		return file_ioctl_rare(file, command, arg);
	if (unlikely(arg))
		return -EINVAL;
	if (unlikely(file_transport(file) == KC_DETACHED))
		return -ENOTCONN;
	return kc_channel_doorbell(file->private_data);
}

static int file_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct kucomms_channel *channel = file_channel(file);
	const unsigned int shift = KC_REGION_SHIFT - PAGE_SHIFT;
	unsigned long index = vma->vm_pgoff >> shift;

	if (!channel)
		return -ENOTCONN;
	if (channel->transport != KC_MAPPED)
		return -EBUSY;
	if (index >= KC_REGIONS || vma->vm_pgoff != index << shift)
		return -EINVAL;
	return kc_region_map(&channel->regions[index], vma,
			     index == KC_REGION_USER_CONTROL ||
			     index == KC_REGION_TO_KERNEL);
}

/* Attaches at the first read() or write(). */
static int file_attach_rw(struct file *file)
{
	struct kucomms_attach attach = { };
	int err;

	if (file_transport(file) == KC_DETACHED) {
		err = kc_channel_attach(file->private_data, &attach,
					KC_COPIED, NULL);
		/*
		 * -EBUSY: another call was faster, maybe a read() or write().
		 */
		if (err && err != -EBUSY)
			return err;
	}
	return file_transport(file) == KC_COPIED ? 0 : -EBUSY;
}

static bool file_nonblocking(const struct kiocb *iocb)
{
	return (iocb->ki_filp->f_flags & O_NONBLOCK) ||
	       (iocb->ki_flags & IOCB_NOWAIT);
}

static ssize_t file_read(struct kiocb *iocb, struct iov_iter *to)
{
	struct file *file = iocb->ki_filp;

	return file_attach_rw(file) ?:
	       kc_rw_read(file->private_data, to,
			  file_nonblocking(iocb));
}

static ssize_t file_write(struct kiocb *iocb, struct iov_iter *from)
{
	struct file *file = iocb->ki_filp;

	return file_attach_rw(file) ?:
	       kc_rw_write(file->private_data, from,
			   file_nonblocking(iocb));
}

static __poll_t file_poll(struct file *file, poll_table *table)
{
	struct kucomms_channel *channel = file_channel(file);
	unsigned int events;
	__poll_t mask = 0;
	int err;

	/*
	 * Before all else: a file may be attached after it was added to an
	 * epoll set.
	 */
	poll_wait(file, &((struct kucomms_channel *)file->private_data)->wait,
		  table);
	if (!channel)
		return EPOLLERR;
	/*
	 * Queue, then look: pairs with the barriers in the ring's must_ring().
	 */
	smp_mb();
	err = kc_channel_error(channel);
	events = kc_channel_events(channel);
	if (!(events & KUCOMMS_EVENT_DATA)) {
		/*
		 * Ask, then look: pairs likewise. The flag may be another
		 * poller's, so only a sender clears it, just before it wakes
		 * all.
		 */
		WRITE_ONCE(channel->polled, true);
		smp_mb();
		err = kc_channel_error(channel);
		events = kc_channel_events(channel);
	}
	if (events & KUCOMMS_EVENT_DATA)
		mask |= EPOLLIN | EPOLLRDNORM;
	if (err)
		mask |= EPOLLHUP | EPOLLIN | EPOLLRDHUP |
			(err == -EPROTO ? EPOLLERR : 0);
	else if (events & KUCOMMS_EVENT_ROOM)
		mask |= EPOLLOUT | EPOLLWRNORM;
	return mask;
}

const struct file_operations kc_file_operations = {
	.owner = THIS_MODULE,
	.open = file_open,
	.release = file_release,
	.unlocked_ioctl = file_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.mmap = file_mmap,
	.read_iter = file_read,
	.write_iter = file_write,
	.poll = file_poll,
};

/*
 * Returns the channel of a file that is a device, opened for reading and
 * writing, or NULL.
 */
struct kucomms_channel *kc_file_channel(const struct file *file)
{
	const fmode_t both = FMODE_READ | FMODE_WRITE;

	return file->f_op == &kc_file_operations &&
	       (file->f_mode & both) == both ? file->private_data : NULL;
}
KC_EXPORT(kc_file_channel);

static struct cdev cdev;

/* From here on devices that have been created can be opened. */
int kc_file_init(void)
{
	cdev_init(&cdev, &kc_file_operations);
	cdev.owner = THIS_MODULE;
	return cdev_add(&cdev, kc_first_number, kc_devices_max);
}

void kc_file_uninit(void)
{
	cdev_del(&cdev);
}
