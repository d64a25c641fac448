/* edition: the tables that searches and extraction go by, as they change while both go on.
 *
 *     handle ──current──▶ snapshot ──▶ (tables of the definitions, shared) + (uploaded parameters)
 *                         counted by its users; freed after the last of them
 *
 * Whoever begins (a query, an extraction) holds the snapshot that is current then, and keeps it to its end. Publishing puts a new
 * one in its place; nobody waits. Each has an edition, a number that grows; the store keeps with a resource the edition that its
 * rows follow. A slot knows the edition that first had it (`since`); it is complete once every existing resource of its type
 * has rows of that edition or a later one. */
#ifndef SOYANG_SEARCH_EDITION_H
#define SOYANG_SEARCH_EDITION_H

#include "search/catalog.h"

MUST_CHECK enum status edition_keeper_open(struct search *search, struct scope *scope);
void edition_keeper_close(struct search *search);
/* The current snapshot, until the scope's arena is closed or reset; a snapshot gives itself. */
const struct search *search_hold(const struct search *search, struct scope *scope);

#endif
