# SPDX-License-Identifier: Apache-2.0
#
#   make          build keyctl and flowmon (release)
#   make test     install what is missing, build, lint and run all tests, here and in guests
#   make soak     the long tests at their full length: traffic, kills, writers, memory, an error at each kernel call;
#                 traffic also by the engine patch, in a guest; each prints its figures
#   make vm-test  run the kernel tests in guests with other kernels, our own among them (a part of `make test`)
#   make selftest the kernel series' own selftest, all of it, in a guest with our own kernel
#   make selftest-debug   the same on a kernel with KASAN, lockdep, PROVE_RCU, kmemleak and fault injection
#   make selftest-arm64   the same on an arm64 kernel, cross-built
#   make figures  what a flip costs by either engine, measured in a guest with our own kernel
#   make kernel   build that kernel: Debian's 6.12 with kernel-patches
#   make demo     flip the keys of a running program while packets flow
#   make demo-endpoints   many programs of one template, each with its own constants, flipped with one command
#   make bench-endpoints  what such a flip takes against compiling and against loading each program anew
#   make install  PREFIX=/usr/local DESTDIR= BINNAME=bpf-keyctl
#
# Root's part of test and demo goes through sudo where the user is not root.

# Debian keeps bpftool, ip and tc where only root's PATH looks.
export PATH := $(PATH):/usr/sbin:/sbin
SHELL := /bin/bash
SUDO := $(if $(filter-out 0,$(shell id -u)),sudo)
AS_ROOT := $(if $(SUDO),sudo env "PATH=$$PATH" CI="$$CI" STATICKEYS_WERROR="$$STATICKEYS_WERROR")

PREFIX ?= /usr/local
BINNAME ?= bpf-keyctl
CLANG ?= clang-19
SWIFT ?= swift
INSTALL ?= install

PACKAGES := clang-14 clang-19 llvm-14 llvm-19 bpftool libbpf-dev libelf-dev libmnl-dev linux-libc-dev zlib1g-dev \
	pkg-config iproute2 iputils-ping util-linux strace xdp-tools
VM_PACKAGES := qemu-system-x86 busybox-static cpio jq kmod xz-utils patch flex bison bc libelf-dev zlib1g-dev libssl-dev dwarves
ARM64_PACKAGES := $(VM_PACKAGES) gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-system-arm
EXAMPLES := $(patsubst %.bpf.c,%.bpf.o,$(wildcard Examples/*.bpf.c Examples/*/*.bpf.c))
HEADER := include/static_key.bpf.h
ON_THIS_KERNEL := --filter KernelTests --no-parallel
OPTIMIZED := -c release -Xswiftc -enable-testing
IN_GUESTS := Tests/vm/self-test && Tests/vm/run && Tests/vm/series

build:
	$(SWIFT) build -c release --product keyctl
	$(SWIFT) build -c release --product flowmon

# apt-get runs only if a package is missing: without network, a machine that has them all goes on.
vm-deps: PACKAGES := $(VM_PACKAGES)
arm64-deps: PACKAGES := $(ARM64_PACKAGES)
deps vm-deps arm64-deps:
	@missing=; for package in $(PACKAGES); do \
		dpkg-query -W -f='$${Status}' $$package 2>/dev/null | grep -q 'ok installed' || missing+=" $$package"; \
	done; \
	if [ -n "$$missing" ]; then \
		echo "installing$$missing"; \
		$(SUDO) apt-get update -q && \
		$(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $$missing; \
	fi

# The guests' kernels are looked for in apt's lists, which a machine that has all packages may lack.
vm-deps arm64-deps: package-lists
package-lists:
	@apt-cache show linux-source-6.12 >/dev/null 2>&1 || $(SUDO) apt-get update -q

fixtures:
	$(MAKE) -C Tests/Fixtures

examples: $(EXAMPLES)

%.bpf.o: %.bpf.c $(HEADER)
	$(CLANG) --target=bpf -g -O2 -std=gnu11 -Wall -Wextra -Werror \
		-Iinclude -idirafter /usr/include/$(shell uname -m)-linux-gnu -c $< -o $@

bpffs:
	@mountpoint -q /sys/fs/bpf || $(SUDO) mount -t bpf bpf /sys/fs/bpf

lint:
	$(SWIFT) format lint -s -r Sources Tests Examples Package.swift

# The kernel tests count the machine's BPF objects: they run by themselves, one after the other. They run optimized too,
# as the command is installed: the optimizer ends the life of an object, and with it a descriptor's, as early as it may.
test: export STATICKEYS_WERROR := 1
test: deps vm-deps bpffs
	$(MAKE) fixtures examples
	$(SWIFT) build --build-tests
	$(MAKE) lint
	Tests/checked $(SWIFT) test --skip-build --skip KernelTests
	$(AS_ROOT) Tests/checked $(SWIFT) test --skip-build $(ON_THIS_KERNEL)
	$(SWIFT) build $(OPTIMIZED) --build-tests
	$(AS_ROOT) Tests/checked $(SWIFT) test $(OPTIMIZED) --skip-build $(ON_THIS_KERNEL)
	$(IN_GUESTS)

# The same tests run in `make test` for a moment each.
soak: export STATICKEYS_SOAK := 1
soak: deps vm-deps bpffs
	$(MAKE) fixtures
	$(SWIFT) build $(OPTIMIZED) --build-tests
	$(AS_ROOT) env STATICKEYS_SOAK=1 Tests/checked $(SWIFT) test $(OPTIMIZED) --skip-build --no-parallel \
		--filter 'KernelTests.Soak|KernelTests.ForcedErrors|KernelTests.Upgrades/everyCall'
	Tests/vm/run -k patched -e patch -t 5400 -f 'KernelTests.SoakTraffic/'
	@grep -a '^soak:' .vm/consoles/patched.patch.log

kernel: vm-deps
	Tests/vm/build-kernel

# Guests test the optimized build alone: this machine's run has tested both.
vm-test: deps vm-deps
	$(MAKE) fixtures examples
	$(SWIFT) build $(OPTIMIZED) --build-tests
	$(IN_GUESTS)

selftest: vm-deps
	Tests/vm/series

selftest-debug: vm-deps
	Tests/vm/series debug

selftest-arm64: arm64-deps
	Tests/vm/build-kernel -s .vm/linux-arm64
	kernel-patches/test/run-arm64 .vm/linux-arm64 .vm/build-arm64 3000

figures: deps vm-deps
	$(MAKE) fixtures
	$(SWIFT) build $(OPTIMIZED) --build-tests
	Tests/vm/run -k patched -e patch -f KernelTests.Patch.figures
	@grep -a '^figures:' .vm/consoles/patched.patch.log

demo: deps
	$(MAKE) build examples
	BIN="$$($(SWIFT) build -c release --show-bin-path)" Examples/demo.sh

demo-endpoints: deps bpffs
	$(MAKE) build examples
	BIN="$$($(SWIFT) build -c release --show-bin-path)" Examples/endpoints/demo.sh

bench-endpoints: deps bpffs
	$(MAKE) examples
	$(SWIFT) build -c release --product bench-endpoints
	$(AS_ROOT) env CLANG=$(CLANG) "$$($(SWIFT) build -c release --show-bin-path)/bench-endpoints" \
		Examples/endpoints/endpoint.bpf include

# Never over a file of somebody else: ours say so in their own bytes.
install: build
	@bin="$(DESTDIR)$(PREFIX)/bin/$(BINNAME)"; header="$(DESTDIR)$(PREFIX)/include/static_key.bpf.h"; \
	stop() { echo "make install: $$1" >&2; exit 1; }; \
	other="$$(command -v "$(BINNAME)")"; \
	if [ "$(BINNAME)" = keyctl ] && [ -n "$$other" ] && "$$other" --version 2>&1 | grep -q keyutils; then \
		stop "$$other belongs to keyutils; leave BINNAME as bpf-keyctl"; \
	fi; \
	if [ -e "$$bin" ] && ! grep -aq StaticKeysError "$$bin"; then \
		stop "$$bin is not ours; choose another BINNAME or PREFIX"; \
	fi; \
	if [ -e "$$header" ] && ! grep -q __STATIC_KEY_BPF_H "$$header"; then \
		stop "$$header is not ours; choose another PREFIX"; \
	fi; \
	$(INSTALL) -D -m 755 "$$($(SWIFT) build -c release --show-bin-path)/keyctl" "$$bin" && \
	$(INSTALL) -D -m 644 $(HEADER) "$$header" && \
	echo "installed $$bin and $$header"

clean:
	$(SWIFT) package clean
	$(MAKE) -C Tests/Fixtures clean
	rm -f $(EXAMPLES)

.DELETE_ON_ERROR:
.PHONY: build deps vm-deps arm64-deps package-lists selftest selftest-debug selftest-arm64 fixtures examples bpffs lint test soak kernel vm-test figures demo demo-endpoints bench-endpoints install clean
