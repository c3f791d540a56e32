/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Static keys for BPF programs: named switches whose disabled code costs nothing.
 *
 *	DEFINE_STATIC_KEY_FALSE(debug_events);
 *
 *	if (static_branch_unlikely(&debug_events))
 *		emit_debug_event(ctx);
 *
 * DEFINE_STATIC_CONST and static_const, below, do the same for numbers.
 *
 * Include it after vmlinux.h or <linux/bpf.h> and compile with clang -O2 -g --target=bpf. A key is one byte in section
 * .static_keys and by name in BTF. A site is two instructions, "r0 = 0" and a branch on r0 under the local symbol
 * __static_branch.<u|l>.<n>.<key>; the object loads with any loader, in its default state, without the other arm.
 */
#ifndef __STATIC_KEY_BPF_H
#define __STATIC_KEY_BPF_H

/* Not static_key_true and static_key_false: vmlinux.h has those. Two types, so that the compiler knows the default. */
struct bpf_static_key_true {
	unsigned char enabled;
};

struct bpf_static_key_false {
	unsigned char enabled;
};

#define DEFINE_STATIC_KEY_TRUE(name) \
	struct bpf_static_key_true name __attribute__((section(".static_keys"), used)) = { 1 }

#define DEFINE_STATIC_KEY_FALSE(name) \
	struct bpf_static_key_false name __attribute__((section(".static_keys"), used)) = { 0 }

/* For a key that another object file of the same program defines; "bpftool gen object" joins them. */
#define DECLARE_STATIC_KEY_TRUE(name) \
	extern struct bpf_static_key_true name __attribute__((section(".static_keys")))

#define DECLARE_STATIC_KEY_FALSE(name) \
	extern struct bpf_static_key_false name __attribute__((section(".static_keys")))

/*
 * The site. In line it yields !out, behind the branch it yields out. nodebug lets the two instructions bear the
 * author's source line. The empty asm gives the out-of-line region a block of its own: without it clang jumps from one
 * site in twenty of a loop straight back to the loop's head. What remains are mostly keys that are themselves a loop's
 * condition; "clang -mllvm -force-loop-cold-block", or an if and a break, lays those out forward as well.
 */
#define __STATIC_BRANCH(name, layout, op, out) \
	static inline __attribute__((always_inline, nodebug)) _Bool name(const void *key) \
	{ \
		asm goto("r0 = 0\n" \
			 "__static_branch." layout ".%=.%c[key]:\n" \
			 "if r0 " op " 0 goto %l[out_of_line]" \
			 : \
			 : [key] "i"(key) \
			 : "r0" \
			 : out_of_line); \
		return !(out); \
	out_of_line: \
		asm volatile(""); \
		return out; \
	}

__STATIC_BRANCH(__static_branch_unlikely_false, "u", "!=", 1)
__STATIC_BRANCH(__static_branch_unlikely_true, "u", "==", 1)
__STATIC_BRANCH(__static_branch_likely_false, "l", "==", 0)
__STATIC_BRANCH(__static_branch_likely_true, "l", "!=", 0)

/* True if the key is enabled; the enabled code is out of line. */
#define static_branch_unlikely(key) \
	__builtin_expect(_Generic(*(key), \
		struct bpf_static_key_false: __static_branch_unlikely_false, \
		struct bpf_static_key_true: __static_branch_unlikely_true)(key), 0)

/* True if the key is enabled; the disabled code is out of line. */
#define static_branch_likely(key) \
	__builtin_expect(_Generic(*(key), \
		struct bpf_static_key_false: __static_branch_likely_false, \
		struct bpf_static_key_true: __static_branch_likely_true)(key), 1)

/*
 * Constants in the code itself: the value is an instruction's immediate, so it costs no memory access, and the verifier
 * drops what it makes dead. TYPE is an integer, enum or bool of 1, 2, 4 or 8 bytes.
 *
 *	DEFINE_STATIC_CONST(__u32, mark, 42);
 *
 *	skb->mark = static_const(mark);
 */
#define DEFINE_STATIC_CONST(type, name, value) \
	_Static_assert(sizeof(type) <= 8, "a static constant has at most 8 bytes"); \
	const type name __attribute__((section(".static_consts"), used)) = (value)

/*
 * The constant's value. One instruction under the local symbol __static_const.<n>.<name>; a copy of the code has a
 * place of its own. The conversion drops what sign extension put into the register's upper half.
 */
#define static_const(name) \
	({ \
		unsigned long long __static_const_value; \
		if (sizeof(name) == 8) \
			asm("__static_const.%=.%c[place]:\n" \
			    "%[out] = %[value] ll" \
			    : [out] "=r"(__static_const_value) \
			    : [place] "i"(&(name)), [value] "i"((long long)(name))); \
		else \
			asm("__static_const.%=.%c[place]:\n" \
			    "%[out] = %[value]" \
			    : [out] "=r"(__static_const_value) \
			    : [place] "i"(&(name)), [value] "i"((int)(name))); \
		(__typeof__(name))__static_const_value; \
	})

#endif
