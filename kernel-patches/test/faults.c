// SPDX-License-Identifier: GPL-2.0
/* Each allocation of a load, of an update and of a query fails once. Whatever remains of it, a program that was JITed, one that
 * fell back to the interpreter, or none, must be right. Needs CONFIG_FAILSLAB and CONFIG_FAIL_PAGE_ALLOC; what leaks is kmemleak's.
 */
#include <fcntl.h>
#include <linux/filter.h>
#include "test_progs.h"

#define FAIL_NTH	"/proc/thread-self/fail-nth"
#define DEBUGFS		"/sys/kernel/debug/"
#define MANY		300

#define SITE(TYPE, OFF) BPF_RAW_INSN(BPF_JMP | BPF_JA, 0, TYPE, OFF, 0)
#define CALL_FUNC(OFF)	BPF_RAW_INSN(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_CALL, 0, OFF)

/* 111, or less 1, 10, 100 where the sites 1, 8, 12 jump */
static const struct bpf_insn funcs[] = {
	/* 0 */ BPF_MOV64_IMM(BPF_REG_6, 0),
	/* 1 */ SITE(BPF_STATIC_BRANCH_NOP, 1),
	/* 2 */ BPF_ALU64_IMM(BPF_ADD, BPF_REG_6, 1),
	/* 3 */ CALL_FUNC(3),
	/* 4 */ BPF_ALU64_REG(BPF_ADD, BPF_REG_6, BPF_REG_0),
	/* 5 */ BPF_MOV64_REG(BPF_REG_0, BPF_REG_6),
	/* 6 */ BPF_EXIT_INSN(),
	/* 7: func */ BPF_MOV64_IMM(BPF_REG_0, 0),
	/* 8 */ SITE(BPF_STATIC_BRANCH_NOP, 1),
	/* 9 */ BPF_ALU64_IMM(BPF_ADD, BPF_REG_0, 10),
	/* 10 */ BPF_MOV64_REG(BPF_REG_1, BPF_REG_0),
	/* 11 */ BPF_MOV64_IMM(BPF_REG_0, 0),
	/* 12 */ SITE(BPF_STATIC_BRANCH_JUMP, 1),
	/* 13 */ BPF_ALU64_IMM(BPF_ADD, BPF_REG_0, 100),
	/* 14 */ BPF_ALU64_REG(BPF_ADD, BPF_REG_0, BPF_REG_1),
	/* 15 */ BPF_EXIT_INSN(),
};

static void fail_nth(int n)
{
	char buf[16];

	snprintf(buf, sizeof(buf), "%d", n);
	write_sysctl(FAIL_NTH, buf);
}

/* Whether the fault has happened; none will from here on. */
static bool has_failed(void)
{
	int fd = open(FAIL_NTH, O_RDWR), left = -1;
	char buf[16] = {};

	if (read(fd, buf, sizeof(buf) - 1) > 0)
		left = atoi(buf);
	close(fd);
	fail_nth(0);
	return left == 0;
}

static int run_prog(int fd)
{
	char packet[64] = {};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = packet, .data_size_in = sizeof(packet));
	int err = bpf_prog_test_run_opts(fd, &opts);

	return err ?: (int)opts.retval;
}

static int jited_len(int fd)
{
	struct bpf_prog_info info = {};
	__u32 len = sizeof(info);

	return bpf_prog_get_info_by_fd(fd, &info, &len) ?: (int)info.jited_prog_len;
}

static int load_prog(const struct bpf_insn *insns, int cnt)
{
	return bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "faults", "GPL", insns, cnt, NULL);
}

static void check_prog(int fd)
{
	struct bpf_static_branch all[] = { { 1, 0, 1 }, { 12, 1, 0 }, { 8, 0, 1 } };
	struct bpf_static_branch back[] = { { 8, 1, 0 }, { 1, 1, 0 } };

	ASSERT_EQ(run_prog(fd), 11, "as loaded");
	ASSERT_OK(bpf_static_branch_update(fd, all, 3, NULL), "update");
	ASSERT_EQ(run_prog(fd), 100, "all changed");
	ASSERT_OK(bpf_static_branch_update(fd, back, 2, NULL), "update");
	ASSERT_EQ(run_prog(fd), 111, "two changed back");
}

static void fail_load(const char *how)
{
	int n, fd, jited = 0, interpreted = 0, refused = 0;
	bool failed = true;

	for (n = 1; failed && n < 10000; n++) {
		fail_nth(n);
		fd = load_prog(funcs, ARRAY_SIZE(funcs));
		failed = has_failed();
		if (fd < 0) {
			refused++;
			ASSERT_TRUE(failed, "refused for no reason");
			continue;
		}
		if (jited_len(fd))
			jited++;
		else
			interpreted++;
		check_prog(fd);
		close(fd);
	}
	ASSERT_TRUE(!failed, "an end");
	ASSERT_GT(refused, 10, "loads that failed");
	printf("  load, %s: %d refused, %d JITed, %d interpreted\n", how, refused, jited, interpreted);
}

static int load_many(void)
{
	static struct bpf_insn insns[2 * MANY + 2];
	int i, cnt = 0;

	insns[cnt++] = BPF_MOV64_IMM(BPF_REG_0, 0);
	for (i = 0; i < MANY; i++) {
		insns[cnt++] = SITE(BPF_STATIC_BRANCH_NOP, 1);
		insns[cnt++] = BPF_ALU64_IMM(BPF_ADD, BPF_REG_0, 1);
	}
	insns[cnt++] = BPF_EXIT_INSN();
	return load_prog(insns, cnt);
}

static void fail_update(const char *how)
{
	static struct bpf_static_branch_info recs[MANY];
	static struct bpf_static_branch batch[MANY];
	int n, i, fd, err, jump = 0, refused = 0;
	struct bpf_prog_info info;
	bool failed = true;
	__u32 len;

	fd = load_many();
	if (!ASSERT_OK_FD(fd, "load"))
		return;
	for (n = 1; failed && n < 1000; n++) {
		for (i = 0; i < MANY; i++)
			batch[i] = (struct bpf_static_branch){ 1 + 2 * i, jump, !jump };
		fail_nth(n);
		err = bpf_static_branch_update(fd, batch, MANY, NULL);
		failed = has_failed();
		if (err)
			ASSERT_EQ(err, -ENOMEM, "errno");
		else
			jump = !jump;
		refused += !!err;
		ASSERT_EQ(run_prog(fd), jump ? 0 : MANY, "all or nothing");
	}
	ASSERT_TRUE(!failed, "an end");
	ASSERT_GT(refused, 0, "updates that failed");
	printf("  update, %s: %d refused\n", how, refused);

	failed = true;
	for (n = 1, refused = 0; failed && n < 1000; n++) {
		memset(&info, 0, sizeof(info));
		len = sizeof(info);
		info.nr_static_branches = MANY;
		info.static_branch_rec_size = sizeof(recs[0]);
		info.static_branches = (unsigned long)recs;
		fail_nth(n);
		err = bpf_prog_get_info_by_fd(fd, &info, &len);
		failed = has_failed();
		if (err)
			ASSERT_EQ(err, -ENOMEM, "errno");
		else
			ASSERT_EQ(recs[MANY - 1].current_off, jump, "current_off");
		refused += !!err;
	}
	ASSERT_TRUE(!failed, "an end");
	printf("  info, %s: %d refused\n", how, refused);
	close(fd);
}

static void fail_each(const char *how)
{
	fail_load(how);
	fail_update(how);
}

void test_faults(void)
{
	if (access(FAIL_NTH, F_OK)) {
		printf("  this kernel injects no faults\n");
		return;
	}
	/* also where the allocation may sleep, of any size, and without a word */
	ASSERT_OK(write_sysctl(DEBUGFS "failslab/ignore-gfp-wait", "N"), "failslab");
	ASSERT_OK(write_sysctl(DEBUGFS "failslab/verbose", "0"), "failslab");
	ASSERT_OK(write_sysctl(DEBUGFS "fail_page_alloc/ignore-gfp-wait", "N"), "fail_page_alloc");
	ASSERT_OK(write_sysctl(DEBUGFS "fail_page_alloc/min-order", "0"), "fail_page_alloc");
	ASSERT_OK(write_sysctl(DEBUGFS "fail_page_alloc/verbose", "0"), "fail_page_alloc");

	fail_each("JITed");
	write_sysctl("/proc/sys/net/core/bpf_jit_harden", "2");
	fail_each("blinded");
	write_sysctl("/proc/sys/net/core/bpf_jit_harden", "0");
	write_sysctl("/proc/sys/net/core/bpf_jit_enable", "0");
	fail_each("interpreted");
	write_sysctl("/proc/sys/net/core/bpf_jit_enable", "1");
}
