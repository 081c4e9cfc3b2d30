/* tests/lib/loopback.h: an address of loopback that is this process's own, "127.a.b.c".
 *
 * A port of it stays free while nobody listens there. One of 127.0.0.1 does not: the kernel
 * gives it to another test's listener, or to an outgoing connection, even to the one that dials
 * it in vain and so meets itself. lib/plant.py does the same. */
#ifndef WEFT_TESTS_LIB_LOOPBACK_H
#define WEFT_TESTS_LIB_LOOPBACK_H

#include <stdio.h>
#include <unistd.h>

static inline const char *test_loopback(void)
{
    static char address[16];
    unsigned pid = (unsigned)getpid(); /* Below 2^22 (proc(5), pid_max). */
    (void)snprintf(address, sizeof(address), "127.%u.%u.%u", 1 + (pid >> 16) % 64, (pid >> 8) % 256,
        pid % 256);
    return address;
}

#endif
