/* tests/fuzz/signed_text.h: what is signed in the corpus of fuzz_note, and by whom. */
#ifndef WEFT_TESTS_FUZZ_SIGNED_TEXT_H
#define WEFT_TESTS_FUZZ_SIGNED_TEXT_H

#define SIGNED_TEXT_BY "oem.example/plant1/op/ann"
#define SIGNED_TEXT_WITNESS "supplier.example/west/wit/w1"

static const char signed_text[] = "oem.example/plant1/audit\n\nan empty line before this\n";

#endif
