#include "referral/assignment.h"

#include <string.h>

/* What patient i, who is at a, adds by going to b instead. Stale once i has left a. */
struct entry {
    int64_t extra;
    int patient;
};
struct heap {
    struct entry *at;
    size_t count, room;
};

/* Places are numbered 0 to count - 1; the last, count - 1, is "unplaced" and has room for everybody. */
struct assignment {
    struct arena *arena;
    size_t patient_count;
    int count, unplaced;
    const int64_t *const *cost;
    const int64_t *unplaced_cost;
    int *place; /* by patient */
    int *load, *capacity;
    int64_t *price;
    struct heap *heaps; /* [from * count + to] */
    /* of one search */
    int64_t *distance;
    int *before, *carrier; /* the place before on the path, and who goes from there */
    bool *settled;
};

static int64_t cost_of(const struct assignment *a, int patient, int place) {
    return place == a->unplaced ? a->unplaced_cost[patient] : a->cost[patient][place];
}

/* ---- heaps -------------------------------------------------------------------------------------------------------- */

static bool less(const struct entry *left, const struct entry *right) {
    return left->extra != right->extra ? left->extra < right->extra : left->patient < right->patient;
}

static void sink_down(struct heap *heap, size_t at) {
    struct entry moving = heap->at[at];
    for (size_t child; (child = 2 * at + 1) < heap->count; at = child) {
        if (child + 1 < heap->count && less(&heap->at[child + 1], &heap->at[child])) {
            child++;
        }
        if (!less(&heap->at[child], &moving)) {
            break;
        }
        heap->at[at] = heap->at[child];
    }
    heap->at[at] = moving;
}

static void pop(struct heap *heap) {
    heap->at[0] = heap->at[--heap->count];
    if (heap->count > 0) {
        sink_down(heap, 0);
    }
}

/* Keeps only who is still at `from`, each once: a heap that many have passed through does not grow for ever. */
static void clean(const struct assignment *a, struct heap *heap, int from, int to) {
    heap->count = 0;
    for (size_t i = 0; i < a->patient_count; i++) {
        if (a->place[i] == from && cost_of(a, (int)i, to) != ASSIGNMENT_NEVER) {
            heap->at[heap->count++] = (struct entry){cost_of(a, (int)i, to) - cost_of(a, (int)i, from), (int)i};
        }
    }
    for (size_t i = heap->count / 2; i-- > 0;) {
        sink_down(heap, i);
    }
}

static void push(struct assignment *a, int from, int to, struct entry entry) {
    struct heap *heap = &a->heaps[from * a->count + to];
    if (heap->count == heap->room && heap->count > 2 * (size_t)a->load[from] + 64) {
        clean(a, heap, from, to); /* who enters now is there already, and so is its entry */
        return;
    }
    if (heap->count == heap->room) {
        size_t room = heap->room == 0 ? 8 : 2 * heap->room;
        heap->at = arena_resize(a->arena, heap->at, heap->room * sizeof *heap->at, room * sizeof *heap->at);
        heap->room = room;
    }
    size_t at = heap->count++;
    while (at > 0 && less(&entry, &heap->at[(at - 1) / 2])) {
        heap->at[at] = heap->at[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    heap->at[at] = entry;
}

/* The cheapest way from one place to another; NULL when nobody there can go. */
static const struct entry *cheapest(const struct assignment *a, int from, int to) {
    struct heap *heap = &a->heaps[from * a->count + to];
    while (heap->count > 0 && a->place[heap->at[0].patient] != from) {
        pop(heap);
    }
    return heap->count > 0 ? &heap->at[0] : NULL;
}

static void enter(struct assignment *a, int patient, int place) {
    a->place[patient] = place;
    a->load[place]++;
    int64_t here = cost_of(a, patient, place);
    for (int to = 0; to < a->count; to++) {
        int64_t there = cost_of(a, patient, to);
        if (to != place && there != ASSIGNMENT_NEVER) {
            push(a, place, to, (struct entry){there - here, patient});
        }
    }
}

/* ---- one shortest path --------------------------------------------------------------------------------------------- */

static void search_begin(struct assignment *a) {
    for (int j = 0; j < a->count; j++) {
        a->distance[j] = ASSIGNMENT_NEVER;
        a->before[j] = a->carrier[j] = -1;
        a->settled[j] = false;
    }
}

/* The nearest place not settled yet; -1: none can be reached. */
static int nearest(const struct assignment *a) {
    int best = -1;
    for (int j = 0; j < a->count; j++) {
        if (!a->settled[j] && a->distance[j] != ASSIGNMENT_NEVER && (best < 0 || a->distance[j] < a->distance[best])) {
            best = j;
        }
    }
    return best;
}

static bool has_room(const struct assignment *a, int place) {
    return a->load[place] < a->capacity[place];
}

/* Dijkstra on costs reduced by the prices (never negative), until a place with room. Somebody can always stay unplaced. */
static int search_forward(struct assignment *a) {
    for (;;) {
        int from = nearest(a);
        invariant(from >= 0);
        a->settled[from] = true;
        if (has_room(a, from)) {
            return from;
        }
        for (int to = 0; to < a->count; to++) {
            const struct entry *way = a->settled[to] ? NULL : cheapest(a, from, to);
            if (way == NULL) {
                continue;
            }
            int64_t distance = a->distance[from] + way->extra + a->price[to] - a->price[from];
            if (distance < a->distance[to]) {
                a->distance[to] = distance;
                a->before[to] = from;
                a->carrier[to] = way->patient;
            }
        }
    }
}

static void raise_prices(struct assignment *a, int64_t reached) {
    for (int j = 0; j < a->count; j++) {
        if (a->settled[j] && a->distance[j] < reached) {
            a->price[j] += reached - a->distance[j];
        }
    }
}

/* Everybody on the path goes one place further; the last first. `start` gets room. */
static size_t shift(struct assignment *a, int end, int start, struct assignment_move *moves) {
    size_t count = 0;
    for (int to = end; to != start && a->before[to] >= 0; to = a->before[to]) {
        int from = a->before[to], patient = a->carrier[to];
        a->load[from]--;
        enter(a, patient, to);
        if (moves != NULL) {
            moves[count] = (struct assignment_move){patient, from, to};
        }
        count++;
    }
    return count;
}

static void insert(struct assignment *a, int patient) {
    search_begin(a);
    for (int j = 0; j < a->count; j++) {
        int64_t cost = cost_of(a, patient, j);
        if (cost != ASSIGNMENT_NEVER) {
            a->distance[j] = cost + a->price[j];
        }
    }
    int end = search_forward(a), first = end;
    raise_prices(a, a->distance[end]);
    while (a->before[first] >= 0) {
        first = a->before[first];
    }
    shift(a, end, -1, NULL);
    enter(a, patient, first);
}

/* ---- the whole ------------------------------------------------------------------------------------------------------ */

static enum status check_problem(const struct assignment_problem *problem, struct scope *scope) {
    if (problem->patient_count > ASSIGNMENT_PATIENTS_MAX || problem->place_count > ASSIGNMENT_PLACES_MAX) {
        return fault(scope, STATUS_TOO_LARGE, "", "at most %d patients and %d places are assigned at once",
            ASSIGNMENT_PATIENTS_MAX, ASSIGNMENT_PLACES_MAX);
    }
    for (size_t j = 0; j < problem->place_count; j++) {
        if (problem->capacity[j] < 0) {
            return fault(scope, STATUS_UNPROCESSABLE, text_format(scope->arena, "capacity[%zu]", j).at,
                "a capacity is not negative");
        }
    }
    for (size_t i = 0; i < problem->patient_count; i++) {
        bool good = problem->unplaced[i] >= -ASSIGNMENT_COST_MAX && problem->unplaced[i] <= ASSIGNMENT_COST_MAX;
        for (size_t j = 0; j < problem->place_count && good; j++) {
            int64_t cost = problem->cost[i][j];
            good = cost == ASSIGNMENT_NEVER || (cost >= -ASSIGNMENT_COST_MAX && cost <= ASSIGNMENT_COST_MAX);
        }
        if (!good) {
            return fault(scope, STATUS_UNPROCESSABLE, text_format(scope->arena, "cost[%zu]", i).at,
                "a cost is within 10^12 to either side of 0");
        }
    }
    return STATUS_OK;
}

static struct assignment *assignment_new(const struct assignment_problem *problem, struct arena *arena) {
    struct assignment *a = ARENA_NEW(arena, struct assignment);
    size_t count = problem->place_count + 1;
    *a = (struct assignment){
        .arena = arena,
        .patient_count = problem->patient_count,
        .count = (int)count,
        .unplaced = (int)problem->place_count,
        .cost = problem->cost,
        .unplaced_cost = problem->unplaced,
        .place = ARENA_ARRAY(arena, int, problem->patient_count + 1),
        .load = ARENA_ARRAY(arena, int, count),
        .capacity = ARENA_ARRAY(arena, int, count),
        .price = ARENA_ARRAY(arena, int64_t, count),
        .heaps = ARENA_ARRAY(arena, struct heap, count * count),
        .distance = ARENA_ARRAY(arena, int64_t, count),
        .before = ARENA_ARRAY(arena, int, count),
        .carrier = ARENA_ARRAY(arena, int, count),
        .settled = ARENA_ARRAY(arena, bool, count),
    };
    for (size_t j = 0; j < problem->place_count; j++) {
        a->capacity[j] = problem->capacity[j];
    }
    a->capacity[a->unplaced] = ASSIGNMENT_PATIENTS_MAX + 1;
    for (size_t i = 0; i < problem->patient_count; i++) {
        a->place[i] = -1;
    }
    return a;
}

enum status assignment_solve(struct assignment **out, const struct assignment_problem *problem, struct scope *scope) {
    enum { DEADLINE_EVERY = 64 };
    enum status status = check_problem(problem, scope);
    if (status != STATUS_OK) {
        return status;
    }
    struct assignment *a = assignment_new(problem, scope->arena);
    for (size_t i = 0; i < a->patient_count && status == STATUS_OK; i++) {
        insert(a, (int)i);
        if (i % DEADLINE_EVERY == 0) {
            status = scope_check_deadline(scope);
        }
    }
    *out = a;
    return status;
}

static int outside(const struct assignment *a, int place) {
    return place == a->unplaced ? ASSIGNMENT_UNPLACED : place;
}

int assignment_place(const struct assignment *assignment, int patient) {
    return outside(assignment, assignment->place[patient]);
}

int assignment_load(const struct assignment *assignment, int place) {
    return assignment->load[place];
}

int assignment_capacity(const struct assignment *assignment, int place) {
    return assignment->capacity[place];
}

int64_t assignment_price(const struct assignment *assignment, int place) {
    return assignment->price[place];
}

/* ---- one changed capacity -------------------------------------------------------------------------------------------- */

/* One bed fewer at a full place: somebody gives way along the shortest path to room elsewhere. */
static size_t take_bed(struct assignment *a, int place, struct assignment_move *moves) {
    a->capacity[place]--;
    if (a->load[place] <= a->capacity[place]) {
        return 0;
    }
    search_begin(a);
    a->distance[place] = 0;
    int end = search_forward(a);
    raise_prices(a, a->distance[end]);
    size_t count = shift(a, end, place, moves);
    for (size_t i = 0; i < count / 2; i++) { /* told from where it begins */
        struct assignment_move move = moves[i];
        moves[i] = moves[count - 1 - i];
        moves[count - 1 - i] = move;
    }
    return count;
}

/* Distances to `place` along reduced costs; `before` is then the place after on the path. */
static void search_backward(struct assignment *a, int place) {
    search_begin(a);
    a->distance[place] = 0;
    for (int to; (to = nearest(a)) >= 0;) {
        a->settled[to] = true;
        for (int from = 0; from < a->count; from++) {
            const struct entry *way = a->settled[from] ? NULL : cheapest(a, from, to);
            if (way == NULL) {
                continue;
            }
            int64_t distance = a->distance[to] + way->extra + a->price[to] - a->price[from];
            if (distance < a->distance[from]) {
                a->distance[from] = distance;
                a->before[from] = to;
                a->carrier[from] = way->patient;
            }
        }
    }
}

/* One bed more at a place that had a price: whoever gains most moves up, and frees a place for the next. */
static size_t add_bed(struct assignment *a, int place, struct assignment_move *moves) {
    a->capacity[place]++;
    if (a->price[place] == 0) {
        return 0;
    }
    search_backward(a, place);
    int start = place;
    int64_t least = a->price[place];
    for (int j = 0; j < a->count; j++) {
        if (a->distance[j] != ASSIGNMENT_NEVER && a->distance[j] + a->price[j] < least) {
            least = a->distance[j] + a->price[j];
            start = j;
        }
    }
    for (int j = 0; j < a->count; j++) {
        if (a->distance[j] < least) {
            a->price[j] -= least - a->distance[j];
        }
    }
    size_t count = 0;
    for (int from = start; from != place; from = a->before[from]) {
        moves[count++] = (struct assignment_move){a->carrier[from], from, a->before[from]};
    }
    for (size_t i = count; i-- > 0;) {
        a->load[moves[i].from]--;
        enter(a, moves[i].patient, moves[i].to);
    }
    return count;
}

enum status assignment_change(struct assignment_move **moves_out, size_t *count_out, struct assignment *assignment,
    int place, int capacity, struct scope *scope) {
    struct assignment *a = assignment;
    *count_out = 0;
    *moves_out = NULL;
    if (place < 0 || place >= a->unplaced || capacity < 0) {
        return fault(scope, STATUS_UNPROCESSABLE, "", "a capacity is that of a place of the problem, and not negative");
    }
    /* Beds beyond the number of patients change nothing. */
    int most = (int)a->patient_count;
    if (capacity > most && a->capacity[place] > most) {
        a->capacity[place] = capacity;
        return STATUS_OK;
    }
    size_t room = 0;
    enum status status = scope_check_deadline(scope);
    for (; a->capacity[place] != capacity && status == STATUS_OK; status = scope_check_deadline(scope)) {
        if (*count_out + (size_t)a->count > room) {
            size_t wider = 2 * room + (size_t)a->count;
            *moves_out = arena_resize(scope->arena, *moves_out, room * sizeof **moves_out, wider * sizeof **moves_out);
            room = wider;
        }
        struct assignment_move *moves = *moves_out + *count_out;
        *count_out += capacity > a->capacity[place] ? add_bed(a, place, moves) : take_bed(a, place, moves);
        if (a->price[place] == 0 && capacity > a->capacity[place]) {
            a->capacity[place] = capacity;
        } else if (a->load[place] < a->capacity[place] && capacity < a->capacity[place]) {
            a->capacity[place] = a->load[place] > capacity ? a->load[place] : capacity;
        }
    }
    for (size_t i = 0; i < *count_out; i++) {
        (*moves_out)[i].from = outside(a, (*moves_out)[i].from);
        (*moves_out)[i].to = outside(a, (*moves_out)[i].to);
    }
    return status;
}

/* ---- certificate ------------------------------------------------------------------------------------------------------ */

void assignment_certify(
    struct assignment_certificate *out, const struct assignment *assignment, const struct assignment_problem *problem) {
    const struct assignment *a = assignment;
    size_t seen_at_unplaced = 0, places = problem->place_count;
    *out = (struct assignment_certificate){0};
    for (size_t i = 0; i < problem->patient_count; i++) {
        int place = assignment_place(a, (int)i);
        int64_t paid = place < 0 ? problem->unplaced[i] : problem->cost[i][place];
        int64_t least = problem->unplaced[i];
        for (size_t j = 0; j < places; j++) {
            int64_t cost = problem->cost[i][j];
            if (cost != ASSIGNMENT_NEVER && cost + a->price[j] < least) {
                least = cost + a->price[j];
            }
        }
        seen_at_unplaced += place < 0;
        if (paid == ASSIGNMENT_NEVER) {
            out->infeasible++;
            continue;
        }
        out->primal += paid;
        out->dual += least;
        out->slack += paid + (place < 0 ? 0 : a->price[place]) != least;
    }
    size_t placed = 0;
    for (size_t j = 0; j < places; j++) {
        size_t load = 0;
        for (size_t i = 0; i < problem->patient_count; i++) {
            load += assignment_place(a, (int)i) == (int)j;
        }
        placed += load;
        int64_t price = a->price[j];
        out->infeasible += load > (size_t)a->capacity[j] || load != (size_t)a->load[j];
        out->slack += price < 0 || (price > 0 && load < (size_t)a->capacity[j]);
        out->dual -= price * a->capacity[j];
    }
    out->infeasible += placed + seen_at_unplaced != problem->patient_count;
    out->slack += a->price[a->unplaced] != 0;
    out->optimal = out->infeasible == 0 && out->slack == 0 && out->primal == out->dual;
}
