// What the packaged functions and their libraries call by a name or version that glibc 2.34 does not have, taken to the one
// that it has. The linker's --wrap sends each call here; NEWER in the package script lists them.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#if defined(__x86_64__)
#define FIRST "GLIBC_2.2.5"
#elif defined(__aarch64__)
#define FIRST "GLIBC_2.17"
#endif

// Since 2.35 (hypot) and 2.38 (fmod) there is a second version, which does not set errno. The first is looked up when it is
// called: some linkers would send a reference to it here again.
#define FIRST_VERSION(type, name) \
    type __wrap_##name(type x, type y) { \
        type (*first)(type, type) = (type (*)(type, type))dlvsym(RTLD_DEFAULT, #name, FIRST); \
        if (!first) abort(); \
        return first(x, y); \
    }

FIRST_VERSION(double, hypot)
FIRST_VERSION(float, hypotf)
FIRST_VERSION(double, fmod)
FIRST_VERSION(float, fmodf)

// Since 2.36; libstdc++'s random_device calls it.
uint32_t __wrap_arc4random(void) {
    uint32_t value;
    if (getentropy(&value, sizeof value) != 0) abort();
    return value;
}

// What C23 makes of strtol and its like, since 2.38: they also read 0b.
#define WITHOUT_C23(type, name) \
    extern type plain_##name(const char *, char **, int) __asm__(#name); \
    type __wrap___isoc23_##name(const char *text, char **end, int base) { return plain_##name(text, end, base); }

WITHOUT_C23(long, strtol)
WITHOUT_C23(unsigned long, strtoul)
WITHOUT_C23(long long, strtoll)
WITHOUT_C23(unsigned long long, strtoull)

extern int plain_vsscanf(const char *, const char *, va_list) __asm__("vsscanf");

int __wrap___isoc23_sscanf(const char *text, const char *format, ...) {
    va_list values;
    va_start(values, format);
    int count = plain_vsscanf(text, format, values);
    va_end(values);
    return count;
}
