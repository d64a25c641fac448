/* reply: a Parameters resource being written. */
#ifndef SOYANG_TERMINOLOGY_REPLY_H
#define SOYANG_TERMINOLOGY_REPLY_H

#include "terminology/terminology.h"

struct json_writer reply_open(struct scope *scope);
void reply_put_text(
    struct json_writer *w, const char *name, const char *member, struct text value); /* none: left out */
void reply_put_number(struct json_writer *w, const char *name, const char *member, struct text number);
void reply_put_bool(struct json_writer *w, const char *name, bool value);
void reply_part_open(struct json_writer *w, const char *name);
void reply_part_close(struct json_writer *w);
void reply_put_coding(struct json_writer *w, const char *name, const struct terminology_coding *coding);
MUST_CHECK enum status reply_finish(struct text *out, struct json_writer *w, struct scope *scope);

#endif
