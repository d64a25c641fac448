/* checkpoint: copies the log into the database file beside the writer, which would stop for it otherwise. */
#ifndef SOYANG_STORE_CHECKPOINT_H
#define SOYANG_STORE_CHECKPOINT_H

#include "store/store_internal.h"

struct checkpointer;
/* NULL: no memory. `path` must outlive it. */
struct checkpointer *checkpointer_open(const char *path);
void checkpointer_close(struct checkpointer *checkpointer); /* accepts NULL; waits for one that runs */
/* Called by the writer between transactions. Asks for a checkpoint when the log has grown; when
 * one has ended, copies the little that was written since, so that the log can begin anew. */
void checkpointer_turn(struct checkpointer *checkpointer, struct store *store, struct connection *writer);

/* While one runs the log cannot begin anew, and merging, which fills it, had better wait. */
bool checkpointer_is_busy(struct checkpointer *checkpointer);

#endif
