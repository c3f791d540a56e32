# SPDX-License-Identifier: Apache-2.0
#
#   make          build keyctl and flowmon (release)
#   make test     install what is missing, build, lint and run all tests
#   make demo     flip the keys of a running program while packets flow
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

PACKAGES := clang-14 clang-19 llvm-14 llvm-19 bpftool libbpf-dev libelf-dev linux-libc-dev zlib1g-dev pkg-config \
	iproute2 iputils-ping util-linux
EXAMPLES := $(patsubst %.bpf.c,%.bpf.o,$(wildcard Examples/*.bpf.c))
HEADER := include/static_key.bpf.h
# The patch engine's suite needs a kernel with kernel-patches: it is for guests (Tests/vm/run), not for this machine.
ON_THIS_KERNEL := --filter KernelTests --skip KernelTests.Patch --no-parallel
OPTIMIZED := -c release -Xswiftc -enable-testing

build:
	$(SWIFT) build -c release --product keyctl
	$(SWIFT) build -c release --product flowmon

# apt-get runs only if a package is missing: without network, a machine that has them all goes on.
deps:
	@missing=; for package in $(PACKAGES); do \
		dpkg-query -W -f='$${Status}' $$package 2>/dev/null | grep -q 'ok installed' || missing+=" $$package"; \
	done; \
	if [ -n "$$missing" ]; then \
		echo "installing$$missing"; \
		$(SUDO) apt-get update -q && \
		$(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $$missing; \
	fi

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
test: deps bpffs
	$(MAKE) fixtures examples
	$(SWIFT) build --build-tests
	$(MAKE) lint
	$(SWIFT) test --skip-build --skip KernelTests
	$(AS_ROOT) $(SWIFT) test --skip-build $(ON_THIS_KERNEL)
	$(SWIFT) build $(OPTIMIZED) --build-tests
	$(AS_ROOT) $(SWIFT) test $(OPTIMIZED) --skip-build $(ON_THIS_KERNEL)

demo: deps
	$(MAKE) build examples
	BIN="$$($(SWIFT) build -c release --show-bin-path)" Examples/demo.sh

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
.PHONY: build deps fixtures examples bpffs lint test demo install clean
