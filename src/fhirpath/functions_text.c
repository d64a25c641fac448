/* Strings. Positions and lengths are in characters, not bytes (FHIRPath 5.6). */
#include "fhirpath/functions.h"
#include "fhirpath/value.h"

#include <string.h>
#include <utf8proc.h>

enum { TEXT_MADE_MAX = 4 * 1024 * 1024 };

/* The input as a string, and that it is there. */
static enum status input_text(struct text *out, enum presence *presence, const struct call *call) {
    return call_text(out, presence, call, call->input);
}

/* The input and the first argument, both or nothing. */
static enum status input_and_argument(
    struct text *input, struct text *argument, enum presence *presence, const struct call *call) {
    enum presence has_argument;
    enum status status = input_text(input, presence, call);
    if (status == STATUS_OK) {
        status = call_argument_text(argument, &has_argument, call, 0);
    }
    if (status == STATUS_OK && has_argument == ABSENT) {
        *presence = ABSENT;
    }
    return status;
}

static enum status give_string(struct collection *out, const struct call *call, struct text text) {
    return give_text(out, call, FHIRPATH_STRING, text.size > 0 ? text : TEXT(""));
}

static enum status give_buffer(struct collection *out, const struct call *call, const struct buffer *buffer) {
    if (buffer->full) {
        return fault(call->machine->scope, STATUS_TOO_COSTLY, "", "FHIRPath, column %u: a string over %d bytes",
            (unsigned)call->node->column, TEXT_MADE_MAX);
    }
    return give_string(out, call, buffer->size > 0 ? buffer_text(buffer) : TEXT(""));
}

/* ---- characters ------------------------------------------------------------------------------------------------- */

static bool starts_character(char c) {
    return ((unsigned char)c & 0xC0) != 0x80;
}

static int64_t character_count(struct text text) {
    int64_t count = 0;
    for (size_t i = 0; i < text.size; i++) {
        count += starts_character(text.at[i]);
    }
    return count;
}

/* The byte where character number `index` begins, or the end. */
static size_t byte_at(struct text text, int64_t index) {
    size_t at = 0;
    for (; at < text.size; at++) {
        if (starts_character(text.at[at]) && index-- == 0) {
            break;
        }
    }
    return at;
}

static struct text rest_from(struct text text, size_t byte) {
    return (struct text){text.at + byte, text.size - byte};
}

static const char *find(struct text in, struct text what) {
    return what.size == 0 ? in.at : in.size == 0 ? NULL : memmem(in.at, in.size, what.at, what.size);
}

static const char *find_last(struct text in, struct text what) {
    for (size_t at = in.size + 1; at-- > 0;) {
        if (in.size - at >= what.size && (what.size == 0 || memcmp(in.at + at, what.at, what.size) == 0)) {
            return in.at + at;
        }
    }
    return NULL;
}

enum status index_of_run(struct collection *out, const struct call *call) {
    struct text input, wanted;
    enum presence presence;
    enum status status = input_and_argument(&input, &wanted, &presence, call);
    if (status != STATUS_OK || presence == ABSENT) {
        return status;
    }
    const char *found = call->node->function->detail == TEXT_FIRST ? find(input, wanted) : find_last(input, wanted);
    struct text before = {input.at, found != NULL ? (size_t)(found - input.at) : 0};
    return give_integer(out, call, found != NULL ? character_count(before) : -1);
}

enum status substring_run(struct collection *out, const struct call *call) {
    struct text input;
    int64_t start = 0, length = INT64_MAX;
    enum presence presence, has_start, has_length = PRESENT;
    enum status status = input_text(&input, &presence, call);
    if (status == STATUS_OK) {
        status = call_argument_integer(&start, &has_start, call, 0);
    }
    if (status == STATUS_OK && call_has(call, 1)) {
        status = call_argument_integer(&length, &has_length, call, 1);
    }
    if (status != STATUS_OK || presence == ABSENT || has_start == ABSENT) {
        return status;
    }
    if (has_length == ABSENT) {
        length = INT64_MAX; /* an empty length is as if it were not given (FHIRPath 5.6.2) */
    }
    if (start < 0 || start >= character_count(input)) {
        return STATUS_OK;
    }
    struct text rest = rest_from(input, byte_at(input, start));
    return give_string(out, call, (struct text){rest.at, length <= 0 ? 0 : byte_at(rest, length)});
}

enum status text_test_run(struct collection *out, const struct call *call) {
    struct text input, wanted;
    enum presence presence;
    enum status status = input_and_argument(&input, &wanted, &presence, call);
    if (status != STATUS_OK || presence == ABSENT) {
        return status;
    }
    size_t size = wanted.size;
    bool answer = false;
    switch (call->node->function->detail) {
    case TEXT_STARTS:
        answer = input.size >= size && (size == 0 || memcmp(input.at, wanted.at, size) == 0);
        break;
    case TEXT_ENDS:
        answer = input.size >= size && (size == 0 || memcmp(input.at + input.size - size, wanted.at, size) == 0);
        break;
    default:
        answer = size == 0 || find(input, wanted) != NULL;
        break;
    }
    return give_boolean(out, call, answer);
}

enum status text_case_run(struct collection *out, const struct call *call) {
    struct text input;
    enum presence presence;
    enum status status = input_text(&input, &presence, call);
    if (status != STATUS_OK || presence == ABSENT) {
        return status;
    }
    struct buffer buffer = buffer_open(call->machine->scope->arena, TEXT_MADE_MAX);
    bool is_upper = call->node->function->detail == TEXT_UPPER;
    for (size_t at = 0; at < input.size;) {
        utf8proc_int32_t code;
        utf8proc_ssize_t size =
            utf8proc_iterate((const utf8proc_uint8_t *)input.at + at, (utf8proc_ssize_t)(input.size - at), &code);
        if (size <= 0) {
            return machine_fault(call->machine, call->node, "not UTF-8");
        }
        utf8proc_uint8_t bytes[4];
        utf8proc_ssize_t made = utf8proc_encode_char(is_upper ? utf8proc_toupper(code) : utf8proc_tolower(code), bytes);
        buffer_put(&buffer, (struct text){(const char *)bytes, (size_t)made});
        at += (size_t)size;
    }
    return give_buffer(out, call, &buffer);
}

static void replace_between(struct buffer *buffer, struct text input, struct text with) {
    for (size_t i = 0; i < input.size; i++) {
        if (starts_character(input.at[i])) {
            buffer_put(buffer, with);
        }
        buffer_put_char(buffer, input.at[i]);
    }
    buffer_put(buffer, with);
}

enum status replace_run(struct collection *out, const struct call *call) {
    struct text input, wanted, with;
    enum presence presence, has_with;
    enum status status = input_and_argument(&input, &wanted, &presence, call);
    if (status == STATUS_OK) {
        status = call_argument_text(&with, &has_with, call, 1);
    }
    if (status != STATUS_OK || presence == ABSENT || has_with == ABSENT) {
        return status;
    }
    struct buffer buffer = buffer_open(call->machine->scope->arena, TEXT_MADE_MAX);
    if (wanted.size == 0) {
        replace_between(&buffer, input, with);
        return give_buffer(out, call, &buffer);
    }
    for (const char *found = find(input, wanted); found != NULL; found = find(input, wanted)) {
        buffer_put(&buffer, (struct text){input.at, (size_t)(found - input.at)});
        buffer_put(&buffer, with);
        input = rest_from(input, (size_t)(found - input.at) + wanted.size);
    }
    buffer_put(&buffer, input);
    return give_buffer(out, call, &buffer);
}

enum status length_run(struct collection *out, const struct call *call) {
    struct text input;
    enum presence presence;
    enum status status = input_text(&input, &presence, call);
    return status != STATUS_OK || presence == ABSENT ? status : give_integer(out, call, character_count(input));
}

static enum status add_string(struct collection *out, const struct call *call, struct text text) {
    struct fhirpath_item item = {.kind = FHIRPATH_STRING, .text = text};
    return collection_add(out, call->machine, &item);
}

enum status to_chars_run(struct collection *out, const struct call *call) {
    struct text input;
    enum presence presence;
    enum status status = input_text(&input, &presence, call);
    while (status == STATUS_OK && presence == PRESENT && input.size > 0) {
        size_t size = byte_at(input, 1);
        status = add_string(out, call, (struct text){input.at, size});
        input = rest_from(input, size);
    }
    return status;
}

enum status split_run(struct collection *out, const struct call *call) {
    struct text input, separator;
    enum presence presence;
    enum status status = input_and_argument(&input, &separator, &presence, call);
    if (status != STATUS_OK || presence == ABSENT) {
        return status;
    }
    if (separator.size == 0) {
        return to_chars_run(out, call);
    }
    for (const char *found = find(input, separator); status == STATUS_OK && found != NULL;
         found = find(input, separator)) {
        struct text piece = {input.at, (size_t)(found - input.at)};
        status = add_string(out, call, piece);
        input = rest_from(input, piece.size + separator.size);
    }
    return status != STATUS_OK ? status : add_string(out, call, input.size > 0 ? input : TEXT(""));
}

enum status join_run(struct collection *out, const struct call *call) {
    struct text separator = TEXT("");
    enum presence has_separator;
    enum status status = call_has(call, 0) ? call_argument_text(&separator, &has_separator, call, 0) : STATUS_OK;
    if (status != STATUS_OK || call->input->count == 0) {
        return status;
    }
    struct buffer buffer = buffer_open(call->machine->scope->arena, TEXT_MADE_MAX);
    bool is_first = true;
    for (size_t i = 0; i < call->input->count; i++) {
        struct text piece;
        if (call->input->at[i].kind == FHIRPATH_NODE && call->input->at[i].node == NULL) {
            continue;
        }
        if (!item_string(&piece, call->machine, &call->input->at[i])) {
            return machine_fault(call->machine, call->node, "only strings can be joined");
        }
        buffer_put(&buffer, is_first ? TEXT("") : separator);
        buffer_put(&buffer, piece);
        is_first = false;
    }
    return give_buffer(out, call, &buffer);
}

enum status trim_run(struct collection *out, const struct call *call) {
    struct text input;
    enum presence presence;
    enum status status = input_text(&input, &presence, call);
    return status != STATUS_OK || presence == ABSENT ? status : give_string(out, call, text_trim(input));
}
