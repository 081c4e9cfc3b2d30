/* tests/cluster/gateway/fake_plant.h: a plant in the same process, and a gateway with one press.
 *
 * It takes receipts, verifies their signatures, and settles them in a later turn. */
#ifndef WEFT_TESTS_CLUSTER_GATEWAY_FAKE_PLANT_H
#define WEFT_TESTS_CLUSTER_GATEWAY_FAKE_PLANT_H

#include "ops/gateway/gateway.h"
#include "ops/gateway/machine_sim.h"
#include "policy/together.h"
#include "tests/unit/ops/gateway/gateway_rig.h"

enum {
    FAKE_RECEIPTS_MAX = 512,
    FAKE_LOST_MS = 300,
};

struct fake_receipt {
    uint64_t counter;
    char text[2048];
    struct weft_receipt_note note; /* Borrows text. */
};

struct fake {
    struct weft_plant plant;
    struct weft_plant_callbacks to;
    uv_loop_t loop;
    struct weft_gateway *gateway;
    struct weft_proof_trust trust;
    struct weft_keyring ring;
    struct weft_principal self;
    struct weft_signer signer;
    struct weft_together together;
    char directory[512]; /* journal below gw, the machine below press7 */
    uint32_t receipt_count;
    uint32_t settled; /* Of them, told so. */
    struct fake_receipt receipts[FAKE_RECEIPTS_MAX];
    enum weft_receipt_outcome dies_at; /* The process is killed when it sends such a one. */
    bool may_die;
    bool has_ended;
    uint32_t shows;
    bool guard_is_closed; /* As it was shown last. */
    char alarm[64];       /* The newest one's word. */
};

/* In `directory`, with what is there already. */
void fake_open(struct fake *fake, const char *directory);
/* The same with another machine. */
void fake_open_with(struct fake *fake, const char *directory,
    struct weft_machine *(*open_machine)(struct fake *fake));
void fake_close(struct fake *fake);
/* Turns of the loop until there is such a receipt, for 20 s at most. NULL: there is none. */
const struct weft_receipt_note *fake_await(
    struct fake *fake, uint8_t number, enum weft_receipt_outcome outcome);
/* Turns for so long. */
void fake_turn(struct fake *fake, uint64_t ms);
/* A bundle of now. */
void fake_give(struct fake *fake, uint8_t number, enum weft_command_class class, const char *verb,
    int64_t speed, uint64_t index, bool is_shadow);
void fake_write_inputs(const struct fake *fake, const char *text);
/* Lines of `told` that have this in them. */
uint32_t fake_told(const struct fake *fake, const char *what);

#endif
