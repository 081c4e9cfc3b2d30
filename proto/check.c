#include "proto/check.h"

#include <stdio.h>
#include <stdlib.h>

void weft_check_failed(const char *file, int line, const char *condition)
{
    (void)fprintf(stderr, "event=invariant_broken at=%s:%d condition=\"%s\" next=\"abort\"\n", file,
        line, condition);
    abort();
}
