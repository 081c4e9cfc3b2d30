#include "proto/thread.h"

#include "proto/record.h"
#include "tests/lib/test.h"

/* PRO-11: every word has a name of its own that a record may bear. */
TEST(thread, knows_each_rel_by_its_name)
{
    for (unsigned rel = WEFT_REL_OTHER + 1; rel < WEFT_RELS; rel++) {
        struct weft_text name = weft_text_of(weft_thread_rel_traits((enum weft_rel)rel)->name);
        EXPECT_TRUE(weft_name_is_valid(name));
        EXPECT_EQ(rel, weft_thread_rel(name));
    }
}

TEST(thread, knows_each_kind_by_its_name)
{
    for (unsigned kind = WEFT_THREAD_OTHER + 1; kind < WEFT_THREAD_KINDS; kind++) {
        const struct weft_thread_kind_traits *traits =
            weft_thread_kind_traits((enum weft_thread_kind)kind);
        EXPECT_TRUE(weft_name_is_valid(weft_text_of(traits->name)));
        EXPECT_EQ(kind, weft_thread_kind(weft_text_of(traits->name)));
        EXPECT_TRUE(traits->segment != WEFT_SEGMENT_NONE);
    }
}

TEST(thread, leaves_other_words_alone)
{
    EXPECT_EQ(WEFT_REL_OTHER, weft_thread_rel(WEFT_TEXT("")));
    EXPECT_EQ(WEFT_REL_OTHER, weft_thread_rel(WEFT_TEXT("consume")));
    EXPECT_EQ(WEFT_REL_OTHER, weft_thread_rel(WEFT_TEXT("Consumes")));
    EXPECT_EQ(WEFT_THREAD_OTHER, weft_thread_kind(WEFT_TEXT("")));
    EXPECT_EQ(WEFT_THREAD_OTHER, weft_thread_kind(WEFT_TEXT("epcis.object")));
    EXPECT_EQ(WEFT_REL_CLASS_NONE, weft_thread_rel_traits(WEFT_REL_OTHER)->rel_class);
    EXPECT_EQ(WEFT_SEGMENT_NONE, weft_thread_kind_traits(WEFT_THREAD_OTHER)->segment);
}

/* The numbers that arrays and orders rely on. */
TEST(thread, has_material_first_then_its_ends)
{
    for (unsigned rel = WEFT_REL_OTHER + 1; rel < WEFT_RELS; rel++) {
        const struct weft_rel_traits *traits = weft_thread_rel_traits((enum weft_rel)rel);
        enum weft_rel_class expected = rel <= WEFT_REL_MATERIAL_LAST  ? WEFT_REL_CLASS_MATERIAL
                                       : rel <= WEFT_REL_LINEAGE_LAST ? WEFT_REL_CLASS_END
                                       : rel == WEFT_REL_PARENT       ? WEFT_REL_CLASS_PARENT
                                                                      : WEFT_REL_CLASS_NONE;
        EXPECT_EQ(expected, traits->rel_class);
        EXPECT_TRUE(!traits->can_end || traits->rel_class == WEFT_REL_CLASS_MATERIAL);
    }
}

TEST(thread, knows_what_was_made_of_what_for_good)
{
    static const enum weft_rel permanent[] = {
        WEFT_REL_CONSUMES, WEFT_REL_USES_LOT, WEFT_REL_INPUT, WEFT_REL_OUTPUT};
    for (size_t i = 0; i < sizeof(permanent) / sizeof(permanent[0]); i++) {
        EXPECT_TRUE(!weft_thread_rel_traits(permanent[i])->can_end);
    }
    EXPECT_TRUE(weft_thread_rel_traits(WEFT_REL_CONTAINS)->can_end);
    EXPECT_TRUE(weft_thread_rel_traits(WEFT_REL_INSTALLS)->can_end);
    EXPECT_TRUE(weft_thread_rel_traits(WEFT_REL_PART_OF)->can_end);
    EXPECT_TRUE(weft_thread_rel_traits(WEFT_REL_INSTALLED_IN)->can_end);
}
