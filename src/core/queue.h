/* Lists of transfers; a transfer is in one at most. */
#ifndef PW_QUEUE_H
#define PW_QUEUE_H

#include "transfer.h"

/* A zeroed struct is an empty queue. It owns what is in it. */
typedef struct pw_queue {
  pw_transfer *first, *last;
  long count;
} pw_queue;

/* Puts a transfer that is in no queue behind all others, or before them. */
void pw_queue_push(pw_queue *queue, pw_transfer *transfer);
void pw_queue_push_first(pw_queue *queue, pw_transfer *transfer);

/* Takes the first transfer; NULL when there is none. */
pw_transfer *pw_queue_take(pw_queue *queue);

/* Takes one that is in this queue. */
void pw_queue_remove(pw_queue *queue, pw_transfer *transfer);

/* Frees every transfer in the queue, and empties it. */
void pw_queue_free(pw_queue *queue);

#endif
