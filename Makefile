# Two commands: `make o11y` runs everything, `make test` proves everything.
.PHONY: o11y test install build clean help

NODE := node_modules/.bin/node
# Wherever a script of an npm package says "node", it gets the pinned one.
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)

STAMPS := .stamps
WEB_SOURCES := $(shell find apps/web packages/promql/src packages/model/src -name node_modules -prune -o -type f \
	-not -path '*/dist/*' -not -path '*/testdata/*' -not -name '*.test.*' -print 2>/dev/null)

help:
	@echo 'make o11y      install, build and run everything: http://localhost:3000'
	@echo 'make test      install, build and check everything'
	@echo 'make install   dependencies only'
	@echo 'make build     dependencies and the user interface'

o11y: build
	@exec ./belfry up $(ARGS)

test: build
	@$(NODE) tools/test.ts $(ARGS)

install: $(STAMPS)/install

# Not `npm ci`: it refuses a lock file that lacks the packages of platforms which the registry at hand does not carry.
$(STAMPS)/install: package-lock.json
	@command -v npm >/dev/null || { echo 'make: npm (with Node 20 or newer) is needed: https://nodejs.org' >&2; exit 2; }
	@echo 'Installing dependencies …'
	@npm install --no-save --no-audit --no-fund --loglevel=error
	@# npm 10 leaves this link out.
	@cd node_modules/.bin && { test -x node || ln -sf ../node-*/bin/node node; }
	@mkdir -p $(STAMPS) && touch $@

build: $(STAMPS)/install $(STAMPS)/web

$(STAMPS)/web: $(WEB_SOURCES) $(STAMPS)/install
	@echo 'Building the user interface …'
	@node_modules/.bin/vite build apps/web --logLevel warn
	@touch $@

clean:
	rm -rf $(STAMPS) apps/web/dist node_modules
