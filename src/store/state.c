/* state: the one row that says up to where the folder is committed and merged. */
#include "store/store_internal.h"

#include <string.h>

enum { PLACE_HEAD = 12 }; /* lane and rid in front of the key */

void place_keep(struct place_kept *out, const struct row_place *place) {
    invariant(place->key.size <= sizeof out->key);
    if (place->key.size > 0) {
        memmove(out->key, place->key.at, place->key.size);
    }
    out->place = *place;
    out->place.key.at = (const char *)out->key;
    out->set = true;
}

void state_copy(struct store_state *out, const struct store_state *state) {
    *out = *state;
    out->merged.place.key.at = (const char *)out->merged.key;
}

static size_t place_pack(uint8_t out[static PLACE_HEAD + UINT8_MAX], const struct place_kept *kept) {
    if (!kept->set) {
        return 0;
    }
    for (int i = 0; i < 4; i++) {
        out[i] = (uint8_t)(kept->place.lane >> (24 - 8 * i));
    }
    for (int i = 0; i < 8; i++) {
        out[4 + i] = (uint8_t)(kept->place.rid >> (56 - 8 * i));
    }
    memcpy(out + PLACE_HEAD, kept->key, kept->place.key.size);
    return PLACE_HEAD + kept->place.key.size;
}

static void place_unpack(struct place_kept *out, struct text packed) {
    out->set = false;
    if (packed.size < PLACE_HEAD) {
        return;
    }
    struct row_place place = {.key = {packed.at + PLACE_HEAD, packed.size - PLACE_HEAD}};
    for (int i = 0; i < 4; i++) {
        place.lane = place.lane << 8 | (uint8_t)packed.at[i];
    }
    for (int i = 0; i < 8; i++) {
        place.rid = place.rid << 8 | (uint8_t)packed.at[4 + i];
    }
    place_keep(out, &place);
}

enum status state_read(struct store_state *out, struct connection *connection, struct scope *scope) {
    struct statement *statement = statement_take(connection, SQL_STATE_GET);
    if (statement_step(statement) != SQLITE_ROW) {
        enum status status = connection_fault(connection, scope);
        statement_give(connection, statement);
        return status;
    }
    out->seq = (uint64_t)column_int(statement, 0);
    out->time_us = column_int(statement, 1);
    out->rid_next = (uint64_t)column_int(statement, 2);
    out->vid_next = (uint64_t)column_int(statement, 3);
    out->merge_from = (uint64_t)column_int(statement, 4);
    out->merge_from_rid = (uint64_t)column_int(statement, 5);
    out->active_from = (uint64_t)column_int(statement, 6);
    out->active_from_rid = (uint64_t)column_int(statement, 7);
    place_unpack(&out->merged, column_bytes(statement, 8));
    out->horizon = (uint64_t)column_int(statement, 9);
    out->audit_number = (uint64_t)column_int(statement, 10);
    struct text hash = column_bytes(statement, 11);
    memset(out->audit_hash, 0, DIGEST_SIZE);
    memcpy(out->audit_hash, hash.at, hash.size < DIGEST_SIZE ? hash.size : DIGEST_SIZE);
    out->resources = (uint64_t)column_int(statement, 12);
    out->rows = (uint64_t)column_int(statement, 13);
    statement_give(connection, statement);
    return STATUS_OK;
}

enum status state_write(const struct store_state *state, struct connection *connection, struct scope *scope) {
    uint8_t place[PLACE_HEAD + UINT8_MAX];
    struct statement *statement = statement_take(connection, SQL_STATE_PUT);
    bind_int(statement, 1, (int64_t)state->seq);
    bind_int(statement, 2, state->time_us);
    bind_int(statement, 3, (int64_t)state->rid_next);
    bind_int(statement, 4, (int64_t)state->vid_next);
    bind_int(statement, 5, (int64_t)state->merge_from);
    bind_int(statement, 6, (int64_t)state->merge_from_rid);
    bind_int(statement, 7, (int64_t)state->active_from);
    bind_int(statement, 8, (int64_t)state->active_from_rid);
    bind_bytes(statement, 9, (struct text){(const char *)place, place_pack(place, &state->merged)});
    bind_int(statement, 10, (int64_t)state->horizon);
    bind_int(statement, 11, (int64_t)state->audit_number);
    bind_bytes(statement, 12, (struct text){(const char *)state->audit_hash, DIGEST_SIZE});
    bind_int(statement, 13, (int64_t)state->resources);
    bind_int(statement, 14, (int64_t)state->rows);
    return statement_finish(connection, statement, scope);
}
