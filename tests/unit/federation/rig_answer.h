/* tests/unit/federation/rig_answer.h: what the rig's supplier answers to a question of the OEM's,
 * sound and otherwise (federation/cells/ask.h). */
#ifndef WEFT_TESTS_UNIT_FEDERATION_RIG_ANSWER_H
#define WEFT_TESTS_UNIT_FEDERATION_RIG_ANSWER_H

#include "tests/unit/federation/rig.h"

/* How:
 *     made       nothing is in it
 *     unsigned   the same, and nobody says so
 *     torn       the same, with an octet too many in what is signed
 *     large      the same, of more octets than an answer may have
 *     own        the same, in the name of who asks
 *     another    the same, and of a thing that was not asked of
 *     chain      in it is one in which is one..., 3,000 of them; in the last one is the first
 *     bushes     in it are five, in each of which are a thousand
 * The body of the message, to be destroyed. What cannot fail here ends the process when it does. */
struct weft_buffer rig_answer(
    struct weft_text agreement, const char *how, struct weft_bytes question);

#endif
