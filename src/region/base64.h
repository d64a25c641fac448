/* base64: bytes of a file inside a resource (RFC 4648, section 4). Private to region. */
#ifndef SOYANG_REGION_BASE64_H
#define SOYANG_REGION_BASE64_H

#include "base/base.h"

struct text base64_encode(struct arena *arena, struct text bytes);
/* False when `text` is no base64. White space is skipped, as base64Binary allows it. */
bool base64_decode(struct text *out, struct arena *arena, struct text text);

#endif
