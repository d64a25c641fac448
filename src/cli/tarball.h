/* A tar archive, gzipped or not, read from front to back: nothing is unpacked, so a name is only a name. Private to cli. */
#ifndef SOYANG_CLI_TARBALL_H
#define SOYANG_CLI_TARBALL_H

#include "base/base.h"

enum { TARBALL_ENTRIES_MAX = 200000, TARBALL_NAME_MAX = 1024, TARBALL_ENTRY_BYTES_MAX = 64 * 1024 * 1024 };
#define TARBALL_BYTES_MAX (INT64_C(4) * 1024 * 1024 * 1024) /* unpacked: what a small file may blow up to */

struct tarball;
MUST_CHECK enum status tarball_open(struct tarball **out, const char *path, struct scope *scope);
void tarball_close(struct tarball *tarball); /* accepts NULL */
struct tarball_entry {
    struct text name; /* none: the end of the archive */
    size_t size;
};
/* The next plain file; directories, links and the like are passed over. What of the last one was not read is skipped. */
MUST_CHECK enum status tarball_next(struct tarball_entry *out, struct tarball *tarball, struct scope *scope);
/* The content of the entry that `tarball_next` gave. */
MUST_CHECK enum status tarball_read(struct text *out, struct tarball *tarball, struct scope *scope);

#endif
