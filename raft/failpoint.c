#include "raft/failpoint.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Only in the test library weft_raft_mutants. Names are the constants in lower case with hyphens,
 * behind a word that no name of the product's has: a test looks for them in what is delivered. */
static const char *const names[WEFT_FAILPOINTS] = {
    [WEFT_FAILPOINT_LOG_WRITE] = "fp-log-write",
    [WEFT_FAILPOINT_LOG_SYNC] = "fp-log-sync",
    [WEFT_FAILPOINT_LOG_MARK] = "fp-log-mark",
    [WEFT_FAILPOINT_VOTE_PERSIST] = "fp-vote-persist",
    [WEFT_FAILPOINT_META_COPY] = "fp-meta-copy",
    [WEFT_FAILPOINT_LOG_TRUNCATE] = "fp-log-truncate",
    [WEFT_FAILPOINT_LOG_TRIM] = "fp-log-trim",
    [WEFT_FAILPOINT_APPLY] = "fp-apply",
    [WEFT_FAILPOINT_APPLIED] = "fp-applied",
    [WEFT_FAILPOINT_CHECKPOINT_RENAME] = "fp-checkpoint-rename",
    [WEFT_FAILPOINT_CHECKPOINT_SYNC] = "fp-checkpoint-sync",
    [WEFT_FAILPOINT_INSTALL_SWAP] = "fp-install-swap",
    [WEFT_FAILPOINT_AUDIT_SIGN] = "fp-audit-sign",
};

static struct weft_failpoint_page *page;

const char *weft_failpoint_name(enum weft_failpoint point)
{
    return names[point];
}

bool weft_failpoint_open(const char *path)
{
    if (path == NULL) {
        return true;
    }
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    void *mapped =
        mmap(NULL, sizeof(struct weft_failpoint_page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    (void)close(fd);
    if (mapped == MAP_FAILED) {
        return false;
    }
    page = mapped;
    __atomic_store_n(&page->present, (uint32_t)getpid(), __ATOMIC_RELEASE);
    return true;
}

bool weft_failpoint_is_due(struct weft_failpoint_page *p, enum weft_failpoint point)
{
    uint32_t left = __atomic_load_n(&p->left, __ATOMIC_ACQUIRE);
    if (left == 0 || strncmp(p->armed, names[point], sizeof(p->armed)) != 0) {
        return false;
    }
    /* Two threads may come at once, and the harness may disarm it meanwhile: never below zero. */
    while (left != 0 && !__atomic_compare_exchange_n(
                            &p->left, &left, left - 1, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
    }
    return left == 1;
}

void weft_failpoint_reached(enum weft_failpoint point)
{
    if (page == NULL || !weft_failpoint_is_due(page, point)) {
        return;
    }
    (void)strncpy(page->ended_at, names[point], sizeof(page->ended_at) - 1);
    (void)kill(getpid(), SIGKILL);
    for (;;) {
        (void)pause(); /* Until it has arrived: nothing behind this place may happen. */
    }
}
