# make run    install what is missing, build, and serve the pools of Schedules/
# make test   install what is missing, and run all tests
# make faults   kill, starve and cheat the server, and look whether it lost or doubled anything;
#               SEED=n repeats a campaign, PHASE=word runs one part of it
# make simulate   simulate histories of random seeds for SECONDS=60, or that of SEED=n STEPS=m
# make verify-sizing DEMAND=DIR   replay the demand files of a folder, and compare what that costs
#               with the figures of the method
.PHONY: run test check format deps build clean simulate faults verify-sizing

# Headers of the C and C++ libraries that Larder uses, the authorities that webhooks' hosts are checked
# against, and the programs that its examples and tests run.
PACKAGES := ca-certificates libboost-math-dev libcurl4-openssl-dev libmicrohttpd-dev \
	libsqlite3-dev libssl-dev libyaml-dev tzdata
PROGRAMS := curl openssl python3

FORMAT := swift format
SOURCES := Package.swift Sources Tests

run: deps
	swift build -c release --product larder
	Scripts/run "$$(swift build -c release --show-bin-path)/larder"

# The tests of producers and of the engine make this process adopt orphans, which would be those of
# other tests too: they run in a process of their own.
OWN_PROCESS := ProducerTests|EngineTests

test: deps
	swift build --build-tests
	swift test --skip-build --skip '$(OWN_PROCESS)'
	swift test --skip-build --filter '$(OWN_PROCESS)'

simulate: deps
	swift build -c release --product simulate
	SEED='$(SEED)' STEPS='$(STEPS)' SECONDS='$(SECONDS)' FIRST='$(FIRST)' \
		"$$(swift build -c release --show-bin-path)/simulate"

verify-sizing: deps
	swift build -c release --product sizing-cells
	"$$(swift build -c release --show-bin-path)/sizing-cells" '$(DEMAND)'

# The mutants are in debug builds alone.
faults: deps
	swift build -c release --product larder
	swift build -c release --product FaultShim
	swift build -c release --product campaign
	swift build --product larder
	SEED='$(SEED)' PHASE='$(PHASE)' \
		LARDER_DEBUG="$$(swift build --show-bin-path)/larder" \
		"$$(swift build -c release --show-bin-path)/campaign"

check: deps
	$(FORMAT) lint --strict --recursive $(SOURCES)
	swift build --build-tests

format:
	$(FORMAT) --in-place --recursive $(SOURCES)

# Debian packages, by apt, only where something is absent.
deps:
	@Scripts/deps $(PACKAGES) -- $(PROGRAMS)

clean:
	swift package clean
