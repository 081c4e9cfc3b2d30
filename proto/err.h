/* proto/err.h: the codes that fallible functions return, and the class that callers act on.
 *
 * A code says what happened, its class what to do about it: try again elsewhere or later,
 * give up, mend the input, stop the node. Text for people travels beside it in a
 * struct weft_msg, wrapped outward by each caller: "load segment 7: entry 12: bad checksum". */
#ifndef WEFT_PROTO_ERR_H
#define WEFT_PROTO_ERR_H

#define WEFT_MUST_USE __attribute__((warn_unused_result))

enum weft_err {
    WEFT_OK = 0,

    /* Try again: nothing is known to have happened. */
    WEFT_EBUSY,        /* A queue or budget is full for the moment. */
    WEFT_ENOTLEADER,   /* Not taken: another node leads, or none; ask there, or later. */
    WEFT_EUNAVAILABLE, /* No quorum, no leader, or the peer cannot be reached. */
    WEFT_ETIMEDOUT,    /* The deadline passed; the outcome may be unknown. */

    /* Refused: asking again changes nothing until the state does. */
    WEFT_EREFUSED,  /* Policy, or the other side, said no. */
    WEFT_ECONFLICT, /* A precondition (`expect`) does not hold. */
    WEFT_ENOTFOUND, /* The answer is that there is none. */
    WEFT_ESTATE,    /* The machine's state does not admit the event. */

    /* Bad input: the sender is at fault. */
    WEFT_EMALFORMED, /* The bytes are not what they claim to be. */
    WEFT_EINVAL,     /* Well-formed, but not a permitted value. */
    WEFT_EVERSION,   /* Of a version or kind that we do not speak. */
    WEFT_EPEER,      /* From somebody other than it claims, or than we admit. */
    WEFT_EBADSIG,    /* A signature or digest does not verify. */

    /* Limit: within the rules otherwise. */
    WEFT_ETOOBIG, /* Over a limit of proto/limits.h. */
    WEFT_ENOMEM,
    WEFT_ENOSPC, /* The disk is full. */

    /* Damaged: durable state is wrong; the node stops rather than guesses. */
    WEFT_ECORRUPT,
    WEFT_EIO,

    /* Closing. */
    WEFT_ECLOSED,

    WEFT_ERRS /* Number of codes; not one of them. */
};

enum weft_err_class {
    WEFT_CLASS_OK,
    WEFT_CLASS_RETRY,
    WEFT_CLASS_REFUSED,
    WEFT_CLASS_INPUT,
    WEFT_CLASS_LIMIT,
    WEFT_CLASS_DAMAGED,
    WEFT_CLASS_CLOSING,
};

/* Text for people. Always terminated; what does not fit is cut. */
struct weft_msg {
    char text[512];
};

enum weft_err_class weft_err_class(enum weft_err err);

/* The stable name of a code, as logs and answers carry it: "conflict". Static storage. */
const char *weft_err_name(enum weft_err err);

/* Replace the text. `msg` may be NULL. Returns `err`, so that `return weft_fail(...)` reads. */
enum weft_err weft_fail(struct weft_msg *msg, enum weft_err err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
#ifdef __clang_analyzer__ /* Which does not look into err.c, and takes a failure for a success. */
#define weft_fail(msg, err, ...) ((void)weft_fail(msg, err, __VA_ARGS__), (err))
#endif

/* Put `format: ` in front of the text there is. Returns `err`. */
enum weft_err weft_wrap(struct weft_msg *msg, enum weft_err err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
