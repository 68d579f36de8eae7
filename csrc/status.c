#include "jwst_cal.h"

const char *jc_status_text(jc_status status)
{
    switch (status) {
    case JC_OK:
        return "no error";
    case JC_BAD_ARGUMENT:
        return "an argument is out of its range";
    case JC_NO_MEMORY:
        return "not enough memory for scratch space";
    }
    return "unknown status";
}
