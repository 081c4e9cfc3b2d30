#include "node/notify.h"

#include <inttypes.h>
#include <systemd/sd-daemon.h>
#include <time.h>

/* sd_notify's results are ignored throughout: the service manager is told, never depended on. */

void weft_notify_ready(const char *status)
{
    (void)sd_notifyf(0, "READY=1\nSTATUS=%s", status);
}

void weft_notify_status(const char *status)
{
    (void)sd_notifyf(0, "STATUS=%s", status);
}

void weft_notify_reloading(void)
{
    /* sd_notify(3): a reload is dated, so that it is told from one before. */
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    (void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64,
        (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000);
}

void weft_notify_stopping(const char *status)
{
    (void)sd_notifyf(0, "STOPPING=1\nSTATUS=%s", status);
}
