/* A gateway with its loop, its disk and a simulated press, and a plant in the same process. */
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/cluster/gateway/fake_plant.h"

static struct fake fake;

static const char closed[] = "# the press's own inputs\nguard/closed = true\n";

static void begin(void)
{
    fake_open(&fake, test_directory());
    fake_write_inputs(&fake, closed);
}

TEST(gateway, command_moves_the_press_once_and_its_outcome_is_measured)
{
    begin();
    fake_give(&fake, 1, WEFT_COMMAND_CLASS_B, "set-speed", 42, 100, false);
    EXPECT_TRUE(fake_await(&fake, 1, WEFT_RECEIPT_ACCEPTED) != NULL);
    EXPECT_TRUE(fake_await(&fake, 1, WEFT_RECEIPT_DONE) != NULL);
    const struct weft_receipt_note *told = fake_await(&fake, 1, WEFT_RECEIPT_MEASURED);
    EXPECT_TRUE(told != NULL && told->reading_count == 2);
    EXPECT_TRUE(weft_scalar_is_within(
        told->readings[1].value.number, 42 * WEFT_SCALAR_ONE, WEFT_SCALAR_ONE / 2));
    EXPECT_EQ(1, fake_told(&fake, " live 01"));
    EXPECT_EQ(1, fake_told(&fake, "set-speed speed=42 rpm"));
    EXPECT_TRUE(fake.shows > 0);
    EXPECT_TEXT("", fake.alarm);
    fake_close(&fake);
}

TEST(gateway, shadow_is_told_and_the_press_is_not)
{
    begin();
    fake_give(&fake, 1, WEFT_COMMAND_CLASS_B, "set-speed", 42, 100, true);
    EXPECT_TRUE(fake_await(&fake, 1, WEFT_RECEIPT_MEASURED) != NULL);
    EXPECT_EQ(1, fake_told(&fake, " shadow 01"));
    EXPECT_EQ(0, fake_told(&fake, " live "));
    fake_close(&fake);
}

TEST(gateway, open_or_stale_or_unknown_guard_keeps_the_press_still)
{
    static const char *const inputs[] = {"guard/closed = false\n",
        "guard/closed = true at 2026-03-01T08:00:04.250Z\n", "guard/opened = false\n"};
    begin();
    for (uint8_t i = 0; i < 3; i++) {
        fake_write_inputs(&fake, inputs[i]);
        fake_give(&fake, i + 1, WEFT_COMMAND_CLASS_B, "set-speed", 42, 100U + i, false);
        const struct weft_receipt_note *refused = fake_await(&fake, i + 1, WEFT_RECEIPT_REFUSED);
        EXPECT_TRUE(refused != NULL && weft_text_is(refused->code, "interlock"));
    }
    EXPECT_EQ(0, fake_told(&fake, ""));
    fake_close(&fake);
}

TEST(gateway, machine_that_cannot_be_reached_was_not_told)
{
    begin();
    fake_write_inputs(&fake, "guard/closed = true\nsim/reachable = false\n");
    fake_give(&fake, 1, WEFT_COMMAND_CLASS_C, "jog", 0, 100, false);
    EXPECT_TRUE(fake_await(&fake, 1, WEFT_RECEIPT_REFUSED) != NULL);
    EXPECT_EQ(0, fake_told(&fake, ""));
    fake_close(&fake);
}

TEST(gateway, lost_plant_brings_the_press_into_its_safe_state)
{
    begin();
    fake_give(&fake, 1, WEFT_COMMAND_CLASS_B, "set-speed", 42, 100, false);
    EXPECT_TRUE(fake_await(&fake, 1, WEFT_RECEIPT_MEASURED) != NULL);
    fake.to.on_plant(fake.to.ctx, false);
    for (int i = 0; i < 200 && fake_told(&fake, " safe - set-speed speed=0 rpm") == 0; i++) {
        fake_turn(&fake, 50);
    }
    EXPECT_EQ(1, fake_told(&fake, " safe - set-speed speed=0 rpm")); /* GW-10 */
    EXPECT_TEXT("plant-lost", fake.alarm);
    fake_close(&fake);
}

/* In a process of its own, which is killed when it sends a receipt of this outcome. */
static void die_at(enum weft_receipt_outcome outcome)
{
    (void)test_directory(); /* The same for both. */
    pid_t pid = fork();
    EXPECT_TRUE(pid >= 0);
    if (pid == 0) {
        begin();
        fake.may_die = true;
        fake.dies_at = outcome;
        fake_give(&fake, 1, WEFT_COMMAND_CLASS_C, "jog", 0, 100, false);
        (void)fake_await(&fake, 1, WEFT_RECEIPT_MEASURED);
        _exit(3);
    }
    int status = 0;
    EXPECT_EQ(pid, waitpid(pid, &status, 0));
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

TEST(gateway, killed_behind_accepted_it_says_unknown_and_does_not_jog_again)
{
    die_at(WEFT_RECEIPT_ACCEPTED);
    begin();
    EXPECT_TRUE(fake_await(&fake, 1, WEFT_RECEIPT_ACCEPTED) != NULL);
    const struct weft_receipt_note *unknown = fake_await(&fake, 1, WEFT_RECEIPT_UNKNOWN);
    EXPECT_TRUE(unknown != NULL && weft_text_is(unknown->code, "restart")); /* GW-4 */
    fake_give(&fake, 1, WEFT_COMMAND_CLASS_C, "jog", 0, 101, false);
    fake_turn(&fake, 200);
    EXPECT_EQ(1, fake_told(&fake, " live 01"));
    fake_close(&fake);
}

TEST(gateway, killed_behind_done_it_says_done_again)
{
    die_at(WEFT_RECEIPT_DONE);
    begin();
    EXPECT_TRUE(fake_await(&fake, 1, WEFT_RECEIPT_DONE) != NULL);
    fake_turn(&fake, 200);
    EXPECT_EQ(1, fake_told(&fake, " live 01"));
    EXPECT_TEXT("", fake.alarm);
    fake_close(&fake);
}
