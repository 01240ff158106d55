# SPDX-License-Identifier: MIT
#
# make            the library and the tool, below build/
# make help       everything else

VERSION := $(shell cat VERSION)
SONAME  := libkucomms.so.2

# make SANITIZE=address,undefined builds into a directory of its own.
BUILD := build$(if $(SANITIZE),/$(if $(findstring thread,$(SANITIZE)),tsan,asan))

PREFIX       ?= /usr/local
BINDIR       ?= $(PREFIX)/bin
LIBDIR       ?= $(PREFIX)/lib
INCLUDEDIR   ?= $(PREFIX)/include
MANDIR       ?= $(PREFIX)/share/man
UDEVRULESDIR ?= $(PREFIX)/lib/udev/rules.d
SYSUSERSDIR  ?= $(PREFIX)/lib/sysusers.d
COMPLETIONSDIR ?= $(PREFIX)/share/bash-completion/completions
EXAMPLESDIR  ?= $(PREFIX)/share/doc/kucomms-examples/examples
# DKMS looks nowhere else.
DKMSDIR      := /usr/src/kucomms-$(VERSION)
ROUTE_DKMSDIR := /usr/src/kucomms-route-$(VERSION)

INSTALL    ?= install
PKG_CONFIG ?= pkg-config
CFLAGS     ?= -O2 -g
CXXFLAGS   ?= -O2 -g
WARNINGS   := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	      -Wpointer-arith -Wwrite-strings
CXX_WARNINGS := -Wall -Wextra -Wshadow -Wconversion -pedantic
SANITIZERS := $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-omit-frame-pointer)
# GCC warns that ThreadSanitizer does not know fences. None of them orders data
# here: messages are published by release and acquire, fences only keep wake-ups
# from being lost.
SANITIZERS += $(if $(findstring thread,$(SANITIZE)),-Wno-tsan)

compile = $(CC) -std=gnu11 -D_FILE_OFFSET_BITS=64 -Iinclude $(WARNINGS) $(SANITIZERS) \
	  -MMD -MP $(CPPFLAGS) $(CFLAGS)
compile_cxx = $(CXX) -std=c++17 -D_FILE_OFFSET_BITS=64 -Iinclude $(CXX_WARNINGS) $(SANITIZERS) \
	  -MMD -MP $(CPPFLAGS) $(CXXFLAGS)
link    = $(CC) $(SANITIZERS) $(CFLAGS) $(LDFLAGS)

# Some compilers for 32 bits leave atomic accesses to 64 bits to libatomic.
LIBATOMIC = $(shell echo 'struct { int a; long long b; } s; int main(void)' \
	    '{ return (int)__atomic_load_n(&s.b, __ATOMIC_SEQ_CST); }' | \
	    $(CC) $(CFLAGS) $(LDFLAGS) -x c -o /dev/null - 2>/dev/null || echo -latomic)
# What programs need beside libkucomms.a.
LIBS      = -lpthread $(LIBATOMIC)

.DELETE_ON_ERROR:

all: lib tools ## the library and the tool (the default)

help: ## this list
	@sed -nE 's/^([a-z-]+):.*## (.*)/\1\t\2/p' Makefile | expand -t 20

# Everything that builds waits for this; see scripts/check-version.
check-version:
	@scripts/check-version

# ---- library: shared and static are made of the same, position-independent objects

LIB_OBJECTS := $(patsubst lib/%.c,$(BUILD)/obj/lib/%.o,$(wildcard lib/*.c))

lib: $(BUILD)/lib/libkucomms.so $(BUILD)/lib/libkucomms.a ## libkucomms, shared and static

$(BUILD)/obj/lib/%.o: lib/%.c | check-version
	@mkdir -p $(@D)
	$(compile) -fPIC -fvisibility=hidden -c -o $@ $<

$(BUILD)/lib/$(SONAME): $(LIB_OBJECTS) lib/libkucomms.map | check-version
	@mkdir -p $(@D)
	$(link) -shared -Wl,-soname,$(SONAME) $(if $(SANITIZE),,-Wl,-z,defs) \
		-Wl,--version-script,lib/libkucomms.map -o $@ $(LIB_OBJECTS) $(LIBS)

$(BUILD)/lib/libkucomms.so: $(BUILD)/lib/$(SONAME)
	ln -sf $(SONAME) $@

$(BUILD)/lib/libkucomms.a: $(LIB_OBJECTS) | check-version
	@mkdir -p $(@D)
	rm -f $@
	$(AR) rcs $@ $(LIB_OBJECTS)

# ---- tool

TOOL_OBJECTS   := $(patsubst tools/%.c,$(BUILD)/obj/tools/%.o,$(wildcard tools/*.c))
TOOL_LIBRARIES := libudev json-c

tools: $(BUILD)/tools/kucommsctl ## kucommsctl

$(BUILD)/obj/tools/%.o: tools/%.c | check-version
	@mkdir -p $(@D)
	$(compile) $(shell $(PKG_CONFIG) --cflags $(TOOL_LIBRARIES)) -c -o $@ $<

$(BUILD)/tools/kucommsctl: $(TOOL_OBJECTS) $(BUILD)/lib/libkucomms.so
	@mkdir -p $(@D)
	$(link) -o $@ $(TOOL_OBJECTS) -L$(BUILD)/lib -lkucomms \
		$(shell $(PKG_CONFIG) --libs $(TOOL_LIBRARIES))

-include $(LIB_OBJECTS:.o=.d) $(TOOL_OBJECTS:.o=.d)

# ---- kernel module: built in a copy, because kbuild writes beside the sources

# The running kernel's headers or, where it has none (containers, build
# machines), the newest that are installed.
KDIR ?= $(or $(wildcard /lib/modules/$(shell uname -r)/build), \
	     $(shell ls -d /lib/modules/*/build 2>/dev/null | sort -V | tail -n 1))

DKMS_FILES := dkms.conf Kbuild VERSION scripts/dkms-keep-symvers \
	      $(shell find src include -name '*.[ch]')

module: check-version ## kucomms.ko and kucomms_netlink.ko, for the kernel whose headers are in KDIR
	@test -e "$(KDIR)/Makefile" || { echo \
		"make: no kernel headers in '$(KDIR)': install linux-headers-$$(uname -r)," \
		"or say where they are: make module KDIR=..." >&2; exit 1; }
	@mkdir -p build/module
	@cp -ru Kbuild VERSION src include build/module/
	$(MAKE) -C $(KDIR) M=$(CURDIR)/build/module modules

# ---- examples: those with a Kbuild have a kernel module, too

EXAMPLES := $(addprefix examples/,echo/echo dictionary/process dictionary/client \
	      dictionary/test route-manager/process route-manager/test hub/hub hub/member \
	      epoll/talk cpp-echo/cpp-echo sensor/sensor tally/process tally/client)

examples: module example-programs ## the examples, applications and modules
	@set -e; for example in $(patsubst %/Kbuild,%,$(wildcard examples/*/Kbuild)); do \
		cp -ru $$example/. build/$$example/; \
		$(MAKE) -C $(KDIR) M=$(CURDIR)/build/$$example \
			KCFLAGS=-I$(CURDIR)/include \
			KBUILD_EXTRA_SYMBOLS=$(CURDIR)/build/module/Module.symvers modules; \
	done

ROUTE_TOOL := $(BUILD)/examples/route-manager/kucomms-route

example-programs: $(EXAMPLES:%=$(BUILD)/%) $(ROUTE_TOOL)

route-tool: $(ROUTE_TOOL) ## kucomms-route, which is installed with the examples

# The handlers that are a kernel module elsewhere.
$(BUILD)/examples/dictionary/process: examples/dictionary/dictionary.c
$(BUILD)/examples/tally/process: examples/tally/tally.c
$(BUILD)/examples/route-manager/process: $(patsubst %,examples/route-manager/%.c, \
	manager request filter table trie walk)

$(BUILD)/examples/%: examples/%.c $(BUILD)/lib/libkucomms.so
	@mkdir -p $(@D)
	$(compile) -o $@ $(filter %.c,$^) $(LDFLAGS) -L$(BUILD)/lib -lkucomms -lpthread

ROUTE_TOOL_OBJECTS := $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard examples/route-manager/tool/*.c))

$(BUILD)/obj/examples/route-manager/tool/%.o: examples/route-manager/tool/%.c | check-version
	@mkdir -p $(@D)
	$(compile) $(shell $(PKG_CONFIG) --cflags json-c) -c -o $@ $<

$(ROUTE_TOOL): $(ROUTE_TOOL_OBJECTS) $(BUILD)/lib/libkucomms.so
	@mkdir -p $(@D)
	$(link) -o $@ $(ROUTE_TOOL_OBJECTS) -L$(BUILD)/lib -lkucomms \
		$(shell $(PKG_CONFIG) --libs json-c) -lpthread

-include $(wildcard $(BUILD)/examples/*/*.d) $(ROUTE_TOOL_OBJECTS:.o=.d)

$(BUILD)/examples/%: examples/%.cc $(BUILD)/lib/libkucomms.so
	@mkdir -p $(@D)
	$(compile_cxx) -o $@ $< $(LDFLAGS) -L$(BUILD)/lib -lkucomms

# ---- installation: in pieces, from which the packages choose

PIECES := lib dev tools man udev dkms examples route-dkms

install: $(PIECES:%=install-%) ## all of it, into DESTDIR and PREFIX
uninstall: $(PIECES:%=uninstall-%) ## the reverse

# Applications need no module.h: it is for the kernel.
HEADERS   := $(filter-out %/module.h,$(wildcard include/kucomms/*.h*))
CPP_PARTS := $(wildcard include/kucomms/cpp/*.hpp)
MAN_PAGES := $(wildcard man/*.[1-9])
# ALIAS/PAGE for each further function in the NAME section of a page.
MAN_ALIASES = $(shell awk '/^\.Sh/ { names = $$2 == "NAME" } \
	names && /^\.Nm kucomms_/ && FILENAME != "man/" $$2 ".3" { print $$2 "/" substr(FILENAME, 5) }' man/*.3)

install-lib: lib
	$(INSTALL) -d $(DESTDIR)$(LIBDIR)
	$(INSTALL) -m 644 $(BUILD)/lib/$(SONAME) $(DESTDIR)$(LIBDIR)

uninstall-lib:
	rm -f $(DESTDIR)$(LIBDIR)/$(SONAME)

install-dev: lib
	$(INSTALL) -d $(DESTDIR)$(LIBDIR)/pkgconfig $(DESTDIR)$(INCLUDEDIR)/kucomms/cpp
	$(INSTALL) -m 644 $(HEADERS) $(DESTDIR)$(INCLUDEDIR)/kucomms
	$(INSTALL) -m 644 $(CPP_PARTS) $(DESTDIR)$(INCLUDEDIR)/kucomms/cpp
	$(INSTALL) -m 644 $(BUILD)/lib/libkucomms.a $(DESTDIR)$(LIBDIR)
	ln -sf $(SONAME) $(DESTDIR)$(LIBDIR)/libkucomms.so
	sed -e 's,@PREFIX@,$(PREFIX),' -e 's,@LIBDIR@,$(LIBDIR),' \
		-e 's,@INCLUDEDIR@,$(INCLUDEDIR),' -e 's,@VERSION@,$(VERSION),' \
		-e 's,@LIBS@,$(LIBS),' lib/kucomms.pc.in >$(DESTDIR)$(LIBDIR)/pkgconfig/kucomms.pc

uninstall-dev:
	rm -f $(patsubst include/%,$(DESTDIR)$(INCLUDEDIR)/%,$(HEADERS) $(CPP_PARTS))
	[ ! -d $(DESTDIR)$(INCLUDEDIR)/kucomms ] || \
		rmdir $(DESTDIR)$(INCLUDEDIR)/kucomms/cpp $(DESTDIR)$(INCLUDEDIR)/kucomms
	rm -f $(DESTDIR)$(LIBDIR)/libkucomms.a $(DESTDIR)$(LIBDIR)/libkucomms.so \
		$(DESTDIR)$(LIBDIR)/pkgconfig/kucomms.pc

install-tools: tools
	$(INSTALL) -d $(DESTDIR)$(BINDIR)
	$(INSTALL) $(BUILD)/tools/kucommsctl $(DESTDIR)$(BINDIR)
	$(INSTALL) -D -m 644 tools/kucommsctl.bash-completion $(DESTDIR)$(COMPLETIONSDIR)/kucommsctl

uninstall-tools:
	rm -f $(DESTDIR)$(BINDIR)/kucommsctl $(DESTDIR)$(COMPLETIONSDIR)/kucommsctl

install-man:
	$(foreach page,$(MAN_PAGES),$(INSTALL) -D -m 644 $(page) \
		$(DESTDIR)$(MANDIR)/man$(subst .,,$(suffix $(page)))/$(notdir $(page));)
	$(foreach alias,$(MAN_ALIASES),ln -sf $(notdir $(alias)) \
		$(DESTDIR)$(MANDIR)/man3/$(patsubst %/,%,$(dir $(alias))).3;)

uninstall-man:
	rm -f $(foreach page,$(MAN_PAGES), \
		$(DESTDIR)$(MANDIR)/man$(subst .,,$(suffix $(page)))/$(notdir $(page))) \
		$(foreach alias,$(MAN_ALIASES), \
		$(DESTDIR)$(MANDIR)/man3/$(patsubst %/,%,$(dir $(alias))).3)

install-udev:
	$(INSTALL) -D -m 644 udev/70-kucomms.rules $(DESTDIR)$(UDEVRULESDIR)/70-kucomms.rules
	$(INSTALL) -D -m 644 udev/kucomms.sysusers $(DESTDIR)$(SYSUSERSDIR)/kucomms.conf
	$(INSTALL) -d $(DESTDIR)/etc/kucomms/devices.d

# What the administrator has put into /etc/kucomms stays.
uninstall-udev:
	rm -f $(DESTDIR)$(UDEVRULESDIR)/70-kucomms.rules $(DESTDIR)$(SYSUSERSDIR)/kucomms.conf
	-[ ! -d $(DESTDIR)/etc/kucomms ] || \
		rmdir $(DESTDIR)/etc/kucomms/devices.d $(DESTDIR)/etc/kucomms

# install_sources DIRECTORY FILES TARGET: as they are below DIRECTORY, whatever the umask.
define install_sources
$(INSTALL) -d $(DESTDIR)$(3)
cd $(1) && cp --parents $(2) $(DESTDIR)$(3)
find $(DESTDIR)$(3) -type d -exec chmod 755 {} +
find $(DESTDIR)$(3) -type f -exec chmod u=rwX,go=rX {} +
endef

# The sources only; `dkms install kucomms/VERSION` comes next.
install-dkms: check-version
	$(call install_sources,.,$(DKMS_FILES),$(DKMSDIR))

uninstall-dkms:
	rm -rf $(DESTDIR)$(DKMSDIR)

# To be read, copied and built, with the documents for authors of modules; and
# the one that is a tool. Links of the documents to ../examples work there, too.
EXAMPLE_FILES := $(patsubst examples/%,%,$(shell find examples -type f \( -name '*.[ch]' \
	-o -name '*.cc' -o -name sensor.py -o -name '*.md' -o -name Makefile -o -name Kbuild -o -name dkms.conf \
	-o -name '*.service' -o -name test.sh \) \
	! -name '*.mod.c'))

install-examples: route-tool
	$(INSTALL) -D $(ROUTE_TOOL) $(DESTDIR)$(BINDIR)/kucomms-route
	$(call install_sources,examples,$(EXAMPLE_FILES),$(EXAMPLESDIR))
	$(call install_sources,docs,tutorial.md dkms-modules.md porting.md,$(EXAMPLESDIR))

uninstall-examples:
	rm -f $(DESTDIR)$(BINDIR)/kucomms-route
	rm -rf $(DESTDIR)$(EXAMPLESDIR)

# Its module for DKMS, without what is for processes.
install-route-dkms: check-version
	$(call install_sources,examples/route-manager,dkms.conf Kbuild $(patsubst \
		examples/route-manager/%,%,$(filter-out %/process.c %/test.c %.mod.c, \
		$(wildcard examples/route-manager/*.[ch]))),$(ROUTE_DKMSDIR))

uninstall-route-dkms:
	rm -rf $(DESTDIR)$(ROUTE_DKMSDIR)

# ---- packages: built in copies below build/, so that the tree stays clean

TARBALL := build/kucomms-$(VERSION).tar.gz

dist: check-version ## a tarball of the sources in build/
	@mkdir -p build
	tar -czf $(TARBALL) --sort=name --owner=root:0 --group=root:0 \
		--exclude-vcs --exclude=./build --exclude='*.swp' \
		--transform='s,^\.,kucomms-$(VERSION),' .

deb: dist ## Debian packages in build/deb
	rm -rf build/deb
	mkdir -p build/deb
	tar -xf $(TARBALL) -C build/deb
	cd build/deb/kucomms-$(VERSION) && dpkg-buildpackage -us -uc -b
	rm -r build/deb/kucomms-$(VERSION)

# On a Debian machine the rpm database is empty: it cannot say what is installed.
rpm: dist ## RPM packages in build/rpm/RPMS
	rm -rf build/rpm
	mkdir -p build/rpm/SOURCES
	cp $(TARBALL) build/rpm/SOURCES
	rpmbuild -bb $(if $(wildcard /etc/debian_version),--nodeps) \
		--define '_topdir $(CURDIR)/build/rpm' rpm/kucomms.spec

# ---- tests; those that need no privileges first

# Those that take long are `make check-user`'s.
LONG_TESTS   := $(addprefix tests/lib/,handshake fuzz sleepers churn stream rates)
UNIT_TESTS   := $(filter-out $(LONG_TESTS),$(basename $(wildcard tests/ring/*.c tests/lib/*.c \
		tests/lib/*.cc tests/tool/*.c) tests/examples/route-table.c))
# The other scripts are for a guest: tests/vm/guest.sh.
UNIT_SCRIPTS  = $(shell grep -L '^\. guest.sh' $(wildcard tests/ring/*.sh tests/lib/*.sh tests/tool/*.sh \
		tests/examples/*.sh tests/packages/*.sh tests/mutations/*.sh))
CMOCKA       ?= -lcmocka

# Builds of tests use all processors, also if `make` was not asked to.
JOBS = $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc))

check-unit: ## unit tests, plain and with sanitizers, as TAP; no root, three minutes
	@$(MAKE) $(JOBS) --no-print-directory unit-tests >&2
	@$(MAKE) $(JOBS) --no-print-directory unit-tests SANITIZE=address,undefined >&2
	@scripts/run-unit-tests $(UNIT_TESTS:%=build/%) $(UNIT_TESTS:%=build/asan/%) $(UNIT_SCRIPTS)

check-unit-plain: unit-tests
	@scripts/run-unit-tests $(UNIT_TESTS:%=build/%)

unit-tests: $(UNIT_TESTS:%=$(BUILD)/%)

$(BUILD)/tests/%: tests/%.c $(BUILD)/lib/libkucomms.a
	@mkdir -p $(@D)
	$(compile) -o $@ $< $(LDFLAGS) $(BUILD)/lib/libkucomms.a $(CMOCKA) $(LIBS)

$(BUILD)/tests/%: tests/%.cc $(BUILD)/lib/libkucomms.a
	@mkdir -p $(@D)
	$(compile_cxx) -o $@ $< $(LDFLAGS) $(BUILD)/lib/libkucomms.a $(LIBS)

-include $(UNIT_TESTS:%=$(BUILD)/%.d) $(LONG_TESTS:%=$(BUILD)/%.d)

check-user: ## promises that take long to keep, hostile peers, sanitizers, valgrind; no root, eight minutes
	@$(MAKE) $(JOBS) --no-print-directory user-tests >&2
	@$(MAKE) $(JOBS) --no-print-directory user-tests SANITIZE=address,undefined >&2
	@$(MAKE) $(JOBS) --no-print-directory user-tests SANITIZE=thread >&2
	@tests/lib/run-long

user-tests: $(LONG_TESTS:%=$(BUILD)/%) \
	    $(addprefix $(BUILD)/,$(filter-out %/cpp-channel %/cpp-endpoint,$(filter tests/lib/%,$(UNIT_TESTS))))

# It has a clock of its own, by which a minute passes at once.
$(BUILD)/tests/lib/rates: LDFLAGS += -Wl,--wrap=clock_gettime,--wrap=timerfd_settime,--wrap=epoll_wait,--wrap=poll

# It asks a route manager for much, in a guest or here.
ROUTES_OBJECTS := $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard tests/examples/routes/*.c))

$(BUILD)/tests/examples/routes/routes: $(ROUTES_OBJECTS) $(BUILD)/lib/libkucomms.a
	@mkdir -p $(@D)
	$(link) -o $@ $^ -lmnl -lpthread

$(BUILD)/obj/tests/examples/routes/%.o: tests/examples/routes/%.c | check-version
	@mkdir -p $(@D)
	$(compile) -D_GNU_SOURCE -c -o $@ $<

-include $(ROUTES_OBJECTS:.o=.d)

check-proofs: ## the ring's memory orders, simulated on weak memory models; no root, seconds after the first time
	tests/run proofs

style: ## shellcheck, codespell, layers, man pages, documents, licence lines, checkpatch
	scripts/check-style

check-packages: ## build the packages, look into them, install them in a chroot; root
	tests/run packages

check-fast: ## the module in a minimal virtual machine; seven minutes
	tests/run fast

check-routes: ## the route manager with as many routes as the Internet has, in a virtual machine; four minutes
	tests/run routes

check-vm: ## everything that runs in virtual machines; root
	tests/run harness fast routes full

check-debug: ## the module on a kernel with KASAN, lockdep, UBSAN, kmemleak; builds that once
	tests/run deps debug

# Runs a command as on a machine that lacks something.
build/tests/without: tests/without.c
	@mkdir -p $(@D)
	$(compile) -o $@ $<

check: ## everything, after installing what it needs; with LOADED=1 beside busy loops; root on Debian 12
	LOADED=$(LOADED) tests/run

# ---- benchmarks

BENCH_OBJECTS := $(patsubst bench/%.c,build/bench/obj/%.o,$(filter-out \
	%.bpf.c,$(wildcard bench/*.c)))

bench-programs: module build/bench/bench ## the benchmark, and its kernel modules for KDIR
	@cp -ru bench/kmod build/bench/
	$(MAKE) -C $(KDIR) M=$(CURDIR)/build/bench/kmod KCFLAGS=-I$(CURDIR)/include \
		KBUILD_EXTRA_SYMBOLS=$(CURDIR)/build/module/Module.symvers modules

build/bench/bench: $(BENCH_OBJECTS) $(BUILD)/lib/libkucomms.a
	$(link) -o $@ $^ -lmnl -lbpf -lpthread

build/bench/obj/%.o: bench/%.c | check-version
	@mkdir -p $(@D)
	$(compile) -D_GNU_SOURCE -c -o $@ $<

build/bench/obj/bpf_ringbuf.bpf.o: bench/bpf_ringbuf.bpf.c bench/bpf_ringbuf.h
	@mkdir -p $(@D)
	clang -target bpf -O2 -g -I$(shell $(CC) -print-multiarch | sed s,^,/usr/include/,) -c -o $@ $<

# Its bytes are part of the program; where the assembler finds them.
build/bench/obj/bpf_ringbuf.o: build/bench/obj/bpf_ringbuf.bpf.o
build/bench/obj/bpf_ringbuf.o: CPPFLAGS += -Wa,-Ibuild/bench/obj

-include $(BENCH_OBJECTS:.o=.d)

# User space only: any machine will do. Subjects whose libraries are missing say so.
NATIVE_OBJECTS := $(patsubst bench/%,build/bench/obj/%.o,$(basename \
	$(wildcard bench/native/*.c bench/native/*.cc)))
NATIVE_LIBRARIES = $(foreach library,ck libdpdk libzmq, \
	$(shell $(PKG_CONFIG) --exists $(library) && echo $(library)))

build/bench/bench-native: $(NATIVE_OBJECTS) $(BUILD)/lib/libkucomms.a
	$(CXX) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lrt -lpthread \
		$(if $(filter libzmq,$(NATIVE_LIBRARIES)),-lzmq) \
		$(if $(filter libdpdk,$(NATIVE_LIBRARIES)),-lrte_ring -lrte_eal)

build/bench/obj/%.o: bench/%.cc | check-version
	@mkdir -p $(@D)
	$(CXX) -std=gnu++20 -Iinclude -Wall -Wextra -Wno-missing-field-initializers \
		-MMD -MP $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

# DPDK's headers are for a certain configuration and processor.
build/bench/obj/native/rte_ring.o: CPPFLAGS += \
	$(if $(filter libdpdk,$(NATIVE_LIBRARIES)),$(patsubst \
	-I%,-isystem %,$(shell $(PKG_CONFIG) --cflags libdpdk)))

-include $(NATIVE_OBJECTS:.o=.d)

bench: ## what messages cost beside all else, in a virtual machine; tables, build/bench/vm.json, plots
	scripts/install-deps bench
	bench/vm-report $(if $(QUICK),--quick)

bench-routes: ## what the route manager's routes cost over each transport, in a virtual machine; build/bench/routes.json, plot
	scripts/install-deps
	bench/vm-routes

bench-native: ## what they cost between processes and threads, beside all else; build/bench/native.json, plots
	scripts/install-deps bench
	$(MAKE) --no-print-directory build/bench/bench-native
	bench/run-native $(if $(QUICK),--quick)

demo: ## the user's story in a virtual machine, from packages to messages; root
	@tests/vm/demo

clean: ## remove build/
	rm -rf build

.PHONY: all help check-version lib tools module examples example-programs route-tool dist deb rpm clean \
	install uninstall $(PIECES:%=install-%) $(PIECES:%=uninstall-%) \
	unit-tests user-tests check-user style demo check check-unit check-unit-plain check-proofs check-packages \
	check-fast check-routes check-debug check-vm bench bench-routes bench-native bench-programs
