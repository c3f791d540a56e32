// SPDX-License-Identifier: GPL-2.0
/* Runs the selftest as the guest's init: in the JIT, blinded, and in the interpreter. */
#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <time.h>
#include "test_progs.h"

int nr_failed, nr_checked;
static int nr_skipped, nr_subtests, failed_before;
static const char *current;

void serial_test_static_branches(void);
void serial_test_static_branches_blinded(void);
void serial_test_static_branches_interpreted(void);
void test_faults(void);

static void end_subtest(void)
{
	if (current)
		printf("  %-20s %s\n", current, nr_failed == failed_before ? "ok" : "FAILED");
	current = NULL;
}

bool test__start_subtest(const char *name)
{
	end_subtest();
	current = name;
	failed_before = nr_failed;
	nr_subtests++;
	return true;
}

void test__skip(void)
{
	printf("  %-20s skipped\n", current ?: "(all)");
	current = NULL;
	nr_skipped++;
}

int write_sysctl(const char *sysctl, const char *value)
{
	int fd = open(sysctl, O_WRONLY), err;

	if (fd < 0)
		return -errno;
	err = write(fd, value, strlen(value)) < 0 ? -errno : 0;
	close(fd);
	return err;
}

static void run_all(const char *name, void (*fn)(void))
{
	struct timespec a, b;

	printf("%s:\n", name);
	clock_gettime(CLOCK_MONOTONIC, &a);
	fn();
	end_subtest();
	clock_gettime(CLOCK_MONOTONIC, &b);
	printf("  (%ld ms)\n", (b.tv_sec - a.tv_sec) * 1000 + (b.tv_nsec - a.tv_nsec) / 1000000);
}

/* Where the kernel has kmemleak: what nothing points to any more. Two scans, since the first may find what is in flight. */
static void report_leaks(void)
{
	static const char path[] = "/sys/kernel/debug/kmemleak";
	char buf[4096];
	int fd, n, i;

	if (write_sysctl(path, "scan") == -ENOENT)
		return;
	for (i = 0; i < 2; i++) {
		sleep(6);
		write_sysctl(path, "scan");
	}
	fd = open(path, O_RDONLY);
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		fwrite(buf, 1, n, stdout);
	close(fd);
	printf("kmemleak: scanned\n");
}

/* A warning of the kernel, a real one where it offers that, for whoever reads the console. */
static void complain(void)
{
	if (write_sysctl("/sys/kernel/debug/provoke-crash/DIRECT", "WARNING"))
		ASSERT_OK(write_sysctl("/dev/kmsg", "<4>WARNING: made up\n"), "kmsg");
}

static int quiet(enum libbpf_print_level level, const char *fmt, va_list args)
{
	return 0;
}

int main(void)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	mkdir("/proc", 0755);
	mkdir("/sys", 0755);
	mount("proc", "/proc", "proc", 0, NULL);
	mount("sysfs", "/sys", "sysfs", 0, NULL);
	mount("dev", "/dev", "devtmpfs", 0, NULL);
	mount("debugfs", "/sys/kernel/debug", "debugfs", 0, NULL);
	libbpf_set_print(quiet);
	write_sysctl("/proc/sys/kernel/unprivileged_bpf_disabled", "0");

	/* the kernel passes what it does not know of its command line */
	if (getenv("complain")) {
		complain();
	} else {
		run_all("static_branches", serial_test_static_branches);
		run_all("static_branches_blinded", serial_test_static_branches_blinded);
		run_all("static_branches_interpreted", serial_test_static_branches_interpreted);

		run_all("faults", test_faults);
		report_leaks();
	}

	printf("subtests %d, skipped %d, checks %d, failed %d\n", nr_subtests, nr_skipped, nr_checked, nr_failed);
	printf(nr_failed ? "RESULT: FAILED\n" : "RESULT: OK\n");
	sleep(1);
	reboot(RB_POWER_OFF);
	return 0;
}
