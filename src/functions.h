/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KUCOMMS_SRC_FUNCTIONS_H
#define KUCOMMS_SRC_FUNCTIONS_H

/*
 * What the files of kucomms.ko offer to each other, from the lowest layer to the
 * highest. The file src/layers has the order; turn.h and netlink.h, whose
 * functions are inline or another module's, stand by themselves.
 */
#include <linux/capability.h>
#include <linux/jiffies.h>
#include <linux/sched.h>

#include "netlink.h"
#include "turn.h"
#include "types.h"

struct cred;
struct file;
struct iov_iter;
struct vm_area_struct;

/* ---- name.c */

int kc_name_parse(struct kc_name *name, const char *text,
		  size_t length, bool prefix_required);
bool kc_name_equal(const struct kc_name *a,
		   const struct kc_name *b);
u32 kc_name_hash(const struct kc_name *name);

/* ---- region.c */

int kc_region_alloc(struct kc_region *region, size_t size,
		    unsigned int times);
void kc_region_free(struct kc_region *region);
int kc_region_map(const struct kc_region *region,
		  struct vm_area_struct *vma, bool writable);

/* ---- tuning.c */

int kc_dispatch_parse(enum kucomms_dispatch *dispatch, const char *text);
const char *kc_dispatch_name(enum kucomms_dispatch dispatch);

/* ---- channel.c: state, notification */

int kc_channel_init(void);
void kc_channel_uninit(void);
void kc_channel_queue_calls(struct kucomms_channel *channel);
void kc_channel_wake_work(struct irq_work *work);
void kc_channel_disarm(struct kucomms_channel *channel);
void kc_channel_hang_up(struct kucomms_channel *channel);
void kc_channel_break(struct kucomms_channel *channel,
		      enum kc_break_reason reason);
void kc_channel_wake_reader(struct kucomms_channel *channel);
void kc_channel_wake_writer(struct kucomms_channel *channel);
unsigned int kc_channel_events(struct kucomms_channel *channel);

/*
 * Returns 0 if the channel is open, else the error that every call on it
 * returns.
 */
static inline int kc_channel_error(const struct kucomms_channel *channel)
{
	/* Pairs with channel_leave_open(). */
	u32 state = smp_load_acquire(&channel->state);

	if (likely(state == KUCOMMS_STATE_OPEN))
		return 0;
	return state == KUCOMMS_STATE_HANGUP ? -ESHUTDOWN : -EPROTO;
}

/*
 * Tells whether the room handler waits to be called and the client has released
 * something since the producer last looked. The answer is only a hint.
 */
static inline bool kc_channel_has_room(const struct kucomms_channel *channel)
{
	return unlikely(READ_ONCE(channel->wants_room)) &&
	       READ_ONCE(channel->out.remote->position) !=
		       READ_ONCE(channel->out.released);
}

/* ---- receive.c */

int kc_module_sleep(const struct kucomms_endpoint *endpoint, long *timeout);
void kc_channel_wake_module(struct kucomms_channel *channel);
int kc_module_yield(bool may_sleep);
int kc_module_wait_room(struct kucomms_channel *channel, u32 length,
			long *timeout);

/* In jiffies; one more, since the present one is nearly over. */
static inline long kc_module_timeout(int timeout_ms)
{
	return timeout_ms < 0 ? MAX_SCHEDULE_TIMEOUT :
				(long)msecs_to_jiffies(timeout_ms) + 1;
}

/* ---- send.c */

int kc_channel_put_message(struct kucomms_channel *channel,
			   const struct kucomms_message *message,
			   const void *data);
void kc_channel_notify(struct kucomms_channel *channel);
void kc_channel_flush_locked(struct kucomms_channel *channel);
bool kc_channel_stall(struct kucomms_channel *channel);
void kc_channel_unstall(struct kucomms_channel *channel);
bool kc_channel_find_room(struct kucomms_channel *channel);

/* ---- dispatch.c */

enum kc_dispatched kc_channel_dispatch(struct kucomms_channel *channel,
				       bool wipe);
void kc_channel_stay_awake(struct kucomms_channel *channel, bool awake);

/* ---- call.c */

void kc_calls_create(struct kc_calls *calls);
void kc_calls_begin(struct kc_calls *calls);
void kc_calls_end(struct kucomms_channel *channel);
void kc_calls_settle(struct kucomms_channel *channel);
int kc_calls_message(struct kucomms_channel *channel,
		     const struct kucomms_message *message,
		     const void *data, void *priv);

/* ---- worker.c */

void kc_worker_init(struct kc_worker *worker,
		    struct kucomms_endpoint *endpoint,
		    unsigned int index);
int kc_worker_start(struct kc_worker *worker);
void kc_worker_wake(struct kc_worker *worker);
void kc_worker_stop(struct kc_worker *worker);
void kc_worker_set_cpus(struct kc_worker *worker);
void kc_channel_wake_worker(struct kucomms_channel *channel);
void kc_worker_remove_channel(struct kucomms_channel *channel);

/* ---- endpoint.c */

struct kucomms_endpoint *kc_endpoint_create(const char *name,
					    const struct kucomms_ops *ops,
					    void *priv,
					    struct module *owner);
struct kucomms_endpoint *kc_endpoint_get(struct kucomms_endpoint *endpoint);
void kc_endpoint_put(struct kucomms_endpoint *endpoint);

/* These four under kc_registry_lock. */
int kc_endpoint_start(struct kucomms_endpoint *endpoint);
void kc_endpoint_run(struct kucomms_endpoint *endpoint);
int kc_endpoint_tune(struct kucomms_endpoint *endpoint,
		     const struct kc_tuning *tuning);
int kc_endpoint_retune(struct kucomms_endpoint *endpoint,
		       const struct kc_tuning *tuning);

void kc_endpoint_kill(struct kucomms_endpoint *endpoint);

/* ---- doorbell.c */

int kc_channel_doorbell(struct kucomms_channel *channel);
int kc_channel_ring(struct kucomms_channel *channel);
int kc_channel_wait(struct kucomms_channel *channel, unsigned int events,
		    s64 deadline);

/* ---- client.c */

int kc_channel_connect(struct kucomms_channel *channel);
void kc_channel_disconnect(struct kucomms_channel *channel);
void kc_channel_give_number(struct kucomms_channel *channel);

/*
 * Returned by kc_channel_connect() if the endpoint is dead: another one may
 * come.
 */
#define KC_ENDPOINT_GONE	1

void kc_endpoint_stop(struct kucomms_endpoint *endpoint);
void kc_endpoint_leave(struct kucomms_endpoint *endpoint,
		       const struct kc_device *device);

/* ---- registry.c */

/*
 * Protects which devices and endpoints exist and which belong together. Nested
 * inside an endpoint's turn (handlers may register other endpoints); never held
 * while waiting for a turn.
 */
extern struct mutex kc_registry_lock;

int kc_registry_init(void);
void kc_registry_uninit(void);

/* These three under kc_registry_lock. */
struct kc_device *
kc_registry_find_device(const struct kc_name *name);
int kc_registry_add_device(struct kc_device *device);
void kc_registry_remove_device(struct kc_device *device);

int kc_registry_wait(struct kc_device *device, s64 deadline,
		     struct kucomms_endpoint **endpoint);

/* ---- attributes.c */

/*
 * Checks a process that writes to sysfs, in addition to the mode of the file:
 * the mode lets in every process of root, also one in a container that has
 * root's user ID but not root's capabilities.
 */
static inline int kc_may_manage(void)
{
	return capable(CAP_SYS_ADMIN) ? 0 : -EPERM;
}

extern const struct attribute_group *kc_device_groups[];

/* ---- device.c */

extern struct class kc_class;
/* The region of device numbers: the first one, and how many there are. */
extern dev_t kc_first_number;
extern unsigned int kc_devices_max;
int kc_device_init(void);
void kc_device_uninit(void);
int kc_device_create(const struct kc_name *name,
		     const struct kc_limits *limits,
		     enum kucomms_dispatch dispatch);
int kc_device_remove(const struct kc_name *name, bool force);
struct kc_device *kc_device_open(unsigned int minor);
void kc_device_close(struct kc_device *device);
void kc_device_add_channel(struct kc_device *device,
			   struct kucomms_channel *channel);
void kc_device_remove_channel(struct kc_device *device,
			      struct kucomms_channel *channel);

/* ---- rw.c */

int kc_rw_create(struct kucomms_channel *channel);
void kc_rw_destroy(struct kucomms_channel *channel);
ssize_t kc_rw_write(struct kucomms_channel *channel,
		    struct iov_iter *from, bool nonblocking);
ssize_t kc_rw_read(struct kucomms_channel *channel,
		   struct iov_iter *to, bool nonblocking);

/* ---- attach.c */

int kc_attach_init(void);
void kc_attach_uninit(void);
struct kucomms_channel *kc_channel_create(struct kc_device *device,
					  const struct cred *cred);
void kc_channel_close(struct kucomms_channel *channel);
int kc_channel_attach(struct kucomms_channel *channel,
		      struct kucomms_attach *attach,
		      enum kc_transport transport,
		      struct kc_netlink *netlink);

/* ---- file.c */

struct kucomms_channel *kc_file_channel(const struct file *file);
extern const struct file_operations kc_file_operations;
int kc_file_init(void);
void kc_file_uninit(void);

/* ---- control.c */

int kc_control_init(void);
void kc_control_uninit(void);

#endif
