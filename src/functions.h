/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KUCOMMS_SRC_FUNCTIONS_H
#define KUCOMMS_SRC_FUNCTIONS_H

/*
 * What the files of kucomms.ko offer to each other, from the lowest layer to the
 * highest. The file src/layers has the order; turn.h and netlink.h, whose
 * functions are inline or another module's, stand by themselves.
 */
#include <linux/capability.h>

#include "netlink.h"
#include "turn.h"
#include "types.h"

struct cred;
struct file;
struct file_operations;
struct iov_iter;
struct vm_area_struct;

/* ---- name.c */

int kucomms_name_parse(struct kucomms_name *name, const char *text,
		       size_t length, bool prefix_required);
bool kucomms_name_equal(const struct kucomms_name *a,
			const struct kucomms_name *b);
u32 kucomms_name_hash(const struct kucomms_name *name);

/* ---- region.c */

int kucomms_region_alloc(struct kucomms_region *region, size_t size,
			 unsigned int times);
void kucomms_region_free(struct kucomms_region *region);
int kucomms_region_map(const struct kucomms_region *region,
		       struct vm_area_struct *vma, bool writable);

/* ---- tuning.c */

int kucomms_choice_parse(enum kucomms_choice *choice, const char *text);
const char *kucomms_choice_name(enum kucomms_choice choice);

/* ---- channel.c: state, notification */

int kucomms_channel_init(void);
void kucomms_channel_uninit(void);
void kucomms_channel_queue_calls(struct kucomms_channel *channel);
void kucomms_channel_wake_work(struct irq_work *work);
void kucomms_channel_disarm(struct kucomms_channel *channel);
void kucomms_channel_hang_up(struct kucomms_channel *channel);
void kucomms_channel_break(struct kucomms_channel *channel,
			   enum kc_break_reason reason);
void kucomms_channel_wake_reader(struct kucomms_channel *channel);
void kucomms_channel_wake_writer(struct kucomms_channel *channel);
unsigned int kucomms_channel_events(struct kucomms_channel *channel);

/* What every call on a channel that is no longer open comes back with. */
static inline int kucomms_channel_error(const struct kucomms_channel *channel)
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
static inline bool kucomms_channel_has_room(const struct kucomms_channel *channel)
{
	return unlikely(READ_ONCE(channel->wants_room)) &&
	       READ_ONCE(channel->out.peer->position) !=
		       READ_ONCE(channel->out.released);
}

/* ---- receive.c */

int kucomms_module_sleep(const struct kucomms_endpoint *endpoint,
			 long *timeout);
void kucomms_channel_wake_module(struct kucomms_channel *channel);
int kucomms_module_yield(bool may_sleep);
int kucomms_module_wait_room(struct kucomms_channel *channel, u32 length,
			     long timeout);

/* ---- send.c */

int kucomms_channel_put_message(struct kucomms_channel *channel,
				const struct kucomms_message *message,
				const void *data);
void kucomms_channel_notify(struct kucomms_channel *channel);
void kucomms_channel_flush_locked(struct kucomms_channel *channel);
bool kucomms_channel_stall(struct kucomms_channel *channel);
void kucomms_channel_unstall(struct kucomms_channel *channel);
bool kucomms_channel_find_room(struct kucomms_channel *channel);

/* ---- dispatch.c */

int kucomms_channel_dispatch(struct kucomms_channel *channel, bool wipe);
void kucomms_channel_stay_awake(struct kucomms_channel *channel, bool awake);

/* ---- call.c */

void kucomms_calls_create(struct kucomms_calls *calls);
void kucomms_calls_begin(struct kucomms_calls *calls);
void kucomms_calls_end(struct kucomms_channel *channel);
void kucomms_calls_settle(struct kucomms_channel *channel);
int kucomms_calls_message(struct kucomms_channel *channel,
			  const struct kucomms_message *message,
			  const void *data, void *priv);

/* ---- worker.c */

void kucomms_worker_init(struct kucomms_worker *worker,
			 struct kucomms_endpoint *endpoint,
			 unsigned int index);
int kucomms_worker_start(struct kucomms_worker *worker);
void kucomms_worker_wake(struct kucomms_worker *worker);
void kucomms_worker_stop(struct kucomms_worker *worker);
void kucomms_worker_set_cpus(struct kucomms_worker *worker);
void kucomms_channel_wake_worker(struct kucomms_channel *channel);
void kucomms_worker_remove_channel(struct kucomms_channel *channel);

/* ---- endpoint.c */

struct kucomms_endpoint *kucomms_endpoint_create(const char *name,
						 const struct kucomms_ops *ops,
						 void *priv,
						 struct module *owner);
struct kucomms_endpoint *kucomms_endpoint_get(struct kucomms_endpoint *endpoint);
void kucomms_endpoint_put(struct kucomms_endpoint *endpoint);

/* These four under kucomms_registry_lock. */
int kucomms_endpoint_start(struct kucomms_endpoint *endpoint);
void kucomms_endpoint_run(struct kucomms_endpoint *endpoint);
int kucomms_endpoint_tune(struct kucomms_endpoint *endpoint,
			  const struct kucomms_tuning *tuning);
int kucomms_endpoint_retune(struct kucomms_endpoint *endpoint,
			    const struct kucomms_tuning *tuning);

void kucomms_endpoint_kill(struct kucomms_endpoint *endpoint);

/* ---- doorbell.c */

int kucomms_channel_doorbell(struct kucomms_channel *channel);
int kucomms_channel_ring(struct kucomms_channel *channel);
int kucomms_channel_wait(struct kucomms_channel *channel, unsigned int events,
			 s64 deadline);

/* ---- client.c */

int kucomms_channel_connect(struct kucomms_channel *channel);
void kucomms_channel_detach(struct kucomms_channel *channel);
void kucomms_channel_give_number(struct kucomms_channel *channel);

/* No error: there may be another one soon. Handlers return none above 0. */
#define KUCOMMS_ENDPOINT_GONE	1

void kucomms_endpoint_stop(struct kucomms_endpoint *endpoint);
void kucomms_endpoint_leave(struct kucomms_endpoint *endpoint,
			    const struct kucomms_device *device);

/* ---- registry.c */

/*
 * Protects which devices and endpoints exist and who belongs to whom. Nested
 * inside an endpoint's turn (handlers may register other endpoints); never
 * held while waiting for one.
 */
extern struct mutex kucomms_registry_lock;

int kucomms_registry_init(void);
void kucomms_registry_uninit(void);

/* These three under kucomms_registry_lock. */
struct kucomms_device *
kucomms_registry_find_device(const struct kucomms_name *name);
int kucomms_registry_add_device(struct kucomms_device *device);
void kucomms_registry_remove_device(struct kucomms_device *device);

int kucomms_registry_wait(struct kucomms_device *device, s64 deadline,
			  struct kucomms_endpoint **endpoint);

/* ---- attributes.c */

/*
 * Checks a process that writes to sysfs, in addition to the mode of the file:
 * the mode lets in every process of root, also one in a container that has
 * root's user ID but not root's capabilities.
 */
static inline int kucomms_may_manage(void)
{
	return capable(CAP_SYS_ADMIN) ? 0 : -EPERM;
}

extern const struct attribute_group *kucomms_device_groups[];

/* ---- device.c */

extern struct class kucomms_class;
/* The region of device numbers: the first one, and how many there are. */
extern dev_t kucomms_first_number;
extern unsigned int kucomms_devices_max;
int kucomms_device_init(void);
void kucomms_device_uninit(void);
int kucomms_device_create(const struct kucomms_name *name,
			  const struct kucomms_limits *limits,
			  enum kucomms_choice choice);
int kucomms_device_remove(const struct kucomms_name *name, bool force);
struct kucomms_device *kucomms_device_open(unsigned int minor);
void kucomms_device_close(struct kucomms_device *device);
void kucomms_device_add_channel(struct kucomms_device *device,
				struct kucomms_channel *channel);
void kucomms_device_remove_channel(struct kucomms_device *device,
				   struct kucomms_channel *channel);

/* ---- rw.c */

int kucomms_rw_create(struct kucomms_channel *channel);
void kucomms_rw_destroy(struct kucomms_channel *channel);
ssize_t kucomms_rw_write(struct kucomms_channel *channel,
			 struct iov_iter *from, bool nonblocking);
ssize_t kucomms_rw_read(struct kucomms_channel *channel,
			struct iov_iter *to, bool nonblocking);

/* ---- attach.c */

int kucomms_attach_init(void);
void kucomms_attach_uninit(void);
struct kucomms_channel *kucomms_channel_create(struct kucomms_device *device,
					       const struct cred *cred);
void kucomms_channel_close(struct kucomms_channel *channel);
int kucomms_channel_attach(struct kucomms_channel *channel,
			   struct kucomms_attach *attach,
			   enum kc_transport transport,
			   struct kc_netlink *netlink);

/* ---- file.c */

struct kucomms_channel *kucomms_file_channel(const struct file *file);
extern const struct file_operations kucomms_file_operations;
int kucomms_file_init(void);
void kucomms_file_uninit(void);

/* ---- control.c */

int kucomms_control_init(void);
void kucomms_control_uninit(void);

#endif
