#include "store/identity_walk.h"

#include <string.h>

enum { FORMS = 2, FORM_KEY_SIZE = 3, IDENTITY_TEXT_SIZE = ID_MAX, UUID_SIZE = 16, UUIDENTITY_TEXT_SIZE = 36 };

/* The identities of one packed form. */
struct form {
    uint8_t prefix[FORM_KEY_SIZE]; /* type and form */
    struct walk *up;
    struct walk_down *down;
    bool has;
    uint64_t rid;
    size_t size;
    char id[IDENTITY_TEXT_SIZE];
};

struct identity_walk {
    struct search_run *run;
    enum walk_direction direction;
    struct form forms[FORMS];
    char last[IDENTITY_TEXT_SIZE];
};

/* ---- where UUIDs lie among other ids --------------------------------------------------------------------------------- */

static int hex_at_least(char c) {
    return c <= '0' ? 0 : c <= '9' ? c - '0' : c <= 'a' ? 10 : c <= 'f' ? c - 'a' + 10 : 16;
}

static bool is_hex(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

/* The nibbles before `count`, and then the next greater prefix of that length. */
static bool nibbles_step(uint8_t nibbles[static 2 * UUID_SIZE], size_t count) {
    while (count > 0 && nibbles[count - 1] == 15) {
        nibbles[--count] = 0;
    }
    if (count > 0) {
        nibbles[count - 1]++;
    }
    return count > 0;
}

static bool nibbles_from(uint8_t nibbles[static 2 * UUID_SIZE], struct text id) {
    size_t count = 0;
    for (size_t i = 0; i < UUIDENTITY_TEXT_SIZE; i++) {
        if (i == id.size) {
            return true; /* every UUID that begins so is longer */
        }
        if (i == 8 || i == 13 || i == 18 || i == 23) {
            if (id.at[i] != '-') { /* no character of an id is below the dash */
                return id.at[i] < '-' || nibbles_step(nibbles, count);
            }
            continue;
        }
        int least = hex_at_least(id.at[i]);
        if (least == 16) {
            return nibbles_step(nibbles, count);
        }
        nibbles[count++] = (uint8_t)least;
        if (!is_hex(id.at[i])) {
            return true;
        }
    }
    return id.size == UUIDENTITY_TEXT_SIZE || nibbles_step(nibbles, count);
}

bool uuid_from(uint8_t out[static 16], struct text id) {
    uint8_t nibbles[2 * UUID_SIZE] = {0};
    bool any = nibbles_from(nibbles, id);
    for (size_t i = 0; i < UUID_SIZE; i++) {
        out[i] = (uint8_t)(nibbles[2 * i] << 4 | nibbles[2 * i + 1]);
    }
    return any;
}

/* ---- one form ---------------------------------------------------------------------------------------------------------- */

static struct text form_prefix(const struct form *form) {
    return (struct text){(const char *)form->prefix, FORM_KEY_SIZE};
}

/* The key from which on the form's identities are at or behind `id`; false: none is. */
static bool form_bound(struct text *out, struct search_run *run, const struct form *form, struct text id) {
    uint8_t *key = arena_alloc(run->scope->arena, FORM_KEY_SIZE + ID_MAX);
    memcpy(key, form->prefix, FORM_KEY_SIZE);
    *out = (struct text){(const char *)key, FORM_KEY_SIZE + UUID_SIZE};
    if (form->prefix[FORM_KEY_SIZE - 1] == ID_FORM_UUID) {
        return uuid_from(key + FORM_KEY_SIZE, id);
    }
    size_t size = id.size <= ID_MAX ? id.size : ID_MAX;
    memcpy(key + FORM_KEY_SIZE, id.at, size);
    out->size = FORM_KEY_SIZE + size;
    return true;
}

static void form_take(struct identity_walk *walk, struct form *form, bool more, struct text key, uint64_t rid) {
    bool is_inside =
        more && key.size >= FORM_KEY_SIZE && text_equal((struct text){key.at, FORM_KEY_SIZE}, form_prefix(form));
    form->has = is_inside;
    if (!is_inside) {
        return;
    }
    struct text packed = {key.at + 2, key.size - 2};
    if (!id_is_packed(packed)) {
        form->has = false;
        search_run_fail(walk->run, fault(walk->run->scope, STATUS_FAILED, "", "a row of the identities is damaged"));
        return;
    }
    struct text id = id_unpack(walk->run->scope->arena, packed);
    invariant(id.size <= sizeof form->id);
    memcpy(form->id, id.at, id.size);
    form->size = id.size;
    form->rid = rid;
}

static void form_step(struct identity_walk *walk, struct form *form) {
    struct text key;
    uint64_t rid;
    if (form->up != NULL) {
        bool more = walk_next(form->up);
        form_take(walk, form, more, form->up->key, form->up->rid);
    } else {
        bool more = walk_down_next(&key, &rid, form->down);
        form_take(walk, form, more, key, rid);
    }
}

static void form_open(struct identity_walk *walk, struct form *form, uint16_t type, uint8_t number, struct text from) {
    struct search_run *run = walk->run;
    uint32_t lane = lane_of_keys(SPACE_IDENTITY);
    type_key(form->prefix, type);
    form->prefix[FORM_KEY_SIZE - 1] = number;
    char *behind = arena_alloc(run->scope->arena, FORM_KEY_SIZE);
    memcpy(behind, form->prefix, FORM_KEY_SIZE);
    behind[FORM_KEY_SIZE - 1]++;
    struct text end = {behind, FORM_KEY_SIZE}, start = form_prefix(form), bound = start;
    bool any = from.at == NULL || form_bound(&bound, run, form, from);
    if (walk->direction == WALK_DOWN) {
        struct text high = from.at == NULL || !any ? end : bound;
        form->down = walk_down_open(run, lane, &high, 0);
        form_step(walk, form);
    } else if (any) {
        form->up = walk_open(run, WALK_RANGE, lane, bound, end);
        form_step(walk, form);
    }
}

/* ---- the walk ---------------------------------------------------------------------------------------------------------- */

struct identity_walk *identity_walk_open(
    struct search_run *run, uint16_t type, struct text from, enum walk_direction direction) {
    struct identity_walk *walk = ARENA_NEW(run->scope->arena, struct identity_walk);
    walk->run = run;
    walk->direction = direction;
    form_open(walk, &walk->forms[0], type, ID_FORM_TEXT, from);
    form_open(walk, &walk->forms[1], type, ID_FORM_UUID, from);
    return walk;
}

void identity_walk_close(struct identity_walk *walk) {
    for (int i = 0; i < FORMS; i++) {
        if (walk->forms[i].up != NULL) {
            walk_close(walk->forms[i].up);
        }
        if (walk->forms[i].down != NULL) {
            walk_down_close(walk->forms[i].down);
        }
    }
}

static struct text form_id(const struct form *form) {
    return (struct text){form->id, form->size};
}

bool identity_walk_next(struct text *id_out, uint64_t *rid_out, struct identity_walk *walk) {
    struct form *first = NULL;
    for (int i = 0; i < FORMS; i++) {
        struct form *form = &walk->forms[i];
        int order = form->has && first != NULL ? text_compare(form_id(form), form_id(first)) : 0;
        if (form->has && (first == NULL || (walk->direction == WALK_UP ? order < 0 : order > 0))) {
            first = form;
        }
    }
    if (first == NULL || walk->run->status != STATUS_OK) {
        return false;
    }
    memcpy(walk->last, first->id, first->size);
    *id_out = (struct text){walk->last, first->size};
    *rid_out = first->rid;
    form_step(walk, first);
    return true;
}
