#include "cli/passing.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void passing_remove(const char *path) {
    DIR *folder = opendir(path);
    for (struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL;)
        (void)unlinkat(dirfd(folder), entry->d_name, 0);
    if (folder != NULL)
        (void)closedir(folder);
    (void)rmdir(path);
}

static sigset_t ending_signals(void) {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGHUP);
    return signals;
}

/* Ends by the same signal, as if nobody had waited for it: whoever started the program sees that. */
static void *watch(void *context) {
    const struct passing_folder *passing = context;
    sigset_t signals = ending_signals();
    int which = 0;
    (void)pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
    if (sigwait(&signals, &which) != 0)
        return NULL;
    (void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
    passing_remove(passing->path);
    (void)signal(which, SIG_DFL);
    (void)pthread_sigmask(SIG_UNBLOCK, &signals, NULL);
    (void)raise(which);
    return NULL;
}

enum status passing_open(struct passing_folder *out, const char *name, struct scope *scope) {
    const char *temporary = getenv("TMPDIR");
    if (temporary == NULL || temporary[0] == '\0')
        temporary = "/tmp";
    *out = (struct passing_folder){0};
    int size = snprintf(out->path, sizeof out->path, "%s/%s-XXXXXX", temporary, name);
    if (size >= PASSING_PATH_SIZE || mkdtemp(out->path) == NULL) {
        out->path[0] = '\0';
        return fault(scope, STATUS_FAILED, temporary, "no folder can be made here: %s", strerror(errno));
    }
    sigset_t signals = ending_signals();
    (void)pthread_sigmask(SIG_BLOCK, &signals, NULL);
    (void)signal(SIGPIPE, SIG_IGN); /* whoever prints learns it from the stream */
    out->is_watched = pthread_create(&out->watcher, NULL, watch, out) == 0;
    return STATUS_OK;
}

void passing_close(struct passing_folder *passing) {
    if (passing->path[0] == '\0')
        return;
    passing_remove(passing->path);
    if (passing->is_watched) {
        (void)pthread_cancel(passing->watcher);
        (void)pthread_join(passing->watcher, NULL);
    }
    sigset_t signals = ending_signals();
    (void)pthread_sigmask(SIG_UNBLOCK, &signals, NULL);
    *passing = (struct passing_folder){0};
}
