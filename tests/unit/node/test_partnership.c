#include <stdlib.h>
#include <string.h>

#include "node/node.h"
#include "node/partnership.h"
#include "tests/lib/test.h"
#include "tests/unit/node/stream_rig.h"

/* Door and driver over a real state. The partner's root does not count, so nothing is dialled and
 * no socket is opened: what is looked at is whom the door knows. */

static struct rig_pair pair;   /* Large. */
static struct weft_node *node; /* Its OEM's. */
static int fails_after = -1;   /* So many calls of calloc from now, one fails. */
static int failed;

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);

void *__wrap_calloc(size_t count, size_t size)
{
    if (fails_after == 0) {
        fails_after = -1;
        failed++;
        return NULL;
    }
    fails_after -= fails_after > 0 ? 1 : 0;
    return __real_calloc(count, size);
}

static void on_closed(void *ctx)
{
    (void)ctx;
}

static void node_open(void)
{
    struct weft_msg msg = {""};
    node = calloc(1, sizeof(*node));
    EXPECT_EQ(0, uv_loop_init(&node->loop));
    node->state = pair.sites[RIG_OEM].f.state;
    node->phase = WEFT_NODE_RUNNING;
    strcpy(node->config.node.org, "oem.example");
    strcpy(node->config.node.site, "plant1");
    strcpy(node->config.node.name, "n1");
    strcpy(node->config.node.data, "nowhere");
    strcpy(node->config.partner.cert, "tls.crt");
    strcpy(node->config.partner.key, "tls.key");
    EXPECT_EQ(WEFT_OK, weft_partnership_open(node, &msg));
    EXPECT_EQ(2, weft_partnership_parts(node));
}

static void node_close(void)
{
    weft_partnership_close(node, on_closed, NULL);
    EXPECT_EQ(0, uv_run(&node->loop, UV_RUN_DEFAULT));
    EXPECT_EQ(0, uv_loop_close(&node->loop));
    free(node);
}

static bool knows_partner(void)
{
    struct weft_partner_link link;
    return weft_partner_door_link(
        node->partner_door, weft_text_of(rig_site_of(RIG_SUPPLIER)), &link);
}

/* NOD-246: one allocation after the other fails, and a second later the partner is known. */
TEST(partnership, the_door_is_told_again_of_partners_that_it_had_no_memory_for)
{
    rig_pair_start(&pair, "partnership");
    for (int i = 0; i < 4; i++) {
        node_open();
        failed = 0;
        fails_after = i;
        weft_partnership_turn(node, 1000, SIGNERS_NOW_NS);
        fails_after = -1;
        EXPECT_TRUE(failed == 1 || i > 1); /* Places of all, and the partner's own. */
        EXPECT_EQ(failed == 0, knows_partner());
        EXPECT_EQ(failed == 0 ? UINT64_MAX : 2000, weft_partnership_deadline(node));
        weft_partnership_turn(node, 1999, SIGNERS_NOW_NS);
        EXPECT_EQ(failed == 0, knows_partner());
        weft_partnership_turn(node, 2000, SIGNERS_NOW_NS);
        EXPECT_TRUE(knows_partner());
        node_close();
    }
    rig_pair_stop(&pair);
}

/* A record that comes meanwhile does not wait, and this site itself is nobody to call. */
TEST(partnership, a_change_of_a_record_is_looked_at_at_once)
{
    struct weft_partner_link link;
    rig_pair_start(&pair, "partnership");
    node_open();
    fails_after = 0;
    weft_partnership_turn(node, 1000, SIGNERS_NOW_NS);
    EXPECT_EQ(false, knows_partner());
    rig_must(&pair.sites[RIG_OEM], rig_partner(RIG_SUPPLIER, false));
    weft_partnership_turn(node, 1001, SIGNERS_NOW_NS);
    EXPECT_TRUE(knows_partner());
    EXPECT_EQ(false,
        weft_partner_door_link(node->partner_door, weft_text_of(rig_site_of(RIG_OEM)), &link));
    node_close();
    rig_pair_stop(&pair);
}

/* It has no terms: whoever leads has nothing to sign, to send or to take by it. */
TEST(partnership, an_offer_that_waits_for_the_other_side_harms_nobody)
{
    struct weft_partner_figures figures;
    rig_pair_start(&pair, "partnership");
    struct weft_contract contract = rig_contract();
    struct weft_buffer note = rig_contract_note(&pair, &contract, false, true);
    rig_must(&pair.sites[RIG_OEM],
        rig_note("agreement", "agreement:" RIG_NAME, weft_buffer_as_text(&note)));
    EXPECT_TRUE(rig_agreement(&pair.sites[RIG_OEM]).terms == NULL);
    node_open();
    node->is_leader = true;
    for (uint64_t ms = 1000; ms < 5000; ms += 500) {
        weft_partnership_turn(node, ms, SIGNERS_NOW_NS);
    }
    EXPECT_TRUE(weft_partners_figures(node->partners, 0, WEFT_SENT, &figures));
    EXPECT_TRUE(weft_text_is(figures.agreement, RIG_NAME));
    EXPECT_EQ(WEFT_AGREEMENT_OFFERED, figures.state);
    EXPECT_EQ(0, figures.leaves);
    /* And both sign. */
    rig_amend(&pair, &contract, true, false);
    EXPECT_TRUE(weft_partners_figures(node->partners, 0, WEFT_SENT, &figures));
    EXPECT_EQ(WEFT_AGREEMENT_IN_FORCE, figures.state);
    weft_buffer_destroy(&note);
    node_close();
    rig_pair_stop(&pair);
}
