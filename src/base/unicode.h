/* unicode: UTF-8 sequences one at a time. */
#ifndef SOYANG_BASE_UNICODE_H
#define SOYANG_BASE_UNICODE_H

#include "base/base.h"

/* The size of the well-formed sequence at the start of `a` (RFC 3629: shortest form, no surrogates, up to U+10FFFF);
 * 0 when there is none. `a` is not empty. */
size_t unicode_sequence_size(struct text a);

#endif
