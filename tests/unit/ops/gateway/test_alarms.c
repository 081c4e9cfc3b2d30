#include <stdio.h>
#include <string.h>

#include "ops/gateway/alarms.h"
#include "policy/command/proof_bundle.h"
#include "tests/lib/test.h"

/* What a gateway tells its plant: GW-11. */

static void raise(struct weft_alarms *s, uint32_t channel, const char *word, uint64_t now_ms)
{
    static uint8_t id;
    struct weft_alarm alarm = {.channel = channel, .id = {{++id}}};
    (void)snprintf(alarm.word, sizeof(alarm.word), "%s", word);
    weft_alarms_raise(s, &alarm, now_ms);
}

TEST(gateway_alarms, each_is_sent_once_in_order_and_again_under_its_id_until_it_is_taken)
{
    static struct weft_alarms s;
    memset(&s, 0, sizeof(s));
    EXPECT_TRUE(weft_alarms_next(&s, 0) == NULL);
    raise(&s, 0, "fence", 100);
    raise(&s, 1, "plant-lost", 100);
    const struct weft_alarm *first = weft_alarms_next(&s, 100);
    EXPECT_TEXT("fence", first->word);
    uint8_t id = first->id.bytes[0];
    EXPECT_TRUE(weft_alarms_next(&s, 100) == NULL); /* One on its way. */
    weft_alarms_settle(&s, false, 100);
    first = weft_alarms_next(&s, 100);
    EXPECT_EQ(id, first->id.bytes[0]);
    weft_alarms_settle(&s, true, 100);
    EXPECT_TEXT("plant-lost", weft_alarms_next(&s, 100)->word);
    weft_alarms_settle(&s, true, 100);
    EXPECT_TRUE(weft_alarms_next(&s, UINT64_MAX) == NULL);
}

TEST(gateway_alarms, flood_of_one_word_is_one_in_ten_seconds_with_its_number)
{
    static struct weft_alarms s;
    uint64_t told = 0, sum = 0;
    memset(&s, 0, sizeof(s));
    for (uint64_t ms = 0; ms < 60000; ms += 5) {
        raise(&s, 0, "signature", ms);
        const struct weft_alarm *alarm = weft_alarms_next(&s, ms);
        if (alarm != NULL) {
            raise(&s, 0, "signature", ms); /* While it is on its way: another one. */
            told++;
            sum += alarm->count;
            weft_alarms_settle(&s, true, ms);
        }
    }
    EXPECT_EQ(6, told);
    const struct weft_alarm *last = weft_alarms_next(&s, 70000);
    EXPECT_EQ(60000 / 5 + told, sum + last->count); /* None is lost. */
}

TEST(gateway_alarms, beyond_its_room_the_newest_are_left_out_and_counted)
{
    static struct weft_alarms s;
    memset(&s, 0, sizeof(s));
    for (uint32_t i = 0; i < WEFT_ALARMS_MAX + 3; i++) {
        raise(&s, i, "fence", 1);
    }
    EXPECT_EQ(3, s.left_out);
    for (uint32_t i = 0; i < WEFT_ALARMS_MAX; i++) {
        EXPECT_EQ(i, weft_alarms_next(&s, 1)->channel);
        weft_alarms_settle(&s, true, 1);
    }
    raise(&s, WEFT_ALARMS_MAX + 9, "fence", 2); /* There is room again, of told ones too. */
    EXPECT_EQ(WEFT_ALARMS_MAX + 9, weft_alarms_next(&s, 2)->channel);
    weft_alarms_settle(&s, true, 2);
}

TEST(gateway_alarms, what_proves_nothing_is_a_signature_and_what_receipts_tell_is_not_told)
{
    const char *word, *code;
    EXPECT_TRUE(weft_alarms_is_told("fence", &word, &code));
    EXPECT_TEXT("fence", word);
    EXPECT_TEXT("", code);
    EXPECT_TRUE(weft_alarms_is_told(weft_proof_fault_name(WEFT_PROOF_MALFORMED), &word, &code));
    EXPECT_TEXT("signature", word);
    EXPECT_TEXT("malformed", code);
    EXPECT_TRUE(!weft_alarms_is_told(weft_proof_fault_name(WEFT_PROOF_STALE), &word, &code));
    static const char *const others[] = {"unknown", "deviation", "failed", "refused", "late"};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        EXPECT_TRUE(!weft_alarms_is_told(others[i], &word, &code));
    }
}
