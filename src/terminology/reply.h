/* reply: a Parameters resource being written. */
#ifndef SOYANG_TERMINOLOGY_REPLY_H
#define SOYANG_TERMINOLOGY_REPLY_H

#include "terminology/terminology.h"

struct json_writer reply_open(struct scope *scope);
void reply_put_coding(struct json_writer *w, const char *name, const struct terminology_coding *coding);

#endif
