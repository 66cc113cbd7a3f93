# Two commands do everything on a fresh machine (Debian 12 with the Swift toolchain): `make report`, `make test`.
SHELL := /bin/bash
.PHONY: all setup setup-tests build report test slurm browser check fuzz validate accuracy claims calibrate manual install clean

packages := pkg-config libopenblas-dev libcminpack-dev libnetcdf-dev nettle-dev
# What tests need besides: a workload manager; a browser that looks at the pages, with the font of the expected pictures;
# PNG and PDF of figures.
test_packages := slurm-wlm munge chromium fonts-dejavu-core librsvg2-bin python3
rooftree := .build/release/rooftree
sudo := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
measurements := notebooks-data/measurements
prefix ?= /usr/local

all: build

# Installs what is missing from Debian's packages; says nothing when all is there.
setup:
	@$(call install_packages,$(packages))

setup-tests:
	@$(call install_packages,$(packages) $(test_packages))

define install_packages
dpkg-query -W -f='$${Status}\n' $(1) 2>/dev/null | grep -c 'install ok installed' | grep -qx $(words $(1)) \
  || { $(sudo) apt-get update && $(sudo) env DEBIAN_FRONTEND=noninteractive \
       apt-get install --yes --no-install-recommends $(1); }
endef

build: setup
	@swift build -c release --static-swift-stdlib --product rooftree

# The main job: a projection beside real measurements.
report: build
	@$(rooftree) report getting-started

# Every test, the format check and the error-text tests.
test: setup-tests check
	@swift build --build-tests
	@SWIFT_BACKTRACE=enable=no swift test --skip-build --disable-xctest 2>&1 | grep -v -E 'started\.$$|Test case passing|^.{1,4}(Test [A-Za-z]+\(|Suite ).*passed after'; \
	  exit $${PIPESTATUS[0]}
	@python3 Tests/Browser/browse.py .build/debug/rooftree .build/gallery/index.html
	@$(MAKE) --no-print-directory slurm

# A sweep on a Slurm of one node, started by hand: killed, submitted again, merged, equal to one run.
slurm: setup
	@$(call install_packages,$(test_packages))
	@swift build --product rooftree
	@$(sudo) env ROOFTREE=.build/debug/rooftree tools/slurm/test.sh

# The pages of a debug build in a headless Chromium; `make browser options=--update` accepts their looks.
browser: setup-tests
	@swift build --build-tests && swift test --skip-build --disable-xctest --filter GalleryTests >/dev/null
	@python3 Tests/Browser/browse.py .build/debug/rooftree .build/gallery/index.html $(options)

check:
	@swift format lint --strict --recursive --parallel Package.swift Sources Tests Benchmarks

# Predicted against measured, every group of every table.
validate: build
	@$(rooftree) validate $(measurements)/h200/*.csv $(measurements)/aiconfigurator/*.csv $(measurements)/upmem/*.csv

# The accuracy table of the README.
accuracy: build
	@ROOFTREE=$(rooftree) tools/accuracy.sh

# The claims of all studies: docs/claims.md, and their standings in the README.
claims: build
	@ROOFTREE=$(rooftree) tools/claims.sh

# Fits every GPU calibration of models/calibrations again.
calibrate: build
	@ROOFTREE=$(rooftree) tools/calibrate-gpus.sh

# The manual page, from the command's own help.
manual:
	@swift package --allow-writing-to-package-directory generate-manual --multi-page && mkdir -p docs/man \
	  && cp .build/plugins/GenerateManual/outputs/rooftree/*.1 docs/man/

install: build
	install -D $(rooftree) $(prefix)/bin/rooftree
	install -d $(prefix)/share/man/man1 && install -m 644 docs/man/*.1 $(prefix)/share/man/man1/

# Damaged files through every reader, guided by coverage: make fuzz seconds=3600.
fuzz: setup
	@tools/fuzz.sh $(or $(seconds),300)

clean:
	rm -rf .build
