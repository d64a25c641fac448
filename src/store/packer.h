/* packer: puts versions that were written one by one into frames, beside the writer.
 *
 *      writer: asks ──▶ packer: reads singles, compresses ──▶ writer: frames in, singles out, one transaction
 *
 * The transaction is not synced: a crash before the next group's commit only means that the frames are made again. */
#ifndef SOYANG_STORE_PACKER_H
#define SOYANG_STORE_PACKER_H

#include "store/writer.h"

struct packer;
/* NULL: no memory. */
struct packer *packer_open(struct store *store);
void packer_close(struct packer *packer); /* accepts NULL; waits for what it does */

enum packer_did { PACKER_NOTHING, PACKER_WAITS, PACKER_PACKED };
/* Called by the writer between transactions: takes in what is made and asks for more. PACKER_WAITS: it is being made. */
enum packer_did packer_turn(struct packer *packer, struct writer *writer, enum merge_pace pace);
/* The share of a core that the packer may take while others write, in percent, 1 to 100: little until three quarters of all
 * versions lie alone (or a million, if that is more), all of one when nine tenths do (or half a million more than that). */
unsigned packer_share_percent(uint64_t behind, uint64_t versions);
/* Rows of a version that lies alone were replaced: what is being made of it is thrown away. */
void packer_disturb(struct packer *packer);
/* Versions that were written since it last looked. */
uint64_t packer_behind(const struct packer *packer, const struct writer *writer);

#endif
