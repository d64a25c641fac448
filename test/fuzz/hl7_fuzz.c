/* Whatever comes over MLLP is read within its limits, every value can be asked for, and the answer is a message that reads again. */
#include "region/hl7.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static enum status take(void *context, struct scope *scope) {
    struct text source = *(const struct text *)context;
    struct hl7_message *message = ARENA_NEW(scope->arena, struct hl7_message);
    struct hl7_message *answered = ARENA_NEW(scope->arena, struct hl7_message);
    struct hl7_problem problem, none;
    bool good = hl7_parse(message, &problem, source, scope->arena);
    invariant(good == (problem.error == HL7_ACCEPTED));
    for (int i = 0; good && i < message->segment_count && i < 16; i++) {
        for (int field = 1; field < 24; field++) {
            struct text value = hl7_value(message, &message->segments[i], field, 1 + field % 3, scope->arena);
            int64_t us;
            invariant(value.size == 0 || text_is_utf8(value));
            (void)hl7_time(&us, value, 540);
        }
    }
    struct text answer = hl7_acknowledge(message, &problem, "note", 0, scope->arena);
    invariant(hl7_parse(answered, &none, answer, scope->arena));
    return STATUS_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    struct arena *arena = arena_open((size_t)64 << 20);
    struct text source = {(const char *)bytes, size};
    struct scope scope;
    invariant(scope_run(&scope, arena, take, &source) == STATUS_OK);
    arena_close(arena);
    return 0;
}
