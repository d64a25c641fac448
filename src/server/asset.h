/* The page's files inside the binary; the table is written by tools/web/embed. */
#ifndef SOYANG_SERVER_ASSET_H
#define SOYANG_SERVER_ASSET_H

#include <stdbool.h>
#include <stddef.h>

struct asset {
    const char *path, *content_type, *etag;
    const char *plain, *plain_end;
    const char *gzip, *gzip_end; /* NULL where compression gains nothing */
    bool is_hashed;              /* its name holds a digest of its content */
};
extern const struct asset assets[];
extern const size_t asset_count;

#endif
