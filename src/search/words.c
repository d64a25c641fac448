#include "search/words.h"

#include <string.h>
#include <utf8proc.h>

/* ---- cutting --------------------------------------------------------------------------------------------------------- */

static const struct {
    utf8proc_int32_t first, last;
} dense_ranges[] = {
    {0x1100, 0x11ff},   /* Hangul jamo */
    {0x2e80, 0x2fdf},   /* radicals */
    {0x3005, 0x3007},   /* iteration and closing marks, zero */
    {0x3041, 0x30ff},   /* kana */
    {0x3131, 0x318e},   /* compatibility jamo */
    {0x31f0, 0x31ff},   /* kana extensions */
    {0x3400, 0x4dbf},   /* Han */
    {0x4e00, 0x9fff},   /* Han */
    {0xa960, 0xa97f},   /* jamo */
    {0xac00, 0xd7fb},   /* Hangul syllables */
    {0xf900, 0xfaff},   /* Han */
    {0xff66, 0xffdc},   /* half-width */
    {0x20000, 0x3ffff}, /* Han */
};

enum script { SCRIPT_NONE = WORDS_NONE, SCRIPT_LETTERS = WORDS_LETTERS, SCRIPT_DENSE = WORDS_DENSE };

static enum script script_of(utf8proc_int32_t point) {
    if (point < 0x80) {
        bool is_word =
            (point >= 'a' && point <= 'z') || (point >= '0' && point <= '9') || (point >= 'A' && point <= 'Z');
        return is_word ? SCRIPT_LETTERS : SCRIPT_NONE;
    }
    utf8proc_category_t category = utf8proc_category(point);
    if (category < UTF8PROC_CATEGORY_LU || category > UTF8PROC_CATEGORY_NO) {
        return SCRIPT_NONE;
    }
    for (size_t i = 0; i < sizeof dense_ranges / sizeof dense_ranges[0]; i++) {
        if (point >= dense_ranges[i].first && point <= dense_ranges[i].last) {
            return SCRIPT_DENSE;
        }
    }
    return SCRIPT_LETTERS;
}

struct piece { /* one character */
    enum script script;
    struct text bytes;
};

static bool piece_next(struct piece *out, struct text folded, size_t *at) {
    utf8proc_int32_t point;
    if (*at >= folded.size) {
        return false;
    }
    utf8proc_ssize_t size =
        utf8proc_iterate((const utf8proc_uint8_t *)folded.at + *at, (utf8proc_ssize_t)(folded.size - *at), &point);
    size_t taken = size > 0 ? (size_t)size : 1;
    *out = (struct piece){size > 0 ? script_of(point) : SCRIPT_NONE, {folded.at + *at, taken}};
    *at += taken;
    return true;
}

static void put_word(struct buffer *out, struct text word) {
    size_t size = word.size;
    if (size > WORD_BYTES_MAX) {
        for (size = WORD_BYTES_MAX; size > 0 && ((unsigned char)word.at[size] & 0xc0) == 0x80;) {
            size--;
        }
    }
    buffer_put(out, (struct text){word.at, size});
    buffer_put_char(out, ' ');
}

/* `run` is of one dense script: pairs, and the last character alone. */
static size_t put_pairs(struct buffer *out, struct text run) {
    size_t at = 0;
    struct piece before, next;
    (void)piece_next(&before, run, &at);
    while (piece_next(&next, run, &at)) {
        put_word(out, (struct text){before.bytes.at, before.bytes.size + next.bytes.size});
        before = next;
    }
    size_t last_at = out->size;
    put_word(out, before.bytes);
    return last_at;
}

static void put_run(struct words_end *end, struct buffer *out, enum script script, struct text run, size_t count) {
    if (script == SCRIPT_NONE) {
        return;
    }
    *end = (struct words_end){.count = count};
    if (script == SCRIPT_LETTERS) {
        end->script = WORDS_LETTERS;
        put_word(out, run);
    } else {
        end->script = WORDS_DENSE;
        end->last_at = put_pairs(out, run);
    }
}

struct words_end words_put(struct buffer *out, struct text prose) {
    struct text folded = text_fold(out->arena, prose);
    struct words_end end = {0};
    enum script script = SCRIPT_NONE;
    size_t at = 0, from = 0, count = 0, before = 0;
    struct piece piece;
    while (piece_next(&piece, folded, &at)) {
        if (piece.script != script) {
            put_run(&end, out, script, (struct text){folded.at + from, before - from}, count);
            script = piece.script;
            from = before;
            count = 0;
        }
        count++;
        before = at;
    }
    put_run(&end, out, script, (struct text){folded.at + from, before - from}, count);
    return end;
}

/* ---- fields ---------------------------------------------------------------------------------------------------------- */

struct field {
    struct buffer words;
    bool any;
};

/* No phrase reaches from one text into the next. */
static void field_add(struct field *field, struct text prose) {
    size_t before = field->words.size;
    if (field->any) {
        buffer_put_string(&field->words, "\xc2\xb6 ");
    }
    size_t begin = field->words.size;
    (void)words_put(&field->words, prose);
    if (field->words.size == begin) {
        field->words.size = before;
    } else {
        field->any = true;
    }
}

/* ---- narratives ------------------------------------------------------------------------------------------------------ */

/* Elements that stand inside a word's line; all others part what is before from what is behind. */
static bool is_inline(struct text name) {
    static const char *const names[] = {"a", "abbr", "acronym", "b", "big", "cite", "code", "dfn", "em", "font", "i",
        "img", "kbd", "q", "samp", "small", "span", "strong", "sub", "sup", "tt", "u", "var"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (text_is(name, names[i])) {
            return true;
        }
    }
    return false;
}

static bool is_name_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* The size of the tag or comment at the start of `markup`, and its element's name. */
static size_t tag_size(struct text *name_out, struct text markup) {
    *name_out = (struct text){markup.at, 0};
    if (text_starts(markup, "<!--")) {
        const char *end = memmem(markup.at, markup.size, "-->", 3);
        return end == NULL ? markup.size : (size_t)(end - markup.at) + 3;
    }
    const char *end = memchr(markup.at, '>', markup.size);
    size_t from = markup.size > 1 && markup.at[1] == '/' ? 2 : 1, to = from;
    while (to < markup.size && is_name_char(markup.at[to])) {
        to++;
    }
    *name_out = (struct text){markup.at + from, to - from};
    return end == NULL ? markup.size : (size_t)(end - markup.at) + 1;
}

static utf8proc_int32_t entity_point(struct text name) {
    static const struct {
        const char *name;
        utf8proc_int32_t point;
    } named[] = {{"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}};
    for (size_t i = 0; i < sizeof named / sizeof named[0]; i++) {
        if (text_is(name, named[i].name)) {
            return named[i].point;
        }
    }
    if (name.size < 2 || name.at[0] != '#') {
        return ' ';
    }
    bool is_hex = name.at[1] == 'x' || name.at[1] == 'X';
    utf8proc_int32_t point = 0;
    for (size_t i = is_hex ? 2 : 1; i < name.size; i++) {
        char c = name.at[i];
        int digit = c >= '0' && c <= '9'             ? c - '0'
                    : is_hex && c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : is_hex && c >= 'A' && c <= 'F' ? c - 'A' + 10
                                                     : -1;
        if (digit < 0 || point > 0x10ffff) {
            return ' ';
        }
        point = point * (is_hex ? 16 : 10) + digit;
    }
    return utf8proc_codepoint_valid(point) ? point : ' ';
}

enum { ENTITY_BYTES_MAX = 12 };

static size_t put_entity(struct buffer *prose, struct text markup) {
    const char *end = memchr(markup.at, ';', markup.size < ENTITY_BYTES_MAX ? markup.size : ENTITY_BYTES_MAX);
    if (end == NULL) {
        buffer_put_char(prose, ' ');
        return 1;
    }
    utf8proc_uint8_t bytes[4];
    utf8proc_ssize_t size =
        utf8proc_encode_char(entity_point((struct text){markup.at + 1, (size_t)(end - markup.at) - 1}), bytes);
    buffer_put(prose, (struct text){(const char *)bytes, (size_t)size});
    return (size_t)(end - markup.at) + 1;
}

static void narrative_add(struct field *field, struct text markup) {
    struct buffer prose = buffer_open(field->words.arena, SIZE_MAX);
    while (markup.size > 0) {
        size_t taken = 1;
        struct text name;
        if (markup.at[0] == '<') {
            taken = tag_size(&name, markup);
            if (name.size > 0 && !is_inline(name)) {
                field_add(field, buffer_text(&prose));
                prose.size = 0;
            }
        } else if (markup.at[0] == '&') {
            taken = put_entity(&prose, markup);
        } else {
            while (taken < markup.size && markup.at[taken] != '<' && markup.at[taken] != '&') {
                taken++;
            }
            buffer_put(&prose, (struct text){markup.at, taken});
        }
        markup = (struct text){markup.at + taken, markup.size - taken};
    }
    field_add(field, buffer_text(&prose));
}

/* ---- resources ------------------------------------------------------------------------------------------------------- */

struct word_reader {
    struct field fields[STORE_TEXT_FIELDS];
    fhir_type string, id, xhtml, element, reference;
};

static void read_object(struct word_reader *reader, fhir_type type, const yyjson_val *object);

/* Text is what people read: strings, codes and markdown; not ids, URIs, dates, numbers, data, nor where a reference leads. */
static bool is_text(
    const struct word_reader *reader, fhir_type parent, const struct fhir_element *element, fhir_type type) {
    bool is_link = parent == reader->reference && strcmp(element->name, "reference") == 0;
    return fhir_type_is(type, reader->string) && !fhir_type_is(type, reader->id) && !element->is_bare && !is_link;
}

static void read_one(
    struct word_reader *reader, fhir_type parent, const struct fhir_member *member, const yyjson_val *value) {
    if (yyjson_is_obj((yyjson_val *)value)) {
        fhir_type type = member->is_companion ? reader->element : member->type;
        bool is_resource = fhir_type_kind(type) == FHIR_RESOURCE;
        read_object(reader, is_resource ? fhir_resource_type_of(value) : type, value);
    } else if (!member->is_companion && member->type == reader->xhtml) {
        narrative_add(&reader->fields[WORDS_NARRATIVE], json_text(value));
    } else if (!member->is_companion && is_text(reader, parent, member->element, member->type)) {
        field_add(&reader->fields[WORDS_OTHER], json_text(value));
    }
}

static void read_object(struct word_reader *reader, fhir_type type, const yyjson_val *object) {
    yyjson_obj_iter members = yyjson_obj_iter_with((yyjson_val *)object);
    for (yyjson_val *key; type != FHIR_TYPE_NONE && (key = yyjson_obj_iter_next(&members)) != NULL;) {
        struct fhir_member member;
        yyjson_val *value = yyjson_obj_iter_get_val(key);
        if (!fhir_member_find(&member, type, json_text(key))) {
            continue;
        }
        if (!yyjson_is_arr(value)) {
            read_one(reader, type, &member, value);
            continue;
        }
        yyjson_arr_iter items = yyjson_arr_iter_with(value);
        for (yyjson_val *item; (item = yyjson_arr_iter_next(&items)) != NULL;) {
            read_one(reader, type, &member, item);
        }
    }
}

static enum status read_words(
    struct store_words *out, void *context, uint16_t type, struct text body, struct scope *scope) {
    (void)context;
    yyjson_doc *doc = NULL;
    enum status status = json_read(&doc, body, scope);
    if (status != STATUS_OK) {
        return status;
    }
    struct word_reader reader = {.string = fhir_type_find(TEXT("string")),
        .id = fhir_type_find(TEXT("id")),
        .xhtml = fhir_type_find(TEXT("xhtml")),
        .element = fhir_type_find(TEXT("Element")),
        .reference = fhir_type_find(TEXT("Reference"))};
    for (size_t i = 0; i < STORE_TEXT_FIELDS; i++) {
        reader.fields[i].words = buffer_open(scope->arena, SIZE_MAX);
        buffer_put_char(&reader.fields[i].words, ' ');
    }
    read_object(&reader, fhir_resource_type(type), yyjson_doc_get_root(doc));
    for (size_t i = 0; i < STORE_TEXT_FIELDS; i++) {
        out->fields[i] = buffer_text(&reader.fields[i].words);
    }
    return STATUS_OK;
}

const struct store_text_source words_source = {.read = read_words, .form = "words 1"};
