#include "ops/import/catenax.h"
#include "ops/import/csv.h"
#include "ops/import/epcis.h"
#include "ops/import/mtconnect.h"
#include "ops/import/qif.h"
#include "ops/weft/import.h"

enum weft_exit weft_cmd_import_catenax(const struct weft_args *args)
{
    return weft_import_run(args, &weft_catenax_importer);
}

enum weft_exit weft_cmd_import_csv(const struct weft_args *args)
{
    return weft_import_run(args, &weft_csv_importer);
}

enum weft_exit weft_cmd_import_epcis(const struct weft_args *args)
{
    return weft_import_run(args, &weft_epcis_importer);
}

enum weft_exit weft_cmd_import_mtconnect(const struct weft_args *args)
{
    return weft_import_run(args, &weft_mtconnect_importer);
}

enum weft_exit weft_cmd_import_qif(const struct weft_args *args)
{
    return weft_import_run(args, &weft_qif_importer);
}
