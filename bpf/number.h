/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Comparisons as numbers, 0 or 1, that the compiler is kept from making branches of: where many are
 * made and nothing is known of them beforehand, a branch is one that the CPU guesses wrongly every
 * other time, and that the verifier follows both ways.
 */
#ifndef SAMEWAY_BPF_NUMBER_H
#define SAMEWAY_BPF_NUMBER_H

#define NUMBER(x)                                                                                  \
	({                                                                                         \
		__u64 number_ = (x);                                                               \
		asm volatile("" : "+r"(number_));                                                  \
		number_;                                                                           \
	})

static __always_inline __u64 is_negative(__u64 x)
{
	return NUMBER(x) >> 63;
}

/* `with` where one is 1, else x. */
static __always_inline __u64 number_if(__u64 one, __u64 with, __u64 x)
{
	return x ^ ((x ^ with) & NUMBER(-one));
}

/* a < b, of any two. */
static __always_inline __u64 is_less(__u64 a, __u64 b)
{
	return is_negative((~a & b) | (~(a ^ b) & (a - b)));
}

/* Number of the lowest bit set in m, not 0: the bits below it, counted. (clang 14 has no ctz.) */
static __always_inline __u32 lowest_bit(__u64 m)
{
	__u64 n = (m & -m) - 1;

	n -= n >> 1 & 0x5555555555555555ULL;
	n = (n & 0x3333333333333333ULL) + (n >> 2 & 0x3333333333333333ULL);
	n = (n + (n >> 4)) & 0x0f0f0f0f0f0f0f0fULL;
	return n * 0x0101010101010101ULL >> 56 & 63;
}

#endif
