/* checkpoint: copies the log into the database file beside the writer, which would stop for it otherwise. */
#ifndef SOYANG_STORE_CHECKPOINT_H
#define SOYANG_STORE_CHECKPOINT_H

#include "store/store_internal.h"

struct checkpointer;
/* NULL: no memory. `path` must outlive it. */
struct checkpointer *checkpointer_open(const char *path);
void checkpointer_close(struct checkpointer *checkpointer); /* accepts NULL; waits for one that runs */
/* Called by the writer between transactions. Asks for a checkpoint when the log has grown. Where it has grown so long that it shall
 * begin anew, what is left when the checkpoint has ended, which is little, is copied here. */
void checkpointer_turn(struct checkpointer *checkpointer, struct store *store, struct connection *writer);

/* The log is being copied into the database, which is then synced. */
bool checkpointer_is_copying(struct checkpointer *checkpointer);
/* While the log is being brought to its end it had better not grow: merging, which fills it, waits. */
bool checkpointer_is_ending_log(struct checkpointer *checkpointer);

#endif
