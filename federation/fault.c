#include "federation/fault.h"

#include <stdarg.h>
#include <stdio.h>

static const char *const names[WEFT_STREAM_FAULTS] = {
    [WEFT_STREAM_SOUND] = "sound",
    [WEFT_STREAM_MALFORMED] = "malformed",
    [WEFT_STREAM_UNKNOWN] = "unknown-agreement",
    [WEFT_STREAM_SEQUENCE] = "wrong-sequence",
    [WEFT_STREAM_UNSIGNED] = "unsigned",
    [WEFT_STREAM_ORIGIN] = "wrong-origin",
    [WEFT_STREAM_PROOF] = "wrong-proof",
    [WEFT_STREAM_HEAD] = "unknown-head",
    [WEFT_STREAM_ROLLED_BACK] = "rolled-back",
    [WEFT_STREAM_SPLIT] = "split-view",
    [WEFT_STREAM_FLOOD] = "flood",
    [WEFT_STREAM_TOO_BIG] = "too-big",
    [WEFT_STREAM_OUT_OF_TURN] = "out-of-turn",
    [WEFT_STREAM_ENDED] = "ended",
    [WEFT_STREAM_HELD] = "held",
    [WEFT_STREAM_FROZEN] = "frozen",
    [WEFT_STREAM_BEHIND] = "behind",
    [WEFT_STREAM_FORKED] = "forked",
    [WEFT_STREAM_NEEDS_EXPLICIT] = "needs-explicit",
    [WEFT_STREAM_UNSIGNED_CONTRACT] = "unsigned-amendment",
    [WEFT_STREAM_EXPIRED_CONTRACT] = "expired-amendment",
    [WEFT_STREAM_DECLINED] = "declined",
    [WEFT_STREAM_WITHDRAWN] = "withdrawn",
    [WEFT_STREAM_BAD_PROJECTION] = "bad-projection",
    [WEFT_STREAM_DIGEST] = "wrong-digest",
    [WEFT_STREAM_OUTSIDE] = "outside-contract",
    [WEFT_STREAM_MASK] = "wrong-mask",
    [WEFT_STREAM_UNAUTHORIZED] = "without-authority",
    [WEFT_STREAM_HUGE] = "huge-field",
    [WEFT_STREAM_POLICY] = "policy",
    [WEFT_STREAM_REPEATED] = "told-too-often",
};

const char *weft_stream_fault_name(unsigned fault)
{
    bool is_known = fault < WEFT_STREAM_FAULTS && names[fault] != NULL;
    return is_known ? names[fault] : "unknown-fault";
}

bool weft_stream_fault_parse(struct weft_text name, enum weft_stream_fault *ret_fault)
{
    for (unsigned i = 0; i < WEFT_STREAM_FAULTS; i++) {
        if (names[i] != NULL && weft_text_is(name, names[i])) {
            *ret_fault = (enum weft_stream_fault)i;
            return true;
        }
    }
    return false;
}

bool weft_stream_fault_is_of_statement(enum weft_stream_fault fault)
{
    return fault >= WEFT_STREAM_BAD_PROJECTION;
}

enum weft_stream_fault weft_stream_fail(
    struct weft_msg *msg, enum weft_stream_fault fault, const char *format, ...)
{
    char reason[sizeof(msg->text)];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(reason, sizeof(reason), format, args);
    va_end(args);
    (void)weft_fail(msg, WEFT_EREFUSED, "%s: %s", weft_stream_fault_name(fault), reason);
    return fault;
}
