#include "referral/member.h"

void member_reference(struct json_writer *w, const char *name, struct text reference) {
    if (reference.size > 0) {
        json_name(w, name);
        json_object_open(w);
        json_member_text(w, "reference", reference);
        json_object_close(w);
    }
}
