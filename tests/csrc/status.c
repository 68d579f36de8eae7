#include "check.h"

int main(void)
{
    CHECK(strcmp(jc_status_text(JC_OK), "no error") == 0);
    CHECK(strstr(jc_status_text(JC_BAD_ARGUMENT), "argument"));
    CHECK(strstr(jc_status_text(JC_NO_MEMORY), "memory"));
    CHECK(jc_status_text((jc_status) 99) != NULL);
    CHECK(jc_float32(0x3f800000u, 0) == 1 && jc_float32(0x0000803fu, 1) == 1);
    return finish();
}
