/* ops/weft/agreement_sample.h: a draft of an agreement to begin with. */
#ifndef WEFT_OPS_AGREEMENT_SAMPLE_H
#define WEFT_OPS_AGREEMENT_SAMPLE_H

/* Lines as weft_agreement_draft_read takes them, with the comments that say what each is for. */
extern const char weft_agreement_sample[];

#endif
