/* SPDX-License-Identifier: MIT */
#ifndef KC_QUEUE_H
#define KC_QUEUE_H

/*
 * Doubly linked lists to which entries are appended: the part of BSD's
 * sys/queue.h that the library uses, with the same names and meaning, since not
 * every C library has that header (musl has not). An entry knows the pointer
 * that points to it, so the first entry can be removed without a special case.
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
