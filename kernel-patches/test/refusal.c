// SPDX-License-Identifier: GPL-2.0
/* The init of a guest whose JIT knows no static branches: where programs are JITed they are refused, never run wrongly, and
 * where programs are interpreted they work. Plain bpf(2), no library.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <linux/types.h>
#include <linux/bpf.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define INSN(CODE, DST, SRC, OFF, IMM) \
	((struct bpf_insn){ .code = CODE, .dst_reg = DST, .src_reg = SRC, .off = OFF, .imm = IMM })
#define MOV(IMM)	INSN(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, IMM)
#define ADD(IMM)	INSN(BPF_ALU64 | BPF_ADD | BPF_K, 0, 0, 0, IMM)
#define JA(SRC, OFF)	INSN(BPF_JMP | BPF_JA, 0, SRC, OFF, 0)
#define CALL(OFF)	INSN(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_CALL, 0, OFF)
#define EXIT		INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)

static int nr_checked, nr_failed;
static char vlog[4096];

static void is(const char *what, long long got, long long want)
{
	nr_checked++;
	if (got == want) {
		printf("  ok      %s\n", what);
		return;
	}
	nr_failed++;
	printf("  FAILED  %s: %lld, not %lld\n", what, got, want);
}

static int bpf(int cmd, union bpf_attr *attr, size_t size)
{
	int ret = syscall(__NR_bpf, cmd, attr, size);

	return ret < 0 ? -errno : ret;
}

static int load_insns(const struct bpf_insn *insns, int cnt, int log_level)
{
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_SOCKET_FILTER,
		.insns = (unsigned long)insns,
		.insn_cnt = cnt,
		.license = (unsigned long)"GPL",
		.log_buf = log_level ? (unsigned long)vlog : 0,
		.log_size = log_level ? sizeof(vlog) : 0,
		.log_level = log_level,
	};

	vlog[0] = '\0';
	return bpf(BPF_PROG_LOAD, &attr, sizeof(attr));
}
#define load(insns)	load_insns(insns, sizeof(insns) / sizeof((insns)[0]), 0)
#define load_log(insns)	load_insns(insns, sizeof(insns) / sizeof((insns)[0]), 1)

static int run(int fd)
{
	char packet[64] = {};
	union bpf_attr attr = {
		.test = { .prog_fd = fd, .data_in = (unsigned long)packet, .data_size_in = sizeof(packet) },
	};
	int err = bpf(BPF_PROG_TEST_RUN, &attr, sizeof(attr));

	return err ?: (int)attr.test.retval;
}

static int update(int fd, __u32 insn_off, __s16 expected_off, __s16 new_off)
{
	struct bpf_static_branch entry = { insn_off, expected_off, new_off };
	union bpf_attr attr = {
		.static_branch = { .prog_fd = fd, .branches = (unsigned long)&entry, .count = 1 },
	};

	return bpf(BPF_STATIC_BRANCH_UPDATE, &attr, sizeof(attr));
}

static struct bpf_prog_info info_of(int fd, struct bpf_static_branch_info *recs, int room)
{
	struct bpf_prog_info info = {
		.nr_static_branches = room,
		.static_branches = (unsigned long)recs,
	};
	union bpf_attr attr = {
		.info = { .bpf_fd = fd, .info = (unsigned long)&info, .info_len = sizeof(info) },
	};

	is("info", bpf(BPF_OBJ_GET_INFO_BY_FD, &attr, sizeof(attr)), 0);
	return info;
}

static int jit_enable(const char *value)
{
	int fd = open("/proc/sys/net/core/bpf_jit_enable", O_WRONLY);
	int err = fd < 0 || write(fd, value, 1) != 1 ? -errno : 0;

	close(fd);
	return err;
}

int main(void)
{
	const struct bpf_insn plain[] = { MOV(5), JA(0, 1), EXIT, JA(0, -2) };
	const struct bpf_insn nop_or_goto[] = { MOV(1), JA(BPF_STATIC_BRANCH_NOP, 1), MOV(2), EXIT };
	const struct bpf_insn goto_or_nop[] = { MOV(1), JA(BPF_STATIC_BRANCH_JUMP, 1), MOV(2), EXIT };
	const struct bpf_insn in_function[] = {
		CALL(1), EXIT, MOV(10), JA(BPF_STATIC_BRANCH_NOP, 1), ADD(1), EXIT,
	};
	const struct bpf_insn other_src[] = { MOV(1), JA(2, 1), MOV(2), EXIT };
	struct bpf_static_branch_info rec = {};
	struct bpf_prog_info info;
	int fd;

	setvbuf(stdout, NULL, _IONBF, 0);
	mkdir("/proc", 0755);
	mount("proc", "/proc", "proc", 0, NULL);

	printf("JITed:\n");
	is("bpf_jit_enable = 1", jit_enable("1"), 0);
	fd = load(plain);
	info = info_of(fd, NULL, 0);
	is("an ordinary program is JITed", info.jited_prog_len > 0, 1);
	is("it has no static branch", info.nr_static_branches, 0);
	is("it runs", run(fd), 5);
	is("an update of it: no branch there", update(fd, 1, 0, 1), -ENOENT);
	is("an update of it: beyond its end", update(fd, 4, 0, 1), -ERANGE);
	is("an update of no program", update(-1, 1, 0, 1), -EBADF);
	is("it still runs", run(fd), 5);
	close(fd);
	is("nop_or_goto is refused", load(nop_or_goto), -EOPNOTSUPP);
	is("goto_or_nop is refused", load(goto_or_nop), -EOPNOTSUPP);
	is("one in a function is refused", load(in_function), -EOPNOTSUPP);
	is("with a log, too", load_log(nop_or_goto), -EOPNOTSUPP);
	is("which says so", !!strstr(vlog, "static branch at insn 1 is not supported here"), 1);
	is("another src_reg is what it always was", load(other_src), -EINVAL);

	printf("interpreted:\n");
	is("bpf_jit_enable = 0", jit_enable("0"), 0);
	fd = load(nop_or_goto);
	info = info_of(fd, &rec, 1);
	is("nop_or_goto is not JITed", info.jited_prog_len, 0);
	is("one static branch", info.nr_static_branches, 1);
	is("at 1", rec.insn_off, 1);
	is("without an address", rec.jited_addr, 0);
	is("loaded as a nop", rec.current_off, 0);
	is("falls through", run(fd), 2);
	is("to a jump", update(fd, 1, 0, 1), 0);
	is("jumps", run(fd), 1);
	is("is no nop any more", update(fd, 1, 0, 1), -EBUSY);
	is("target of no jump", update(fd, 1, 1, 2), -EINVAL);
	is("still jumps", run(fd), 1);
	info_of(fd, &rec, 1);
	is("a jump now", rec.current_off, 1);
	is("bpf_jit_enable = 1", jit_enable("1"), 0);
	is("remains interpreted: to a nop", update(fd, 1, 1, 0), 0);
	is("falls through", run(fd), 2);
	close(fd);
	is("refused again", load(nop_or_goto), -EOPNOTSUPP);

	is("bpf_jit_enable = 0", jit_enable("0"), 0);
	fd = load(goto_or_nop);
	is("goto_or_nop jumps", run(fd), 1);
	is("to a nop", update(fd, 1, 1, 0), 0);
	is("falls through", run(fd), 2);
	close(fd);
	fd = load(in_function);
	is("in a function: falls through", run(fd), 11);
	is("to a jump", update(fd, 3, 0, 1), 0);
	is("jumps", run(fd), 10);
	close(fd);

	printf("checks %d, failed %d\n", nr_checked, nr_failed);
	printf(nr_failed || !nr_checked ? "RESULT: FAILED\n" : "RESULT: OK\n");
	sleep(1);
	reboot(RB_POWER_OFF);
	return 0;
}
