/* SPDX-License-Identifier: GPL-2.0 */
/*
 * As much of the kernel's headers as the module's pure code takes, so that the
 * benchmarks run that code itself.  bench.sh makes files of their names which
 * include this one.
 */
#ifndef BENCH_SHIM_H
#define BENCH_SHIM_H

#include <endian.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int64_t s64;
typedef uint16_t __le16;
typedef uint64_t __le64;
typedef uint16_t __be16;
typedef uint32_t __be32;

#ifndef s6_addr32
#define s6_addr32 __in6_u.__u6_addr32
#endif

#define __aligned(n)	__attribute__((__aligned__(n)))
#define __packed	__attribute__((__packed__))
#define __force
#define likely(x)	__builtin_expect(!!(x), 1)
#define unlikely(x)	__builtin_expect(!!(x), 0)
#define READ_ONCE(x)	__atomic_load_n(&(x), __ATOMIC_RELAXED)
#define WRITE_ONCE(x, v) __atomic_store_n(&(x), v, __ATOMIC_RELAXED)
#define BUILD_BUG_ON(condition) _Static_assert(!(condition), #condition)

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define U16_MAX		((u16)~0U)
#define U32_MAX		((u32)~0U)
#define cpu_to_le16(x)	htole16(x)
#define le16_to_cpu(x)	le16toh(x)
#define le64_to_cpu(x)	le64toh(x)
#define __ffs64(x)	((unsigned int)__builtin_ctzll(x))

#define min(a, b)	({ __auto_type _a = (a); __auto_type _b = (b); \
			   _a < _b ? _a : _b; })
#define max(a, b)	({ __auto_type _a = (a); __auto_type _b = (b); \
			   _a > _b ? _a : _b; })
#define min_t(type, a, b) min((type)(a), (type)(b))
#define max_t(type, a, b) max((type)(a), (type)(b))
#define clamp_t(type, value, low, high) \
	min_t(type, max_t(type, value, low), high)

#define NSEC_PER_MSEC	1000000L
#define NSEC_PER_SEC	1000000000L

static inline u64 mul_u64_u64_div_u64(u64 a, u64 mul, u64 div)
{
	return (__uint128_t)a * mul / div;
}

#endif /* BENCH_SHIM_H */
