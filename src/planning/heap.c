#include "planning/heap.h"

static bool earlier(const struct event *a, const struct event *b) {
    return a->at < b->at || (a->at == b->at && a->order < b->order);
}

struct heap heap_open(struct arena *arena, size_t capacity) {
    return (struct heap){
        .at = arena_array(arena, capacity, sizeof(struct event)), .capacity = capacity, .arena = arena};
}

void heap_push(struct heap *heap, struct event event) {
    if (heap->count == heap->capacity) {
        heap->at = arena_resize(
            heap->arena, heap->at, heap->capacity * sizeof *heap->at, 2 * heap->capacity * sizeof *heap->at);
        heap->capacity *= 2;
    }
    event.order = heap->pushed++;
    size_t i = heap->count++;
    while (i > 0 && earlier(&event, &heap->at[(i - 1) / 2])) {
        heap->at[i] = heap->at[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    heap->at[i] = event;
}

bool heap_pop(struct event *out, struct heap *heap) {
    if (heap->count == 0) {
        return false;
    }
    *out = heap->at[0];
    struct event last = heap->at[--heap->count];
    size_t i = 0;
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= heap->count) {
            break;
        }
        if (child + 1 < heap->count && earlier(&heap->at[child + 1], &heap->at[child])) {
            child++;
        }
        if (!earlier(&heap->at[child], &last)) {
            break;
        }
        heap->at[i] = heap->at[child];
        i = child;
    }
    heap->at[i] = last;
    return true;
}
