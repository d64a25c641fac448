#include "search/kind.h"

#include <string.h>
#include <utf8proc.h>

/* ---- text ---------------------------------------------------------------------------------------------------------- */

struct text string_fold(struct arena *arena, struct text value) {
    return text_trim(text_fold(arena, value));
}

static bool is_ascii(struct text value) {
    for (size_t i = 0; i < value.size; i++) {
        if ((unsigned char)value.at[i] >= 0x80) {
            return false;
        }
    }
    return true;
}

struct text string_normal(struct arena *arena, struct text value) {
    if (is_ascii(value)) {
        return value;
    }
    const utf8proc_option_t options = UTF8PROC_STABLE | UTF8PROC_COMPOSE;
    const utf8proc_uint8_t *bytes = (const utf8proc_uint8_t *)value.at;
    utf8proc_ssize_t points = utf8proc_decompose(bytes, (utf8proc_ssize_t)value.size, NULL, 0, options);
    if (points <= 0) {
        return value;
    }
    utf8proc_int32_t *buffer = ARENA_ARRAY(arena, utf8proc_int32_t, (size_t)points + 1);
    if (utf8proc_decompose(bytes, (utf8proc_ssize_t)value.size, buffer, points, options) != points) {
        return value;
    }
    utf8proc_ssize_t size = utf8proc_reencode(buffer, points, options);
    return size < 0 ? value : (struct text){(const char *)buffer, (size_t)size};
}

/* ---- unfinished Hangul --------------------------------------------------------------------------------------------- */

/* Unicode 15, section 3.12: syllables lie by initial, vowel, final. */
enum {
    HANGUL_FIRST = 0xac00,
    HANGUL_LAST = 0xd7a3,
    HANGUL_FINALS = 28,
    HANGUL_INITIAL_SIZE = 588,
    HANGUL_INITIALS = 19
};

enum { INSIDE_SIZE = 48, INITIALS_MARK = '\x01' };

static int initial_of(utf8proc_int32_t point) {
    static const utf8proc_int32_t compatibility[HANGUL_INITIALS] = {0x3131, 0x3132, 0x3134, 0x3137, 0x3138, 0x3139,
        0x3141, 0x3142, 0x3143, 0x3145, 0x3146, 0x3147, 0x3148, 0x3149, 0x314a, 0x314b, 0x314c, 0x314d, 0x314e};
    if (point >= 0x1100 && point < 0x1100 + HANGUL_INITIALS) {
        return point - 0x1100;
    }
    for (int i = 0; i < HANGUL_INITIALS; i++) {
        if (compatibility[i] == point) {
            return i;
        }
    }
    return -1;
}

static int syllable_initial(utf8proc_int32_t point) {
    return point >= HANGUL_FIRST && point <= HANGUL_LAST ? (point - HANGUL_FIRST) / HANGUL_INITIAL_SIZE : -1;
}

/* The initials that a text is written in, or the initials of its syllables, one byte each; none for a text that is neither. */
static struct text initials_of(struct arena *arena, struct text folded, int (*initial)(utf8proc_int32_t point)) {
    char *initials = arena_alloc(arena, folded.size + 1);
    size_t count = 0;
    for (size_t at = 0; at < folded.size;) {
        utf8proc_int32_t point;
        utf8proc_ssize_t size =
            utf8proc_iterate((const utf8proc_uint8_t *)folded.at + at, (utf8proc_ssize_t)(folded.size - at), &point);
        int number = size > 0 ? initial(point) : -1;
        if (number < 0 && (size <= 0 || point != ' ')) {
            return (struct text){NULL, 0};
        }
        if (number >= 0) {
            initials[count++] = (char)('a' + number);
        }
        at += (size_t)size;
    }
    return (struct text){initials, count};
}

static struct text with_point(struct arena *arena, struct text prefix, struct text kept, utf8proc_int32_t point) {
    struct buffer text = buffer_open(arena, prefix.size + kept.size + 8);
    buffer_put(&text, prefix);
    buffer_put(&text, kept);
    utf8proc_uint8_t bytes[4];
    buffer_put(&text, (struct text){(const char *)bytes, (size_t)utf8proc_encode_char(point, bytes)});
    return buffer_text(&text);
}

struct string_range string_prefix_range(struct arena *arena, struct text prefix, struct text folded) {
    if (folded.size > KEY_TEXT_MAX) {
        folded.size = KEY_TEXT_MAX;
    }
    utf8proc_int32_t last = 0;
    if (folded.size >= 3) {
        utf8proc_iterate((const utf8proc_uint8_t *)folded.at + folded.size - 3, 3, &last);
        if (last < 0x800) {
            last = 0; /* no three-byte character */
        }
    }
    struct text kept = {folded.at, folded.size >= 3 ? folded.size - 3 : 0};
    int initial = initial_of(last);
    if (initial >= 0) {
        utf8proc_int32_t first = HANGUL_FIRST + initial * HANGUL_INITIAL_SIZE;
        return (struct string_range){
            with_point(arena, prefix, kept, first), with_point(arena, prefix, kept, first + HANGUL_INITIAL_SIZE)};
    }
    struct buffer low = buffer_open(arena, prefix.size + folded.size + 1);
    buffer_put(&low, prefix);
    buffer_put(&low, folded);
    bool is_open = last >= HANGUL_FIRST && last <= HANGUL_LAST && (last - HANGUL_FIRST) % HANGUL_FINALS == 0;
    return (struct string_range){buffer_text(&low),
        is_open ? with_point(arena, prefix, kept, last + HANGUL_FINALS) : store_prefix_end(arena, buffer_text(&low))};
}

/* ---- rows ---------------------------------------------------------------------------------------------------------- */

static void key_put_folded(struct key *key, struct text folded) {
    key_put(key, (struct text){folded.at, folded.size < KEY_TEXT_MAX ? folded.size : KEY_TEXT_MAX});
    key_put_char(key, '\0');
}

/* A row among the words that no typed word begins like: behind a byte that is in no text. */
static void key_put_initials(struct key *key, struct text initials) {
    key_put_char(key, INITIALS_MARK);
    key_put(key, (struct text){initials.at, initials.size < KEY_TEXT_MAX ? initials.size : KEY_TEXT_MAX});
}

static bool is_unspaced(utf8proc_int32_t point) {
    return (point >= HANGUL_FIRST && point <= HANGUL_LAST) || (point >= 0x3040 && point <= 0x30ff) || /* kana */
           (point >= 0x3400 && point <= 0x9fff);                                                      /* Han */
}

/* In scripts whose words are not set apart by blanks, what follows each character from the second on. */
static void emit_inside(struct emitter *emitter, struct text folded) {
    struct text seen = {folded.at, folded.size < KEY_TEXT_MAX ? folded.size : KEY_TEXT_MAX};
    for (size_t at = 0; at < seen.size;) {
        utf8proc_int32_t point;
        utf8proc_ssize_t size =
            utf8proc_iterate((const utf8proc_uint8_t *)seen.at + at, (utf8proc_ssize_t)(seen.size - at), &point);
        if (size <= 0) {
            return; /* a character cut off at the end */
        }
        if (at > 0 && is_unspaced(point)) {
            struct key key = {0};
            size_t rest = seen.size - at;
            key_put(&key, (struct text){seen.at + at, rest < INSIDE_SIZE ? rest : INSIDE_SIZE});
            emit_key(emitter, FACET_INSIDE, &key);
        }
        at += (size_t)size;
    }
}

static void emit_initials(struct emitter *emitter, struct text folded) {
    struct text initials = initials_of(emitter->scope->arena, folded, syllable_initial);
    if (initials.size > 1) {
        struct key key = {0};
        key_put_initials(&key, initials);
        emit_key(emitter, FACET_WORD, &key);
    }
}

static struct key exact_key(struct arena *arena, struct text value) {
    struct key key = {0};
    key_put_folded(&key, string_fold(arena, value));
    key_put_mark(&key, string_normal(arena, value));
    return key;
}

static void emit_whole(struct emitter *emitter, struct text value) {
    if (value.size > 0) {
        struct key key = exact_key(emitter->scope->arena, value);
        emit_key(emitter, FACET_MAIN, &key);
    }
    if (!is_ascii(value)) {
        struct text folded = string_fold(emitter->scope->arena, value);
        emit_inside(emitter, folded);
        emit_initials(emitter, folded);
    }
}

/* A Korean name is one word, though it may be recorded as family and given name: 홍길동 and 홍 길동 find it, too. */
static void emit_joined(struct emitter *emitter, const yyjson_val *name) {
    struct arena *arena = emitter->scope->arena;
    struct text family = string_fold(arena, json_get_text(name, "family"));
    struct text given = string_fold(arena, json_text(yyjson_arr_get_first(json_get(name, "given"))));
    bool is_korean =
        initials_of(arena, family, syllable_initial).size > 0 && initials_of(arena, given, syllable_initial).size > 0;
    for (int blanks = 0; is_korean && blanks < 2; blanks++) {
        struct text whole = text_format(
            arena, "%.*s%s%.*s", (int)family.size, family.at, blanks == 0 ? "" : " ", (int)given.size, given.at);
        struct key key = {0};
        key_put_folded(&key, whole);
        emit_key(emitter, FACET_WORD, &key);
        if (blanks == 0) {
            emit_initials(emitter, whole);
        }
    }
}

/* "Peter James Chalmers" is also found by "james" and by "james ch". */
static void emit_part(struct emitter *emitter, struct text value) {
    emit_whole(emitter, value);
    struct text folded = string_fold(emitter->scope->arena, value);
    for (size_t i = 0; i < folded.size; i++) {
        if (folded.at[i] == ' ') {
            struct key key = {0};
            key_put_folded(&key, (struct text){folded.at + i + 1, folded.size - i - 1});
            emit_key(emitter, FACET_WORD, &key);
        }
    }
}

static void emit_parts(struct emitter *emitter, const yyjson_val *node, const char *const *members) {
    for (; *members != NULL; members++) {
        yyjson_val *member = json_get(node, *members);
        if (!yyjson_is_arr(member)) {
            emit_part(emitter, json_text(member));
            continue;
        }
        yyjson_arr_iter items = yyjson_arr_iter_with(member);
        for (yyjson_val *item; (item = yyjson_arr_iter_next(&items)) != NULL;) {
            emit_part(emitter, json_text(item));
        }
    }
}

static void string_emit(struct emitter *emitter, const struct fhirpath_item *item) {
    static const char *const name_members[] = {"text", "family", "given", "prefix", "suffix", NULL};
    static const char *const address_members[] = {
        "text", "line", "city", "district", "state", "postalCode", "country", NULL};
    const struct datatypes *types = &emitter->search->datatypes;
    if (item->kind == FHIRPATH_NODE && item->type == types->human_name) {
        emit_parts(emitter, item->node, name_members);
        emit_joined(emitter, item->node);
    } else if (item->kind == FHIRPATH_NODE && item->type == types->address) {
        emit_parts(emitter, item->node, address_members);
    } else {
        emit_whole(emitter, fhirpath_item_text(item, emitter->scope));
    }
}

/* ---- plans --------------------------------------------------------------------------------------------------------- */

static bool has_words(const struct planner *planner, const struct slot *slot) {
    const struct datatypes *types = &planner->search->datatypes;
    for (size_t i = 0; i < slot->branch_count; i++) {
        fhir_type type = slot->branches[i]->element_type;
        if (type == types->human_name || type == types->address || type == FHIR_TYPE_NONE) {
            return true;
        }
    }
    return false;
}

static enum status plan_starts(plan_node *out, struct planner *planner, struct slot *slot, struct text folded) {
    struct string_range range = string_prefix_range(planner->scope->arena, (struct text){NULL, 0}, folded);
    plan_node whole;
    enum status status = plan_range(&whole, planner, slot, FACET_MAIN, range.low, range.high, NULL);
    if (status != STATUS_OK || !has_words(planner, slot)) {
        *out = whole;
        return status;
    }
    plan_node words;
    status = plan_range(&words, planner, slot, FACET_WORD, range.low, range.high, NULL);
    struct plan_list list = {0};
    plan_list_add(planner, &list, whole);
    plan_list_add(planner, &list, words);
    *out = plan_union(planner, &list);
    return status;
}

/* Typed by initials alone: ㅎㄱㄷ finds 홍길동. */
static enum status plan_initials(
    plan_node *out, struct planner *planner, struct slot *slot, struct text initials, plan_node literal) {
    struct key key = {0};
    key_put_initials(&key, initials);
    plan_node node;
    enum status status = plan_prefix(&node, planner, slot, FACET_WORD, key_copy(planner->scope->arena, &key), NULL);
    struct plan_list list = {0};
    plan_list_add(planner, &list, literal);
    plan_list_add(planner, &list, node);
    *out = plan_union(planner, &list);
    return status;
}

/* Anywhere. What begins with a character that is indexed inside of values is looked up; all else reads all values. */
static enum status plan_contains(plan_node *out, struct planner *planner, struct slot *slot, struct text folded) {
    const struct text unbounded = {NULL, 0};
    utf8proc_int32_t first = 0;
    (void)utf8proc_iterate((const utf8proc_uint8_t *)folded.at, (utf8proc_ssize_t)folded.size, &first);
    if (!is_unspaced(first) || folded.size > INSIDE_SIZE) {
        struct plan_filter filter = {.kind = STORE_FILTER_CONTAINS, .low = folded};
        return plan_range(out, planner, slot, FACET_MAIN, unbounded, unbounded, &filter);
    }
    plan_node start, inside;
    enum status status = plan_prefix(&start, planner, slot, FACET_MAIN, folded, NULL);
    if (status == STATUS_OK) {
        status = plan_prefix(&inside, planner, slot, FACET_INSIDE, folded, NULL);
    }
    struct plan_list list = {0};
    plan_list_add(planner, &list, start);
    plan_list_add(planner, &list, inside);
    *out = plan_union(planner, &list);
    return status;
}

/* Whole values equal to the folded one, or all others: the key of a value is its folded text, a zero byte and a mark. */
static enum status plan_equal(
    plan_node *out, struct planner *planner, struct slot *slot, struct text folded, enum modifier modifier) {
    struct arena *arena = planner->scope->arena;
    const struct text unbounded = {NULL, 0};
    struct key low = {0}, high = {0};
    key_put_folded(&low, folded);
    key_put(&high, (struct text){low.at, low.size - 1});
    key_put_char(&high, '\x01');
    struct text from = key_copy(arena, &low), to = key_copy(arena, &high);
    if (modifier == MODIFIER_EQUAL) {
        return plan_range(out, planner, slot, FACET_MAIN, from, to, NULL);
    }
    plan_node below, above;
    enum status status = plan_range(&below, planner, slot, FACET_MAIN, unbounded, from, NULL);
    if (status == STATUS_OK) {
        status = plan_range(&above, planner, slot, FACET_MAIN, to, unbounded, NULL);
    }
    struct plan_list list = {0};
    plan_list_add(planner, &list, below);
    plan_list_add(planner, &list, above);
    *out = plan_union(planner, &list);
    return status;
}

static enum status plan_ends(plan_node *out, struct planner *planner, struct slot *slot, struct text folded) {
    const struct text unbounded = {NULL, 0};
    struct plan_filter filter =
        plan_filter_equal(planner, -(int)(folded.size + 1 + KEY_MARK_SIZE), folded); /* before the zero byte and mark */
    return plan_range(out, planner, slot, FACET_MAIN, unbounded, unbounded, &filter);
}

static enum status string_plan(
    plan_node *out, struct planner *planner, const struct slot_use *use, const struct criterion *criterion) {
    struct arena *arena = planner->scope->arena;
    struct text value = value_unescape(arena, criterion->value);
    struct text folded = string_fold(arena, value);
    if (folded.size == 0) {
        return criterion_malformed(planner, criterion, "some letters or digits");
    }
    if (criterion->modifier == MODIFIER_EXACT) {
        struct key key = exact_key(arena, value);
        return plan_key(out, planner, use->slot, FACET_MAIN, &key);
    }
    if (folded.size > KEY_TEXT_MAX) {
        folded.size = KEY_TEXT_MAX;
    }
    switch (criterion->modifier) {
    case MODIFIER_CONTAINS:
        return plan_contains(out, planner, use->slot, folded);
    case MODIFIER_EQUAL:
    case MODIFIER_UNEQUAL:
        return plan_equal(out, planner, use->slot, folded, criterion->modifier);
    case MODIFIER_ENDS:
        return plan_ends(out, planner, use->slot, folded);
    default: /* MODIFIER_STARTS, too: the later words of a name are values that start, as well */
        break;
    }
    enum status status = plan_starts(out, planner, use->slot, folded);
    struct text initials = initials_of(arena, folded, initial_of);
    return status == STATUS_OK && initials.size > 1 ? plan_initials(out, planner, use->slot, initials, *out) : status;
}

const struct kind kind_string = {string_emit, string_plan};
