# SPDX-License-Identifier: Apache-2.0

# Debian keeps bpftool, ip and tc where only root's PATH looks.
export PATH := $(PATH):/usr/sbin:/sbin

fixtures:
	$(MAKE) -C Tests/Fixtures

.PHONY: fixtures
