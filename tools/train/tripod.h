/* tripod: the reporting items of a card, told of the model at hand. The plan words each item once for all models ("tripod_ai": item, topic,
 * told); a model's own "tripod_ai" ({"8": "..."}) takes the place of those that differ. In the words stand, in braces:
 *
 *   {/data/visits}  a number or a text of the card itself, by JSON pointer
 *   {outcomes}      each output: what it means, its column, its visits and events
 *   {events}        each output: its events, and how many there are for one input
 *   {missing}       each vital sign or state of mind that the model measures, and the share of visits without it
 *
 * A pointer that leads nowhere, and a brace that is not closed, are STATUS_INVALID: no card is written. */
#ifndef SOYANG_TRAIN_TRIPOD_H
#define SOYANG_TRAIN_TRIPOD_H

#include "card.h"

/* Writes the array. */
MUST_CHECK enum status tripod_write(
    struct json_writer *w, const struct card *card, yyjson_doc *numbers, struct arena *arena, struct scope *scope);

#endif
