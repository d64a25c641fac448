#include "terminology/reply.h"

enum { REPLY_BYTES_MAX = 256 << 20 };

struct json_writer reply_open(struct scope *scope) {
    struct json_writer w = json_writer_open(scope->arena, REPLY_BYTES_MAX);
    fhir_parameters_open(&w);
    return w;
}

static void member_if(struct json_writer *w, const char *name, struct text value) {
    if (value.size > 0) {
        json_member_text(w, name, value);
    }
}

void reply_put_coding(struct json_writer *w, const char *name, const struct terminology_coding *coding) {
    json_object_open(w);
    json_member_string(w, "name", name);
    json_name(w, "valueCoding");
    json_object_open(w);
    member_if(w, "system", coding->system);
    member_if(w, "version", coding->version);
    member_if(w, "code", coding->code);
    member_if(w, "display", coding->display);
    json_object_close(w);
    json_object_close(w);
}
