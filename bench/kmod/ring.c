// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/bench_ring: the yardstick, a ring each way in shared memory with nothing
 * but the ring. Lengths and positions are believed, so whoever opens this can
 * crash the kernel: it is for root, and for benchmarks.
 */
#include <linux/cpumask.h>
#include <linux/fs.h>
#include <linux/kthread.h>
#include <linux/log2.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "count.h"
#include "peers.h"

#define RING_SIZE_MAX	(16u << 20)

struct ring {
	struct count count;
	u64 sequence;
	u32 size;
	unsigned int pages;		/* of one direction */
	struct page *control_page;
	struct page **to_kernel_pages;	/* each page twice */
	struct page **to_user_pages;
	struct bench_ring_control *control;
	void *to_kernel;
	void *to_user;
	u32 tail;			/* of the ring to the kernel */
	u32 head;			/* of the ring to the user */
	struct task_struct *poller;
};

static void *ring_map_twice(struct page ***pages, unsigned int count)
{
	unsigned int i;

	*pages = kvcalloc(2 * count, sizeof(**pages), GFP_KERNEL);
	if (!*pages)
		return NULL;
	for (i = 0; i < count; i++) {
		struct page *page = alloc_page(GFP_KERNEL | __GFP_ZERO);

		if (!page)
			return NULL;
		(*pages)[i] = page;
		(*pages)[count + i] = page;
	}
	return vmap(*pages, 2 * count, VM_MAP, PAGE_KERNEL);
}

static void ring_unmap(struct page **pages, unsigned int count, void *address)
{
	unsigned int i;

	vunmap(address);
	for (i = 0; pages && i < count && pages[i]; i++)
		put_page(pages[i]);
	kvfree(pages);
}

static long ring_set_size(struct ring *ring, unsigned long size)
{
	if (ring->control_page)
		return -EBUSY;
	if (size < PAGE_SIZE || size > RING_SIZE_MAX || !is_power_of_2(size))
		return -EINVAL;
	ring->size = size;
	ring->pages = size >> PAGE_SHIFT;
	ring->control_page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	if (!ring->control_page)
		return -ENOMEM;
	ring->control = page_address(ring->control_page);
	ring->to_kernel = ring_map_twice(&ring->to_kernel_pages, ring->pages);
	ring->to_user = ring_map_twice(&ring->to_user_pages, ring->pages);
	return ring->to_kernel && ring->to_user ? 0 : -ENOMEM;
}

/* Whoever is here knows that there is room: the program asks for no more. */
static struct bench_message *ring_reserve(struct ring *ring, u32 length)
{
	struct bench_message *record =
		ring->to_user + (ring->head & (ring->size - 1));

	ring->head += bench_ring_record(length);
	return record;
}

static void ring_burst(struct ring *ring, u32 messages, u32 length)
{
	u32 i;

	for (i = 0; i < messages; i++) {
		struct bench_message *record = ring_reserve(ring, length);

		record->length = length;
		record->type = BENCH_SINK;
		*(u64 *)(record + 1) = ring->sequence++;
	}
}

static void ring_send_count(struct ring *ring)
{
	struct bench_message *record =
		ring_reserve(ring, sizeof(struct bench_count));

	record->length = sizeof(struct bench_count);
	*(struct bench_count *)(record + 1) = count_take(&ring->count);
	ring->sequence = 0;
}

static void ring_message(struct ring *ring, const struct bench_message *message)
{
	u32 length = message->length;

	switch (message->type) {
	case BENCH_ECHO:
		memcpy(ring_reserve(ring, length), message,
		       sizeof(*message) + length);
		break;
	case BENCH_SINK:
		count_message(&ring->count, message + 1);
		break;
	case BENCH_BURST:
		ring_burst(ring, message->id, message->user);
		break;
	case BENCH_COUNT:
		ring_send_count(ring);
		break;
	}
}

/* Everything that is there; answers are published with the last of it. */
static bool ring_take(struct ring *ring)
{
	u32 head = smp_load_acquire(&ring->control->to_kernel_head);

	if (ring->tail == head)
		return false;
	while (ring->tail != head) {
		const struct bench_message *message =
			ring->to_kernel + (ring->tail & (ring->size - 1));

		ring->tail += bench_ring_record(message->length);
		ring_message(ring, message);
	}
	smp_store_release(&ring->control->to_kernel_tail, ring->tail);
	smp_store_release(&ring->control->to_user_head, ring->head);
	return true;
}

static int ring_poller(void *arg)
{
	while (!kthread_should_stop()) {
		if (!ring_take(arg))
			cpu_relax();
		cond_resched();
	}
	return 0;
}

static long ring_poll(struct ring *ring, unsigned long cpu)
{
	struct task_struct *poller;

	if (!ring->to_user || ring->poller)
		return -EINVAL;
	if (cpu >= nr_cpu_ids || !cpu_online(cpu))
		return -EINVAL;
	poller = kthread_create(ring_poller, ring, "bench_ring");
	if (IS_ERR(poller))
		return PTR_ERR(poller);
	kthread_bind(poller, cpu);
	ring->poller = poller;
	wake_up_process(poller);
	return 0;
}

static int ring_open(struct inode *inode, struct file *file)
{
	file->private_data = kzalloc(sizeof(struct ring), GFP_KERNEL);
	return file->private_data ? stream_open(inode, file) : -ENOMEM;
}

static int ring_release(struct inode *inode, struct file *file)
{
	struct ring *ring = file->private_data;

	if (ring->poller)
		kthread_stop(ring->poller);
	ring_unmap(ring->to_kernel_pages, ring->pages, ring->to_kernel);
	ring_unmap(ring->to_user_pages, ring->pages, ring->to_user);
	if (ring->control_page)
		put_page(ring->control_page);
	kfree(ring);
	return 0;
}

static long ring_ioctl(struct file *file, unsigned int command,
		       unsigned long arg)
{
	struct ring *ring = file->private_data;

	switch (command) {
	case BENCH_IOC_RING_DOORBELL:
		return ring_take(ring) ? 0 : -EAGAIN;
	case BENCH_IOC_RING_SIZE:
		return ring_set_size(ring, arg);
	case BENCH_IOC_RING_POLL:
		return ring_poll(ring, arg);
	default:
		return -ENOTTY;
	}
}

static int ring_map_pages(struct vm_area_struct *vma, unsigned long *address,
			  struct page **pages, unsigned int count)
{
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i < count; i++, *address += PAGE_SIZE)
		err = vm_insert_page(vma, *address, pages[i]);
	return err;
}

static int ring_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct ring *ring = file->private_data;
	unsigned long address = vma->vm_start;
	int err;

	if (!ring->to_user || vma->vm_pgoff ||
	    vma->vm_end - vma->vm_start != PAGE_SIZE + 4 * (size_t)ring->size)
		return -EINVAL;
	err = ring_map_pages(vma, &address, &ring->control_page, 1);
	if (!err)
		err = ring_map_pages(vma, &address, ring->to_kernel_pages,
				     2 * ring->pages);
	if (!err)
		err = ring_map_pages(vma, &address, ring->to_user_pages,
				     2 * ring->pages);
	return err;
}

static const struct file_operations ring_operations = {
	.owner = THIS_MODULE,
	.open = ring_open,
	.release = ring_release,
	.unlocked_ioctl = ring_ioctl,
	.mmap = ring_mmap,
};

static struct miscdevice ring_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "bench_ring",
	.mode = 0600,
	.fops = &ring_operations,
};

int ring_init(void)
{
	return misc_register(&ring_device);
}

void ring_exit(void)
{
	misc_deregister(&ring_device);
}
