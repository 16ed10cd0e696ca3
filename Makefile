# Everything runs in .venv, which is set up from requirements.lock when it is missing or out of date.
# `make help` lists the commands.

PYTHON ?= python3
INSTALLED := .venv/.installed
TORCH := .cache/bench/.installed
AUDIT := .cache/audit/.installed
BROWSER := .cache/page/browser/.installed
DOCS := .cache/docs/.installed
# .venv is a link to a folder in .venvs. Commands run in the folder itself, so that a running training keeps its
# libraries when .venv is set up anew.
# Libraries keep their caches and settings in the checkout, not in the home folder.
# The process keeps its memory: training makes the same large arrays at every step, and getting them from the
# system each time would take a third of its time.
RUN = MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=4294967296 \
       KERAS_HOME="$(CURDIR)/.cache/keras" MPLCONFIGDIR="$(CURDIR)/.cache/matplotlib" \
       HYPOTHESIS_STORAGE_DIRECTORY="$(CURDIR)/.cache/hypothesis" TF_CPP_MIN_LOG_LEVEL=3 "$(realpath .venv)/bin/python"

PRESET ?=
DATASET ?=
DATA_DIR ?=
ARGS ?=
HOST ?= 127.0.0.1
PORT ?= 5000
TRAIN_OPTIONS = $(if $(PRESET),--preset "$(PRESET)") $(if $(DATASET),--dataset "$(DATASET)") \
                $(if $(DATA_DIR),--data-dir "$(DATA_DIR)") $(ARGS)

.DEFAULT_GOAL := help
.PHONY: help setup lint types test test-long check bench page-tools docs audit licences ui lock clean

help:  ## List the commands
	@grep -hE '^[a-z%-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 28

setup: $(INSTALLED)  ## Set up .venv (the other commands do it by themselves)
	@$(PYTHON) .ci/download_data.py .venv

$(INSTALLED): requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "error: $(PYTHON) is too old: expected Python 3.11 or newer; say make PYTHON=/path/to/python3.11" >&2; exit 2; }
	@echo "setting up .venv: a few minutes, once" >&2
	@$(PYTHON) .ci/make_venv.py requirements.lock
	@$(PYTHON) .ci/download_data.py .venv

train-%: $(INSTALLED)  ## train-sentiment [PRESET=..] [DATASET=..] [DATA_DIR=..] [ARGS="--epochs 3 .."]
	@$(RUN) -m apps $(subst -,_,$*) train $(TRAIN_OPTIONS)

# The text goes through the environment and a pipe, so that no shell interprets its quotes, dollars or dashes.
predict-sentiment: export INPUT = $(value TEXT)
predict-sentiment: $(INSTALLED)  ## predict-sentiment TEXT="not bad at all": the label of a text, by the newest model
	@test -n "$$INPUT" || { echo 'error: expected make predict-sentiment TEXT="your text"' >&2; exit 2; }
	@printf '%s\n' "$$INPUT" | $(RUN) -m apps sentiment predict

predict-speech-commands: export INPUT = $(value WAV)
predict-speech-commands: $(INSTALLED)  ## predict-speech-commands WAV=file.wav [ARGS=--microphone]: the words in a sound file, and when
	@test -n "$$INPUT$(ARGS)" || { echo 'error: expected make predict-speech-commands WAV=file.wav' >&2; exit 2; }
	@$(RUN) -m apps speech_commands predict $(ARGS) $${INPUT:+-- "$$INPUT"}

predict-image-captioning: export INPUT = $(value IMAGE)
predict-image-captioning: $(INSTALLED)  ## predict-image-captioning IMAGE=photo.jpg: a caption for an image, and where it looked
	@test -n "$$INPUT" || { echo 'error: expected make predict-image-captioning IMAGE=photo.jpg' >&2; exit 2; }
	@$(RUN) -m apps image_captioning predict $(ARGS) -- "$$INPUT"

predict-music-generation: export OUT := $(value OUT)
predict-music-generation: $(INSTALLED)  ## predict-music-generation [OUT=piece.mid]: a minute of music, with sound and picture
	@$(RUN) -m apps music_generation predict $${OUT:+--out "$$OUT"} $(ARGS)

predict-text-generation: export INPUT = $(value TEXT)
predict-text-generation: $(INSTALLED)  ## predict-text-generation [TEXT="In the beginning"] [ARGS="--temperature 0.5 .."]: text that goes on
	@$(RUN) -m apps text_generation predict $${INPUT:+--primer="$$INPUT"} $(ARGS)

predict-sensor-signals: export INPUT = $(value RECORDING)
predict-sensor-signals: $(INSTALLED)  ## predict-sensor-signals RECORDING=file.csv [ARGS="--out heard.csv"]: what a recording shows, and when
	@test -n "$$INPUT" || { echo 'error: expected make predict-sensor-signals RECORDING=file.csv' >&2; exit 2; }
	@$(RUN) -m apps sensor_signals predict $(ARGS) -- "$$INPUT"

predict-action-recognition: export INPUT = $(value VIDEO)
predict-action-recognition: $(INSTALLED)  ## predict-action-recognition VIDEO=clip.mp4 [ARGS="--out labelled.mp4"]: what happens in a video, and when
	@test -n "$$INPUT$(ARGS)" || { echo 'error: expected make predict-action-recognition VIDEO=clip.mp4' >&2; exit 2; }
	@$(RUN) -m apps action_recognition predict $(ARGS) $${INPUT:+-- "$$INPUT"}

predict-handwriting: export INPUT = $(value TEXT)
predict-handwriting: $(INSTALLED)  ## predict-handwriting TEXT="Hello, world" [ARGS="--bias 1 .."]: the text as strokes of a pen
	@test -n "$$INPUT$(ARGS)" || { echo 'error: expected make predict-handwriting TEXT="your text"' >&2; exit 2; }
	@$(RUN) -m apps handwriting predict $${INPUT:+--write="$$INPUT"} $(ARGS)

predict-forecasting: export INPUT = $(value CSV)
predict-forecasting: $(INSTALLED)  ## predict-forecasting CSV=series.csv [ARGS=--anomalies]: what comes next, as a table and a picture
	@test -n "$$INPUT" || { echo 'error: expected make predict-forecasting CSV=series.csv' >&2; exit 2; }
	@$(RUN) -m apps forecasting predict --csv="$$INPUT" $(ARGS)

predict-tagging: export INPUT = $(value TEXT)
predict-tagging: $(INSTALLED)  ## predict-tagging TEXT="Anna Keller lives in Port Tessow." [ARGS="--html page.html"]: the names in a text
	@test -n "$$INPUT" || { echo 'error: expected make predict-tagging TEXT="your text"' >&2; exit 2; }
	@printf '%s\n' "$$INPUT" | $(RUN) -m apps tagging predict $(ARGS)

predict-translation: export INPUT = $(value TEXT)
predict-translation: $(INSTALLED)  ## predict-translation TEXT="And there was light." [ARGS="--alternatives 5 .."]: a text for a text
	@test -n "$$INPUT" || { echo 'error: expected make predict-translation TEXT="your text"' >&2; exit 2; }
	@printf '%s\n' "$$INPUT" | $(RUN) -m apps translation predict $(ARGS)

page-%: PORT = 8000
page-%: $(INSTALLED)  ## page-sentiment [OUT=.cache/pages/sentiment] [PORT=8000]: the newest model in the browser
	@$(RUN) -m pipelines page "$*" --output "$(or $(OUT),.cache/pages/$*)" --serve --port "$(PORT)" $(ARGS)

ui: $(INSTALLED)  ## MLflow UI over mlruns/ [HOST=127.0.0.1] [PORT=5000]
	@$(RUN) -m pipelines ui --host "$(HOST)" --port "$(PORT)"

lint: $(INSTALLED)  ## Check style and imports
	@.venv/bin/ruff check . && .venv/bin/ruff format --check .

types: $(INSTALLED)  ## Check types
	@.venv/bin/mypy

test: $(INSTALLED)  ## Run all tests but the long ones, offline, three at a time
	@mkdir -p .cache  # pytest makes no parents for its --basetemp
	@$(RUN) -m pytest -n 3 --dist loadscope --no-loadscope-reorder --basetemp .cache/tests

test-long: export LONG_TESTS := 1
test-long: test  ## All tests and the long ones [CAMPAIGN_SEED=0 CAMPAIGN_SECONDS=0: other and more damaged files]

check: lint types test  ## What CI runs: lint, types, test

bench: $(INSTALLED) $(TORCH)  ## Speed and memory against keras and torch, a quarter of an hour [ARGS="--seconds 2 .."]
	@$(RUN) -m benchmarks.speed $(ARGS)

# torch is not in .venv, since only the benchmark needs it. Without torch the benchmark says so and continues.
$(TORCH): benchmarks/requirements.txt $(INSTALLED)
	@echo "installing torch into .cache/bench: once" >&2
	@.venv/bin/python -m pip install --quiet --disable-pip-version-check --upgrade --target $(@D) -r $< && touch $@ \
		|| echo "torch could not be installed" >&2

page-tools: $(INSTALLED) $(BROWSER)  ## Fetch by npm what pages and their tests need (the tests also need Chromium)
	@$(RUN) -c 'from pipelines.page.npm import runtime_files; runtime_files()'

# The driver of the browser that is installed: Playwright without its own browsers.
$(BROWSER): tests/pipelines/page/package-lock.json
	@mkdir -p $(@D) && cp tests/pipelines/page/package.json $< $(@D)
	@cd $(@D) && npm ci --no-audit --no-fund --ignore-scripts --silent && touch .installed

docs: $(DOCS)  ## Build the documentation, to be read without a network, in .cache/site
	@NO_MKDOCS_2_WARNING=1 $(<D)/bin/mkdocs build --strict --quiet
	@echo "open .cache/site/index.html (the search needs a server: $(PYTHON) -m http.server -b 127.0.0.1 -d .cache/site)"

$(DOCS): docs/requirements.txt
	@echo "installing mkdocs into .cache/docs: once" >&2
	@$(PYTHON) -m venv $(@D)
	@$(@D)/bin/python -m pip install --quiet --disable-pip-version-check -r $< && touch $@

audit: $(INSTALLED) $(AUDIT)  ## Look up known faults of the locked packages
	@$(PYTHON) .ci/audit.py requirements.lock

licences: $(INSTALLED) $(AUDIT)  ## Renew LICENCES.md from the packages in .venv
	@$(RUN) .ci/licences.py > .cache/audit/LICENCES.md && mv .cache/audit/LICENCES.md LICENCES.md

$(AUDIT): $(INSTALLED)
	@$(PYTHON) -m venv $(@D)
	@$(@D)/bin/python -m pip install --quiet --disable-pip-version-check pip-audit==2.10.1 pip-licenses==5.5.5 && touch $@

lock: $(INSTALLED)  ## Renew requirements.lock from pyproject.toml (needs uv)
	uv pip compile pyproject.toml --universal --python-version 3.11 --group dev \
		--extra train --extra captions --extra music --extra sensors --extra series --extra speech --extra text --extra translation \
		--extra video --extra wfdb --extra sweep --extra postgresql \
		--generate-hashes --no-annotate --no-header --no-emit-index-url --output-file requirements.lock

clean:  ## Delete caches; keep .venv, runs and exports
	rm -rf .cache build dist *.egg-info
