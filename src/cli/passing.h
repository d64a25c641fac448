/* A data folder for one question, which goes with it: also when the program is interrupted meanwhile. Private to cli. */
#ifndef SOYANG_CLI_PASSING_H
#define SOYANG_CLI_PASSING_H

#include <pthread.h>

#include "base/base.h"

enum { PASSING_PATH_SIZE = 1024 };
struct passing_folder {
    char path[PASSING_PATH_SIZE]; /* "": none */
    pthread_t watcher;
    bool is_watched;
};
/* Under $TMPDIR, else /tmp. From here to the closing SIGINT, SIGTERM and SIGHUP remove the folder before they end the program. Call it
 * before threads are started: they inherit that these signals are not theirs. */
MUST_CHECK enum status passing_open(struct passing_folder *out, const char *name, struct scope *scope);
/* Accepts one that was never opened. Nothing may have a file in it open. */
void passing_close(struct passing_folder *passing);
/* The files of a folder, and the folder. */
void passing_remove(const char *path);

#endif
