/* block_edit: changes of entries, place by place in order, written block by block.
 *
 * A block is written once for all changes that fall into it, cut where it has become large and joined with the next where it has
 * become small. Numbers of blocks are given so that they grow with their places as far as there is room between two: blocks
 * that follow each other then lie side by side. Nothing depends on it. */
#ifndef SOYANG_STORE_BLOCK_EDIT_H
#define SOYANG_STORE_BLOCK_EDIT_H

#include "store/block_cursor.h"
#include "store/memtable.h"

struct block_edit;
/* Entries whose number is at or below `horizon` hold for every view: they are kept with number 0. In the scope's arena. */
struct block_edit *block_edit_open(struct connection *connection, uint64_t horizon, struct scope *scope);
/* Takes the entry away. *found_out is false where there was none, else *seq_out says since when it held. */
enum status block_edit_remove(
    bool *found_out, uint64_t *seq_out, struct block_edit *edit, const struct row_place *place);
/* Adds an entry; *new_out is false where there was one, which is replaced. */
enum status block_edit_add(bool *new_out, struct block_edit *edit, const struct row_place *place, uint64_t seq);
/* Writes what is left. Places may then begin anew. */
enum status block_edit_finish(struct block_edit *edit);

#endif
