/* SPDX-License-Identifier: MIT */
#ifndef KUCOMMS_LIB_QUEUE_H
#define KUCOMMS_LIB_QUEUE_H

/*
 * Doubly linked lists, appended to at the end: what the library uses of BSD's
 * sys/queue.h, which not every C library has (musl does not), under its names
 * and with its meaning. An entry knows the pointer that points to it, so it can
 * be removed without a special case for the first.
 */
#define TAILQ_HEAD(name, type)						\
	struct name {							\
		struct type *first;					\
		struct type **last;					\
	}

#define TAILQ_HEAD_INITIALIZER(head)	{ NULL, &(head).first }

#define TAILQ_ENTRY(type)						\
	struct {							\
		struct type *next;					\
		struct type **previous;					\
	}

#define TAILQ_FIRST(head)		((head)->first)
#define TAILQ_NEXT(element, field)	((element)->field.next)
#define TAILQ_EMPTY(head)		(!(head)->first)

#define TAILQ_FOREACH(variable, head, field)				\
	for ((variable) = TAILQ_FIRST(head); (variable);		\
	     (variable) = TAILQ_NEXT(variable, field))

#define TAILQ_INIT(head)						\
	do {								\
		(head)->first = NULL;					\
		(head)->last = &(head)->first;				\
	} while (0)

#define TAILQ_INSERT_TAIL(head, element, field)				\
	do {								\
		(element)->field.next = NULL;				\
		(element)->field.previous = (head)->last;		\
		*(head)->last = (element);				\
		(head)->last = &(element)->field.next;			\
	} while (0)

#define TAILQ_REMOVE(head, element, field)				\
	do {								\
		if ((element)->field.next)				\
			(element)->field.next->field.previous =		\
				(element)->field.previous;		\
		else							\
			(head)->last = (element)->field.previous;	\
		*(element)->field.previous = (element)->field.next;	\
	} while (0)

#endif
