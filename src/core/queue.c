#include "queue.h"

static void link(pw_queue *queue, pw_transfer *transfer, pw_transfer *before, pw_transfer *after) {
  transfer->previous = before;
  transfer->next = after;
  if (before != NULL) before->next = transfer;
  if (after != NULL) after->previous = transfer;
  if (before == NULL) queue->first = transfer;
  if (after == NULL) queue->last = transfer;
  queue->count++;
}

void pw_queue_push(pw_queue *queue, pw_transfer *transfer) { link(queue, transfer, queue->last, NULL); }

void pw_queue_push_first(pw_queue *queue, pw_transfer *transfer) { link(queue, transfer, NULL, queue->first); }

pw_transfer *pw_queue_take(pw_queue *queue) {
  pw_transfer *first = queue->first;
  if (first != NULL) pw_queue_remove(queue, first);
  return first;
}

void pw_queue_remove(pw_queue *queue, pw_transfer *transfer) {
  if (transfer->previous != NULL) transfer->previous->next = transfer->next;
  if (transfer->next != NULL) transfer->next->previous = transfer->previous;
  if (queue->first == transfer) queue->first = transfer->next;
  if (queue->last == transfer) queue->last = transfer->previous;
  transfer->next = transfer->previous = NULL;
  queue->count--;
}

void pw_queue_free(pw_queue *queue) {
  for (pw_transfer *each; (each = pw_queue_take(queue)) != NULL;) pw_transfer_free(each);
}
