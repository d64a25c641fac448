/* space: names of index spaces and their numbers.
 *
 * A number is given in memory at once and written by the writer's next group, in front of any row that could use it. */
#include "store/store_internal.h"
#include "store/writer.h"

#include <stdlib.h>
#include <string.h>

/* Invariants: `at[i]` has the number STORE_SPACE_FIRST_OWN + i; the first `durable` are committed, those up to `written` are
 * in the writer's transaction. All guarded by `lock`. */
struct space_table {
    pthread_mutex_t lock;
    struct text *at;
    size_t count, capacity, durable, written;
    size_t *slots; /* open addressing: index + 1 */
    size_t slot_count;
};

struct space_table *space_table_open(void) {
    struct space_table *table = calloc(1, sizeof *table);
    if (table != NULL) {
        pthread_mutex_init(&table->lock, NULL);
    }
    return table;
}

void space_table_close(struct space_table *table) {
    if (table == NULL) {
        return;
    }
    for (size_t i = 0; i < table->count; i++) {
        free((void *)table->at[i].at);
    }
    free(table->at);
    free(table->slots);
    pthread_mutex_destroy(&table->lock);
    free(table);
}

static uint64_t hash(struct text name) {
    uint64_t value = 1469598103934665603U; /* FNV-1a */
    for (size_t i = 0; i < name.size; i++) {
        value = (value ^ (uint8_t)name.at[i]) * 1099511628211U;
    }
    return value;
}

static void slot_fill(struct space_table *table, size_t index) {
    size_t at = hash(table->at[index]) & (table->slot_count - 1);
    while (table->slots[at] != 0) {
        at = (at + 1) & (table->slot_count - 1);
    }
    table->slots[at] = index + 1;
}

static bool table_grow(struct space_table *table) {
    size_t capacity = table->capacity == 0 ? 256 : table->capacity * 2;
    struct text *at = realloc(table->at, capacity * sizeof *at);
    if (at == NULL) {
        return false;
    }
    table->at = at;
    size_t *slots = calloc(capacity * 4, sizeof *slots);
    if (slots == NULL) {
        return false;
    }
    free(table->slots);
    table->slots = slots;
    table->slot_count = capacity * 4;
    table->capacity = capacity;
    for (size_t i = 0; i < table->count; i++) {
        slot_fill(table, i);
    }
    return true;
}

static bool table_add(struct space_table *table, struct text name) {
    if (table->count == table->capacity && !table_grow(table)) {
        return false;
    }
    char *copy = malloc(name.size + 1);
    if (copy == NULL) {
        return false;
    }
    if (name.size > 0) {
        memcpy(copy, name.at, name.size);
    }
    table->at[table->count] = (struct text){copy, name.size};
    slot_fill(table, table->count++);
    return true;
}

/* SIZE_MAX: not there. */
static size_t table_find(const struct space_table *table, struct text name) {
    if (table->slot_count == 0) {
        return SIZE_MAX;
    }
    for (size_t at = hash(name) & (table->slot_count - 1); table->slots[at] != 0;
         at = (at + 1) & (table->slot_count - 1)) {
        if (text_equal(table->at[table->slots[at] - 1], name)) {
            return table->slots[at] - 1;
        }
    }
    return SIZE_MAX;
}

enum status space_table_load(struct space_table *table, struct connection *connection, struct scope *scope) {
    struct statement *list = statement_take(connection, SQL_SPACES);
    int code = SQLITE_ROW;
    enum status status = STATUS_OK;
    while (status == STATUS_OK && (code = statement_step(list)) == SQLITE_ROW) {
        if ((size_t)column_int(list, 0) != STORE_SPACE_FIRST_OWN + table->count) {
            status = fault(scope, STATUS_FAILED, "", "the folder's space numbers have a gap");
        } else if (!table_add(table, column_bytes(list, 1))) {
            status = fault(scope, STATUS_UNAVAILABLE, "", "no memory for the index spaces");
        }
    }
    if (status == STATUS_OK && code != SQLITE_DONE) {
        status = connection_fault(connection, scope);
    }
    statement_give(connection, list);
    table->durable = table->written = table->count;
    return status;
}

enum status space_table_flush(struct space_table *table, struct connection *connection, struct scope *scope) {
    enum status status = STATUS_OK;
    pthread_mutex_lock(&table->lock);
    for (size_t i = table->durable; status == STATUS_OK && i < table->count; i++) {
        struct statement *add = statement_take(connection, SQL_SPACE_ADD);
        bind_int(add, 1, (int64_t)(STORE_SPACE_FIRST_OWN + i));
        bind_bytes(add, 2, table->at[i]);
        int code = statement_step(add);
        statement_give(connection, add);
        status = code == SQLITE_DONE ? STATUS_OK : STATUS_FAILED;
    }
    table->written = table->count;
    pthread_mutex_unlock(&table->lock);
    return status == STATUS_OK ? STATUS_OK : connection_fault(connection, scope);
}

void space_table_flushed(struct space_table *table, bool committed) {
    pthread_mutex_lock(&table->lock);
    if (committed) {
        table->durable = table->written;
    }
    pthread_mutex_unlock(&table->lock);
}

size_t space_table_count(struct space_table *table) {
    pthread_mutex_lock(&table->lock);
    size_t count = table->count;
    pthread_mutex_unlock(&table->lock);
    return count;
}

static enum status write_nothing(void *context, struct store_unit *unit, struct scope *scope) {
    (void)context;
    (void)unit;
    (void)scope;
    return STATUS_OK;
}

enum status store_space(uint32_t *out, struct store *store, struct text name, struct scope *scope) {
    struct space_table *table = store->spaces;
    if (name.size == 0 || name.size > STORE_KEY_MAX) {
        return fault(scope, STATUS_INVALID, "", "a space's name has 1 to %d bytes", STORE_KEY_MAX);
    }
    pthread_mutex_lock(&table->lock);
    size_t index = table_find(table, name);
    bool added = index != SIZE_MAX || table_add(table, name);
    if (index == SIZE_MAX) {
        index = table->count - 1;
    }
    bool durable = added && index < table->durable;
    pthread_mutex_unlock(&table->lock);
    if (!added) {
        return fault(scope, STATUS_UNAVAILABLE, "", "no memory for an index space");
    }
    *out = (uint32_t)(STORE_SPACE_FIRST_OWN + index);
    if (durable || writer_is_this_thread(store->writer)) {
        return STATUS_OK; /* inside a unit: it is committed with that unit's group, or the next */
    }
    return store_run(store, write_nothing, NULL, scope);
}
