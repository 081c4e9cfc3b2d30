/* proto/check.h: assertions that stay on in release builds.
 *
 * An assertion states an invariant of ours and cites it; it is never put on bytes from
 * network, disk, environment or operator (those are tested with `if`). A failed one stops
 * the process: a node with a broken invariant must not go on guessing. */
#ifndef WEFT_PROTO_CHECK_H
#define WEFT_PROTO_CHECK_H

_Noreturn void weft_check_failed(const char *file, int line, const char *condition);

#define weft_assert(condition)                                                                     \
    (__builtin_expect(!(condition), 0) ? weft_check_failed(__FILE__, __LINE__, #condition)         \
                                       : (void)0)

#define weft_unreachable(why) weft_check_failed(__FILE__, __LINE__, why)

#endif
