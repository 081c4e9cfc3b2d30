/* proto/model/lexical.h: the texts of DTDL's time schemas: ISO 8601 in the profile of RFC 3339.
 *
 * dateTime is weft_time_parse (proto/time.h). */
#ifndef WEFT_PROTO_MODEL_LEXICAL_H
#define WEFT_PROTO_MODEL_LEXICAL_H

#include <stdbool.h>

#include "proto/bytes.h"

/* "2017-07-28": a day that there was (years 0001 to 9999). */
bool weft_lexical_is_date(struct weft_text text);
/* "08:16:42", with a fraction and a zone if wanted. */
bool weft_lexical_is_time(struct weft_text text);
/* "P1Y2M10DT2H30M1.5S", "P3W"; the last number may have a fraction. */
bool weft_lexical_is_duration(struct weft_text text);

#endif
