/* csrc/keeper.h: arrays that lie in a file, and a thread that keeps the process within a limit.
 *
 * Pages of a mapped file are the system's to take back: nothing is lost by letting go of them, they
 * come in again when they are touched. The system does so only when the whole machine runs out of
 * memory. A keeper does it as soon as the process has more than so many bytes resident: kernels call
 * it as they go along, and a thread of its own looks again after the time in which the distance to
 * the limit could be filled. It lets go of all that it has mapped; what is in memory otherwise it
 * cannot help. */
#ifndef JC_KEEPER_H
#define JC_KEEPER_H

#include "jwst_cal.h"

typedef struct jc_keeper jc_keeper;

/* Start a keeper. JC_BAD_ARGUMENT: the system does not tell how much is resident. */
jc_status jc_keeper_new(size_t most, jc_keeper **keeper /* OUT */);

/* Stop it. Nothing may be mapped any more. */
void jc_keeper_free(jc_keeper *keeper);

/* Change the limit. */
void jc_keeper_set(jc_keeper *keeper, size_t most);

/* Map an open file, from its start: to read it, or to share what is written with the file.
 * JC_BAD_ARGUMENT: no bytes, or the file cannot be mapped so. */
jc_status jc_keeper_map(jc_keeper *keeper, int file, size_t bytes, int writable,
                        void **memory /* OUT */);

/* Undo it. */
void jc_keeper_unmap(jc_keeper *keeper, void *memory);

/* Have the system find the room on the disk for a file that is going to be so long, which is cheaper
 * than piece by piece. Returns whether it did; where it cannot, the file is as it was. */
int jc_reserve(int file, size_t bytes);

/* Choose the keeper that kernels call; NULL for none. A process has one memory, and so one keeper:
 * this is the one thing that the library remembers from call to call. */
void jc_keeper_use(jc_keeper *keeper);

/* Called by a kernel that has visited so many places in arrays, each at most a row of a plane: lets
 * go when more is resident than should be. The keeper's own thread sees to who does not call. */
void jc_settle(int places);

/* Whether kernels have a keeper, so that pages may come in each time they are touched. */
int jc_is_kept(void);

/* Room for an array of the size of an image, in pages as large as there are: each page comes in at a
 * price when it is first touched. NULL if there is none. To be freed. */
void *jc_pages(size_t bytes);

/* Let go of all that is mapped, now. */
void jc_keeper_let_go(jc_keeper *keeper);

/* Bytes of the process that are resident; 0 if it cannot be told. */
size_t jc_keeper_resident(jc_keeper *keeper);

#endif
