# SPDX-License-Identifier: GPL-2.0
#
# `make help` explains the targets.  The module itself is described by Kbuild.

MAKEFLAGS += --no-print-directory
VM := selftests/vm
# What is built for another machine is in a folder of its own.
BUILD := $(CURDIR)/build$(if $(CROSS_COMPILE),/$(or $(ARCH),$(patsubst %-,%,$(CROSS_COMPILE))))

# Which kernel the module is built for: the headers in KDIR, or one of the
# kernels that the tests use (6.1 6.12 7.3-debug um), fetched into the cache.
KDIR ?= /lib/modules/$(shell uname -r)/build
KERNEL ?= host
ifneq ($(filter-out host 6.1 6.12 7.3-debug um,$(KERNEL)),)
$(error unknown KERNEL=$(KERNEL); host 6.1 6.12 7.3-debug um)
endif

PREFIX ?= /usr/local
DESTDIR ?=
INSTALL_MOD_PATH ?= $(DESTDIR)
MODULE := $(BUILD)/$(KERNEL)/ankus.ko
# Both may be outside of a user's path.  In a folder that only stages a package
# there is no kernel to which the list of modules would belong.
depmod = [ ! -e $(INSTALL_MOD_PATH)/lib/modules/$(1)/modules.order ] || PATH=$$PATH:/sbin:/usr/sbin depmod $(if $(INSTALL_MOD_PATH),-b $(INSTALL_MOD_PATH)) $(1)
module_release = $(shell PATH=$$PATH:/sbin:/usr/sbin modinfo -F vermagic $(MODULE) | cut -d' ' -f1)
module_dir = $(INSTALL_MOD_PATH)/lib/modules/$(module_release)/updates

export KDIR BUILD

.PHONY: all module simnic tool install modules_install uninstall clean \
	regen check-gen style check demo bench vm-build vm-shell vm-run help

all: module tool

help:
	@echo 'Building'
	@echo '  all              module and tool (the default)'
	@echo '  module           the kernel module, build/$$KERNEL/ankus.ko'
	@echo '  tool             the command line tool, build/ankus'
	@echo '  simnic           the test NIC, build/$$KERNEL/simnic.ko'
	@echo '  clean            remove build/; kernels stay in the cache'
	@echo 'Installing (DESTDIR=, PREFIX=/usr/local, INSTALL_MOD_PATH=$$DESTDIR)'
	@echo '  install          the tool, its man pages and completion'
	@echo '  modules_install  the module, below /lib/modules/RELEASE/updates'
	@echo '  uninstall        remove what the two installed'
	@echo 'Checking'
	@echo '  check            the two below, builds, unit tests, and the tests in virtual'
	@echo '                   machines; LANES="build lint bench kunit 6.1 6.12 7.3-debug" runs'
	@echo '                   some of it, TESTS="a.sh b.sh" some of the tests, JOBS=N at a time'
	@echo '  style            checkpatch, clang-format, sparse, shellcheck, layers, tree'
	@echo '  check-gen        are the generated files up to date?'
	@echo '  regen            generate them from Documentation/netlink/specs/ankus.yaml'
	@echo 'Trying'
	@echo '  demo             a storage mesh before and after, in a virtual machine'
	@echo '  bench            what detection costs and how exact it is, beside others;'
	@echo '                   figures in build/bench.json, a plot in build/bench.png'
	@echo '  vm-shell         a shell in a virtual machine with everything loaded'
	@echo '  vm-run CMD=...   one command there'
	@echo '  vm-build         what these two need'
	@echo 'Which kernel'
	@echo '  KDIR=/path       headers to build with; default: the running kernel'"'"'s'
	@echo '  KERNEL=6.12      a test kernel instead: 6.1 6.12 7.3-debug um; fetched or built'
	@echo '                   into the cache, $$ANKUS_CACHE or ~/.cache/ankus'
	@echo 'Another machine: ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu- KDIR=/path/to/its/headers'
	@echo '                   builds in build/arm64'

module:
	@$(VM)/module.sh $(KERNEL) ankus

simnic:
	@$(VM)/module.sh $(KERNEL) simnic

tool:
	@mkdir -p $(BUILD)
	@$(MAKE) -s -C tools O=$(BUILD)

install: tool
	@$(MAKE) -s -C tools O=$(BUILD) DESTDIR=$(DESTDIR) PREFIX=$(PREFIX) install

modules_install: module
	install -D -m 644 $(MODULE) $(module_dir)/ankus.ko
	$(call depmod,$(module_release))

uninstall:
	rm -f $(DESTDIR)$(PREFIX)/sbin/ankus \
		$(patsubst tools/man/%,$(DESTDIR)$(PREFIX)/share/man/man8/%,$(wildcard tools/man/*.8)) \
		$(DESTDIR)$(PREFIX)/share/bash-completion/completions/ankus
	@for f in $(INSTALL_MOD_PATH)/lib/modules/*/updates/ankus.ko; do \
		[ -f "$$f" ] || continue; \
		release=$${f%/updates/*}; release=$${release##*/}; \
		echo "rm $$f"; rm -f "$$f"; \
		$(call depmod,$$release); \
	done

clean:
	rm -rf $(BUILD)

regen:
	@Documentation/netlink/regen.sh

check-gen:
	@Documentation/netlink/regen.sh -c

style:
	@selftests/style.sh

check:
	@selftests/check.sh $(LANES)

# What needs a kernel to boot takes a stock one when none is named.
VM_KERNEL = $(if $(filter host,$(KERNEL)),6.1,$(KERNEL))

vm-build:
	@$(VM)/deps.sh build vm test
	@$(VM)/module.sh $(VM_KERNEL)
	@$(MAKE) tool
	@$(MAKE) -s -C selftests O=$(BUILD)

vm-shell: vm-build
	@$(VM)/run.sh -k $(VM_KERNEL) -i -- $(VM)/shell.sh

vm-run: vm-build
	@$(VM)/run.sh -k $(VM_KERNEL) -- $(VM)/shell.sh '$(subst ','\'',$(CMD))'

demo:
	@$(VM)/deps.sh demo
	@$(VM)/module.sh 6.1
	@$(MAKE) tool
	@selftests/demo/demo.sh

bench:
	@$(VM)/deps.sh bench
	@$(VM)/module.sh 6.1
	@$(MAKE) tool
	@selftests/bench/bench.sh
