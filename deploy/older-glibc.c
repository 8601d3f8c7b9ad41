// What the packaged functions call by a name that glibc 2.34 does not have, under the name that it has. The linker's
// --wrap sends each call here; NEWER in the package script lists them.

#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#if defined(__x86_64__)
#define FIRST "GLIBC_2.2.5"
#elif defined(__aarch64__)
#define FIRST "GLIBC_2.17"
#endif

// hypotf, in Swift's C library overlay: 2.35 gave it a second version that does not set errno.
float first_hypotf(float x, float y);
__asm__(".symver first_hypotf, hypotf@" FIRST);

float __wrap_hypotf(float x, float y) { return first_hypotf(x, y); }

// arc4random, in libstdc++'s random_device: since 2.36.
uint32_t __wrap_arc4random(void) {
    uint32_t value;
    if (getentropy(&value, sizeof value) != 0) abort();
    return value;
}
