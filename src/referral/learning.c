#include "referral/learning.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "referral/rank.h"

#define NOTE_PREFIX "referral.belief."
#define NOTE_PLACES TEXT("referral.belief-places") /* ids, a line each */
#define NOTE_REGION TEXT("referral.belief-region")
enum { PLACES_MAX = 1024, CELL_BYTES = 2 + 4 * 8, ID_SIZE = 65 };

/* One note and its copy. `mark` is the last unit that wrote it and that no reader has read since; 0: none. */
struct held_place {
    char id[ID_SIZE];
    uint64_t mark;
    struct referral_belief_place *cells;
};
struct learning {
    struct records *records;
    struct arena *arena;
    pthread_mutex_t lock;
    struct referral_belief_region region;
    uint64_t region_mark, places_mark;
    struct held_place places[PLACES_MAX];
    size_t place_count;
};

/* ---- notes ------------------------------------------------------------------------------------------------------------ */

/* Cells as they are kept: number, yes, asked, expected, time; little-endian; cells of nothing are left out. */
static void put_bytes(char **at, uint64_t value, size_t size) {
    for (size_t i = 0; i < size; i++) {
        *(*at)++ = (char)(value >> (8 * i) & 0xff);
    }
}

static uint64_t take_bytes(const char **at, size_t size) {
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++) {
        value |= (uint64_t)(unsigned char)*(*at)++ << (8 * i);
    }
    return value;
}

static uint64_t bits_of(double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static double value_of(uint64_t bits) {
    double value;
    memcpy(&value, &bits, sizeof value);
    return isfinite(value) && value >= 0 ? value : 0;
}

static struct text pack(const struct referral_cell *cells, size_t count, struct scope *scope) {
    char *bytes = ARENA_ARRAY(scope->arena, char, count *CELL_BYTES + 1), *at = bytes;
    for (size_t i = 0; i < count; i++) {
        if (cells[i].asked > 0) {
            put_bytes(&at, i, 2);
            put_bytes(&at, bits_of(cells[i].yes), 8);
            put_bytes(&at, bits_of(cells[i].asked), 8);
            put_bytes(&at, bits_of(cells[i].expected), 8);
            put_bytes(&at, (uint64_t)cells[i].at_us, 8);
        }
    }
    return (struct text){bytes, (size_t)(at - bytes)};
}

static void unpack(struct referral_cell *cells, size_t count, struct text bytes) {
    memset(cells, 0, count * sizeof *cells);
    const char *at = bytes.at;
    for (size_t left = bytes.size; left >= CELL_BYTES; left -= CELL_BYTES) {
        size_t index = take_bytes(&at, 2);
        struct referral_cell cell = {.yes = value_of(take_bytes(&at, 8))};
        cell.asked = value_of(take_bytes(&at, 8));
        cell.expected = value_of(take_bytes(&at, 8));
        cell.at_us = (int64_t)take_bytes(&at, 8);
        if (index < count) {
            cells[index] = cell;
        }
    }
}

#define PLACE_CELLS (sizeof(struct referral_belief_place) / sizeof(struct referral_cell))
#define REGION_CELLS (sizeof(struct referral_belief_region) / sizeof(struct referral_cell))
_Static_assert(sizeof(struct referral_belief_place) % sizeof(struct referral_cell) == 0, "a place is cells only");
_Static_assert(sizeof(struct referral_belief_region) % sizeof(struct referral_cell) == 0, "a region is cells only");

static struct text note_name(struct text id, struct scope *scope) {
    return text_format(scope->arena, NOTE_PREFIX "%.*s", (int)id.size, id.at);
}

/* Reads a note through the unit, or as it is committed. */
static enum status read_note(
    struct text *out, struct learning *learning, struct records_unit *unit, struct text name, struct scope *scope) {
    return unit != NULL ? store_unit_note(out, records_unit_store(unit), name, scope)
                        : records_note(out, learning->records, name, scope);
}

/* ---- the copy ----------------------------------------------------------------------------------------------------------- */

static struct held_place *held(struct learning *learning, struct text id) {
    for (size_t i = 0; i < learning->place_count; i++) {
        if (text_is(id, learning->places[i].id)) {
            return &learning->places[i];
        }
    }
    return NULL;
}

static struct held_place *hold(struct learning *learning, struct text id) {
    struct held_place *place = held(learning, id);
    if (place != NULL || learning->place_count == PLACES_MAX || id.size == 0 || id.size >= ID_SIZE) {
        return place;
    }
    place = &learning->places[learning->place_count++];
    memcpy(place->id, id.at, id.size);
    place->id[id.size] = '\0';
    place->cells = ARENA_NEW(learning->arena, struct referral_belief_place);
    return place;
}

/* What a reader has to read anew: outside of units what is marked and committed, inside whatever is marked. Ids and cells stay where they
 * are for the process's life. The lock is never held while an arena is asked. */
struct news {
    struct held_place *places[PLACES_MAX];
    uint64_t marks[PLACES_MAX], region_mark;
    struct text bytes[PLACES_MAX], region;
    size_t count;
};

static bool is_news(uint64_t mark, uint64_t committed, bool in_unit) {
    return mark != 0 && (in_unit || mark <= committed);
}

static enum status read_news(
    struct news *out, struct learning *learning, struct records_unit *unit, struct scope *scope) {
    uint64_t committed = unit != NULL ? 0 : records_sequence(learning->records);
    out->count = 0;
    pthread_mutex_lock(&learning->lock);
    out->region_mark = is_news(learning->region_mark, committed, unit != NULL) ? learning->region_mark : 0;
    for (size_t i = 0; i < learning->place_count; i++) {
        struct held_place *place = &learning->places[i];
        if (is_news(place->mark, committed, unit != NULL)) {
            out->places[out->count] = place;
            out->marks[out->count++] = place->mark;
        }
    }
    pthread_mutex_unlock(&learning->lock);
    enum status status =
        out->region_mark == 0 ? STATUS_OK : read_note(&out->region, learning, unit, NOTE_REGION, scope);
    for (size_t i = 0; i < out->count && status == STATUS_OK; i++) {
        struct text name = note_name(text_from(out->places[i]->id), scope);
        status = read_note(&out->bytes[i], learning, unit, name, scope);
    }
    return status;
}

/* Outside of units: the copy becomes what is committed. A mark that a unit has moved meanwhile stays. */
static enum status refresh(struct learning *learning, struct scope *scope) {
    struct news *news = ARENA_NEW(scope->arena, struct news);
    enum status status = read_news(news, learning, NULL, scope);
    if (status != STATUS_OK) {
        return status;
    }
    pthread_mutex_lock(&learning->lock);
    if (news->region_mark != 0) {
        unpack((struct referral_cell *)&learning->region, REGION_CELLS, news->region);
        learning->region_mark = learning->region_mark == news->region_mark ? 0 : learning->region_mark;
    }
    for (size_t i = 0; i < news->count; i++) {
        struct held_place *place = news->places[i];
        unpack((struct referral_cell *)place->cells, PLACE_CELLS, news->bytes[i]);
        place->mark = place->mark == news->marks[i] ? 0 : place->mark;
    }
    pthread_mutex_unlock(&learning->lock);
    return STATUS_OK;
}

enum status learning_open(struct learning **out, struct records *records, struct arena *arena, struct scope *scope) {
    struct learning *learning = ARENA_NEW(arena, struct learning);
    *learning = (struct learning){.records = records, .arena = arena};
    pthread_mutex_init(&learning->lock, NULL);
    struct text ids = {0}, bytes = {0};
    enum status status = records_note(&ids, records, NOTE_PLACES, scope);
    while (status == STATUS_OK && ids.size > 0) {
        struct held_place *place = hold(learning, text_cut(&ids, '\n'));
        if (place != NULL) {
            place->mark = 1;
        }
    }
    if (status == STATUS_OK) {
        status = records_note(&bytes, records, NOTE_REGION, scope);
        unpack((struct referral_cell *)&learning->region, REGION_CELLS, bytes);
    }
    if (status == STATUS_OK) {
        status = refresh(learning, scope);
    }
    if (status == STATUS_OK) {
        *out = learning;
    } else {
        pthread_mutex_destroy(&learning->lock);
    }
    return status;
}

void learning_close(struct learning *learning) {
    if (learning != NULL) {
        pthread_mutex_destroy(&learning->lock);
    }
}

/* ---- for a case ----------------------------------------------------------------------------------------------------------- */

/* What a unit sees of a place that it or one before it has written: beside the copy, which knows what is committed. */
static const struct referral_belief_place *own_cells(
    const struct news *news, const struct referral_belief_place *own, const struct held_place *place) {
    for (size_t i = 0; news != NULL && i < news->count; i++) {
        if (news->places[i] == place) {
            return &own[i];
        }
    }
    return place == NULL ? NULL : place->cells;
}

struct own {
    struct news *news; /* NULL outside of units */
    struct referral_belief_place *places;
    struct referral_belief_region region;
};

static enum status read_own(
    struct own *out, struct learning *learning, struct records_unit *unit, struct scope *scope) {
    if (unit == NULL) {
        return refresh(learning, scope);
    }
    out->news = ARENA_NEW(scope->arena, struct news);
    enum status status = read_news(out->news, learning, unit, scope);
    out->places = ARENA_ARRAY(scope->arena, struct referral_belief_place, out->news->count + 1);
    for (size_t i = 0; i < out->news->count && status == STATUS_OK; i++) {
        unpack((struct referral_cell *)&out->places[i], PLACE_CELLS, out->news->bytes[i]);
    }
    unpack((struct referral_cell *)&out->region, REGION_CELLS, out->news->region);
    return status;
}

static void set_learned(struct referral_learned *learned, struct referral_case *patient, struct learning *learning,
    const struct region_snapshot *snapshot, struct own *own) {
    if (own->news == NULL || own->news->region_mark == 0) {
        own->region = learning->region;
    }
    struct rank rank;
    rank_prepare(&rank, snapshot, patient);
    for (int i = 0; i < (int)snapshot->place_count; i++) {
        const struct region_place *place = &snapshot->places[i];
        bool serves = (patient->needs & ~place->needs) == 0;
        if (!place->control_room && (!place->post || serves)) {
            const struct referral_belief_place *cells = own_cells(own->news, own->places, held(learning, place->id));
            struct referral_belief belief = {
                &own->region, (struct referral_belief_place *)cells, cells == NULL ? 0 : 1};
            learned_find(&learned[i], &rank, i, &belief);
        }
    }
    struct referral_belief whole = {&own->region, NULL, 0};
    referral_belief_corrections(patient->corrections, &whole, patient->now_us);
}

enum status learning_apply(struct referral_case *patient, struct learning *learning,
    const struct region_snapshot *snapshot, struct records_unit *unit, struct scope *scope) {
    struct own *own = ARENA_NEW(scope->arena, struct own);
    struct referral_learned *learned = ARENA_ARRAY(scope->arena, struct referral_learned, snapshot->place_count + 1);
    patient->learned = NULL;
    enum status status = read_own(own, learning, unit, scope);
    if (status != STATUS_OK) {
        return status;
    }
    pthread_mutex_lock(&learning->lock);
    set_learned(learned, patient, learning, snapshot, own);
    pthread_mutex_unlock(&learning->lock);
    patient->learned = learned;
    return STATUS_OK;
}

/* ---- an answer ------------------------------------------------------------------------------------------------------------ */

enum referral_answer learning_answer_of(const struct task *offer, bool expired) {
    static const char *const beds[] = {"icu-full", "ed-full", "ward-full"};
    const yyjson_val *reason = json_get(offer->json, "statusReason");
    struct text code = offer->reason_code.size > 0 ? offer->reason_code : coding_code(reason, REFERRAL_DECLINE_SYSTEM);
    for (size_t i = 0; i < sizeof beds / sizeof *beds; i++) {
        if (text_is(code, beds[i])) {
            return REFERRAL_NO_BED;
        }
    }
    return expired ? REFERRAL_SILENT : REFERRAL_NO;
}

/* The question as it was asked; a loop that was drawn up by hand tells the place alone. */
static bool find_question(struct referral_asked *out, const struct loop *loop, struct text place_id) {
    const struct region_snapshot *snapshot = loop->has_decision ? loop->decision.snapshot : loop->snapshot;
    struct referral_case bare = {.level = loop->level,
        .age_months = -1,
        .origin_place = -1,
        .known_place = -1,
        .family_place = -1,
        .now_us = loop->now_us};
    int place = region_place_find(snapshot, place_id);
    if (place < 0) {
        snapshot = loop->snapshot;
        place = region_place_find(snapshot, place_id);
    }
    if (place < 0) {
        return false;
    }
    bool known = loop->has_decision && snapshot == loop->decision.snapshot;
    referral_asked_of(out, snapshot, known ? &loop->decision.patient : &bare, place);
    out->place = 0;
    out->at_us = loop->now_us;
    out->zone_minutes = loop->snapshot->zone_minutes;
    return true;
}

static enum status add_place(
    struct learning *learning, struct records_unit *unit, struct text id, struct scope *scope) {
    struct text ids = {0};
    enum status status = read_note(&ids, learning, unit, NOTE_PLACES, scope);
    struct text rest = ids;
    while (status == STATUS_OK && rest.size > 0) {
        if (text_equal(text_cut(&rest, '\n'), id)) {
            return STATUS_OK;
        }
    }
    struct text all = text_format(scope->arena, "%.*s%.*s\n", (int)ids.size, ids.at, (int)id.size, id.at);
    return status == STATUS_OK ? store_unit_note_set(records_unit_store(unit), NOTE_PLACES, all, scope) : status;
}

static enum status teach(struct loop *loop, struct text id, const struct referral_asked *asked,
    enum referral_answer answer, double minutes) {
    struct learning *learning = loop->referral->learning;
    struct store_unit *unit = records_unit_store(loop->unit);
    struct scope *scope = loop->scope;
    struct referral_belief_place *cells = ARENA_NEW(scope->arena, struct referral_belief_place);
    struct referral_belief_region *region = ARENA_NEW(scope->arena, struct referral_belief_region);
    struct text bytes = {0};
    enum status status = read_note(&bytes, learning, loop->unit, note_name(id, scope), scope);
    unpack((struct referral_cell *)cells, PLACE_CELLS, bytes);
    if (status == STATUS_OK) {
        status = read_note(&bytes, learning, loop->unit, NOTE_REGION, scope);
        unpack((struct referral_cell *)region, REGION_CELLS, bytes);
    }
    struct referral_belief belief = {region, cells, 1};
    referral_belief_learn(&belief, asked, answer, minutes);
    if (status == STATUS_OK) {
        status = add_place(learning, loop->unit, id, scope);
    }
    if (status == STATUS_OK) {
        bytes = pack((const struct referral_cell *)cells, PLACE_CELLS, scope);
        status = store_unit_note_set(unit, note_name(id, scope), bytes, scope);
    }
    if (status == STATUS_OK) {
        bytes = pack((const struct referral_cell *)region, REGION_CELLS, scope);
        status = store_unit_note_set(unit, NOTE_REGION, bytes, scope);
    }
    return status;
}

static void mark(struct learning *learning, struct text id, uint64_t sequence) {
    pthread_mutex_lock(&learning->lock);
    struct held_place *place = hold(learning, id);
    if (place != NULL) {
        place->mark = sequence;
    }
    learning->region_mark = sequence;
    pthread_mutex_unlock(&learning->lock);
}

enum status learning_note(struct loop *loop, const struct task *offer, enum referral_answer answer) {
    struct referral_asked asked;
    struct text id = reference_id(offer->owner, "Organization");
    enum status status = loop_need_case(loop);
    if (status != STATUS_OK || id.size == 0 || id.size >= ID_SIZE || !find_question(&asked, loop, id)) {
        return status;
    }
    double minutes = offer->authored_us > 0 ? (double)(loop->now_us - offer->authored_us) / 60e6 : -1;
    status = teach(loop, id, &asked, answer, minutes);
    mark(loop->referral->learning, id, store_unit_sequence(records_unit_store(loop->unit)));
    return status;
}

/* ---- for those who may look ----------------------------------------------------------------------------------------------- */

bool learning_is_shown(const struct records_caller *caller, struct text place) {
    static const char *const others[] = {"crew", "planner", "researcher"}; /* of the place, and yet not its voice */
    bool own = place.size > 0 && text_equal(reference_id(caller->organisation, "Organization"), place);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        own = own && !text_is(caller->role, others[i]);
    }
    return own || text_is(caller->role, "control-room");
}

enum status learning_place(
    struct referral_belief_place *out, struct learning *learning, struct text id, struct scope *scope) {
    memset(out, 0, sizeof *out);
    enum status status = refresh(learning, scope);
    pthread_mutex_lock(&learning->lock);
    const struct held_place *place = held(learning, id);
    if (status == STATUS_OK && place != NULL) {
        *out = *place->cells;
    }
    pthread_mutex_unlock(&learning->lock);
    return status;
}

enum status learning_each(struct referral_belief_region *region_out, struct learning *learning, learning_visit *visit,
    void *context, struct scope *scope) {
    enum status status = refresh(learning, scope);
    pthread_mutex_lock(&learning->lock);
    *region_out = learning->region;
    for (size_t i = 0; i < learning->place_count && status == STATUS_OK; i++) {
        visit(context, learning->places[i].cells);
    }
    pthread_mutex_unlock(&learning->lock);
    return status;
}
