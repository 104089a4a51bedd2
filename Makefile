# make run    install what is missing, build, and serve the pools of Schedules/
# make test   install what is missing, and run all tests
# make faults   kill, starve and cheat the server, and look whether it lost or doubled anything;
#               SEED=n repeats a campaign, PHASE=word runs one part of it
# make simulate   simulate histories of random seeds for SECONDS=60, or that of SEED=n STEPS=m
# make fuzz   feed all that reads input with bytes of any kind, each for SECONDS=60, or SUBJECT=word
#               alone, and look for crashes and broken promises
# make tsan   run the tests of what threads share under the thread sanitizer, TURNS=3 times
# make bench    measure claims and filling beside Redis, PostgreSQL and SQLite (Benchmarks/README.md);
#               bench-quick is its short form, bench-scale what size and load change
# make verify-sizing DEMAND=DIR   replay the demand files of a folder, and compare what that costs
#               with the figures of the method
.PHONY: run test check format deps build clean simulate faults fuzz tsan \
	bench bench-quick bench-scale verify-sizing

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
	python3 -m unittest discover -q -s Benchmarks

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

# Tests can see the inside of modules, and assertions hold in them; so it is here.
FUZZER := swift build -c release --product fuzzer --scratch-path .build/fuzz --sanitize fuzzer \
	-Xswiftc -sanitize=fuzzer,address -Xswiftc -enable-testing \
	-Xswiftc -assert-config -Xswiftc Debug

fuzz: deps
	LARDER_FUZZER=1 $(FUZZER)
	Scripts/fuzz .build/fuzz/release/fuzzer '$(SECONDS)' '$(SUBJECT)'

TURNS := 3
TSAN := --sanitize thread --scratch-path .build/tsan
THREADS := LockTests|HTTPServerTests|APITests|WebhookTests|BesideTests
THREADS_OWN_PROCESS := ProducerTests|EngineTests\.(Engine|Thread|StoreWriter|SliceMaker|Disk)

# A report makes a run of tests fail, whatever they say themselves.
tsan: deps
	swift build --build-tests $(TSAN)
	for turn in $$(seq $(TURNS)); do \
		swift test --skip-build $(TSAN) --filter '$(THREADS)' && \
		swift test --skip-build $(TSAN) --filter '$(THREADS_OWN_PROCESS)' || exit 1; \
	done

# What Larder is compared with and what loads it. OPTIONS='--rounds 9' and the like change a run.
PEERS := postgresql redis-server redis-tools sqlite3 wrk

bench: FORM := full
bench-quick: FORM := quick
bench-scale: FORM := scale

bench bench-quick bench-scale: deps
	@Scripts/deps $(PEERS)
	swift build -c release --product larder
	@python3 Benchmarks/bench.py $(FORM) $(OPTIONS) \
		--larder "$$(swift build -c release --show-bin-path)/larder"

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
