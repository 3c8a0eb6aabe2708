# make help   what there is to make · สั่งอะไรได้บ้าง
#
# Each target makes .venv by itself. Another Python: make lab PYTHON=python3.13

PYTHON ?= python3
BIN := .venv/bin
BIOME := build/node/node_modules/.bin/biome

.PHONY: help lab html test style types fix cover notebooks bench lite lite-serve

help:
	@echo 'make lab        JupyterLab opens on your own copies of the lessons · เปิดบทเรียนชุดของคุณเอง'
	@echo 'make html       the lessons to read, a page each, English or Thai alone: build/html · บทเรียนฉบับอ่าน ภาษาเดียว'
	@echo 'make test       the whole suite: style, types, tests, every notebook · ทดสอบทั้งหมด'
	@echo 'make notebooks  run the notebooks only and compare their outputs · ทดสอบเฉพาะโน้ตบุ๊ก'
	@echo 'make fix        bring the code into its style · จัดรูปแบบโค้ด'
	@echo 'make cover      the suite again, and which lines it never reached · ดูบรรทัดที่การทดสอบไปไม่ถึง'
	@echo 'make bench      how fast is the server on this machine? · วัดความเร็วของเซิร์ฟเวอร์'
	@echo 'make lite       the lessons as pages for a browser, in build/lite/; make lite-serve shows them · บทเรียนในเบราว์เซอร์'
	@echo 'make style, make types: parts of make test · เป็นส่วนหนึ่งของ make test'

lab: .venv/installed
	@$(BIN)/chatkit lab

html: .venv/installed
	@$(BIN)/python -m chatkit.tools.book build/html

# Two processes, a file of tests at a time: much of the suite waits, for a kernel or a browser.
test: style types clients
	$(BIN)/pytest -n 2 --dist loadfile

style: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory build/node/node_modules && $(BIOME) check; \
	else echo "JavaScript is not checked: that needs npm (apt-get install nodejs npm)"; test "$$CI" != true; fi

types: .venv/installed
	$(BIN)/mypy

fix: .venv/installed
	$(BIN)/python -m ruff check --fix .
	$(BIN)/python -m ruff format .
	@if [ -x $(BIOME) ]; then $(BIOME) check --write; fi

# One test that fails should not cost the whole report: it comes, and then the failure counts.
cover: .venv/installed clients
	$(BIN)/python -m coverage erase
	@$(BIN)/python -m coverage run -m pytest -n 2 --dist loadfile; tests=$$?; \
	$(BIN)/python -m coverage combine --quiet && $(BIN)/python -m coverage report && exit $$tests

notebooks: .venv/installed
	$(BIN)/python -m pytest notebooks

bench: .venv/installed
	$(BIN)/chatkit bench

lite: .venv/installed
	$(BIN)/python -m chatkit.tools.site

lite-serve:
	@test -d build/lite || $(MAKE) --no-print-directory lite
	@$(PYTHON) lite/serve.py --folder build/lite

# Nothing stays silent for long: a line says what is done, and a dot every two seconds that it goes on.
.venv/installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "ChatKit needs Python 3.11 or newer: make PYTHON=python3.13")'
	@echo 'Installing what ChatKit needs into .venv: once, about a minute · กำลังติดตั้งลงใน .venv ครั้งเดียว ราวหนึ่งนาที'
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install -qq --disable-pip-version-check -c constraints.txt -e '.[test]' & work=$$!; \
	while kill -0 $$work 2>/dev/null; do printf .; sleep 2; done; echo; wait $$work
	@touch $@

# Clients that are not ours and the style of our JavaScript need node; without npm those tests skip and say so.
.PHONY: clients
clients:
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory build/node/node_modules; fi

build/node/node_modules: tests/node/package.json
	@mkdir -p build/node
	cp tests/node/package.json build/node/
	npm install --prefix build/node --no-package-lock --no-audit --no-fund --loglevel=error
	@touch $@
