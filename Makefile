# What contributors run; CONTRIBUTING.md says when. `make` alone lists it.
.PHONY: help fast test lint format types docs golden ci

help:           ## this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST)

fast:           ## the tests that take no time
	pytest -m "not slow"

test:           ## all tests
	pytest

lint:           ## style, without changing a file
	ruff check .
	ruff format --check .

format:         ## mend what can be mended
	ruff check --fix .
	ruff format .

types:          ## types of the code and of the tests
	mypy

docs:           ## the documentation, into build/docs
	sphinx-build -W docs build/docs

golden:         ## write the golden files and the JSON schema of recipes anew
	pytest tests/golden --renew

ci:             ## what CI runs: a fresh environment, the README's commands, everything
	.ci/run
