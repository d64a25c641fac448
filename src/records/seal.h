/* seal: bytes that the server gives out and takes back later, unread by the client and unchanged: signed, and of one purpose only.
 *
 * base64url without padding (RFC 4648, section 5) of the bytes and of 16 bytes of HMAC-SHA256 (RFC 2104) over purpose and bytes. */
#ifndef SOYANG_RECORDS_SEAL_H
#define SOYANG_RECORDS_SEAL_H

#include "base/base.h"

enum { SEAL_BYTES_MAX = 2048 };

struct text seal_close(struct arena *arena, struct text key, struct text purpose, struct text bytes);
/* False: forged, of another purpose or another key, or no seal at all. */
bool seal_open(struct text *out, struct arena *arena, struct text key, struct text purpose, struct text sealed);

#endif
