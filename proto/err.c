#include "proto/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct code {
    const char *name;
    enum weft_err_class class;
};

static const struct code codes[WEFT_ERRS] = {
    [WEFT_OK] = {"ok", WEFT_CLASS_OK},
    [WEFT_EBUSY] = {"busy", WEFT_CLASS_RETRY},
    [WEFT_ENOTLEADER] = {"not-leader", WEFT_CLASS_RETRY},
    [WEFT_EUNAVAILABLE] = {"unavailable", WEFT_CLASS_RETRY},
    [WEFT_ETIMEDOUT] = {"timed-out", WEFT_CLASS_RETRY},
    [WEFT_EREFUSED] = {"refused", WEFT_CLASS_REFUSED},
    [WEFT_ECONFLICT] = {"conflict", WEFT_CLASS_REFUSED},
    [WEFT_ENOTFOUND] = {"not-found", WEFT_CLASS_REFUSED},
    [WEFT_ESTATE] = {"state", WEFT_CLASS_REFUSED},
    [WEFT_EMALFORMED] = {"malformed", WEFT_CLASS_INPUT},
    [WEFT_EINVAL] = {"invalid", WEFT_CLASS_INPUT},
    [WEFT_EVERSION] = {"version", WEFT_CLASS_INPUT},
    [WEFT_EPEER] = {"peer", WEFT_CLASS_INPUT},
    [WEFT_EBADSIG] = {"bad-signature", WEFT_CLASS_INPUT},
    [WEFT_ETOOBIG] = {"too-big", WEFT_CLASS_LIMIT},
    [WEFT_ENOMEM] = {"no-memory", WEFT_CLASS_LIMIT},
    [WEFT_ENOSPC] = {"no-space", WEFT_CLASS_LIMIT},
    [WEFT_ECORRUPT] = {"corrupt", WEFT_CLASS_DAMAGED},
    [WEFT_EIO] = {"io", WEFT_CLASS_DAMAGED},
    [WEFT_ECLOSED] = {"closed", WEFT_CLASS_CLOSING},
};

static const struct code *code_of(enum weft_err err)
{
    static const struct code unknown = {"unknown", WEFT_CLASS_DAMAGED};
    return (unsigned)err < WEFT_ERRS ? &codes[err] : &unknown;
}

enum weft_err_class weft_err_class(enum weft_err err)
{
    return code_of(err)->class;
}

const char *weft_err_name(enum weft_err err)
{
    return code_of(err)->name;
}

#undef weft_fail
enum weft_err weft_fail(struct weft_msg *msg, enum weft_err err, const char *format, ...)
{
    if (msg != NULL) {
        va_list args;
        va_start(args, format);
        (void)vsnprintf(msg->text, sizeof(msg->text), format, args);
        va_end(args);
    }
    return err;
}

enum weft_err weft_wrap(struct weft_msg *msg, enum weft_err err, const char *format, ...)
{
    if (msg != NULL) {
        struct weft_msg inner = *msg;
        va_list args;
        va_start(args, format);
        int used = vsnprintf(msg->text, sizeof(msg->text), format, args);
        va_end(args);
        if (used >= 0 && (size_t)used < sizeof(msg->text)) {
            (void)snprintf(msg->text + used, sizeof(msg->text) - (size_t)used, ": %s", inner.text);
        }
    }
    return err;
}
