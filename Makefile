# Each command sets up what it needs first. Without make: `python tools/course.py COMMAND` does the same.
PYTHON ?= python3
COURSE = $(PYTHON) tools/course.py

help:     ; @$(COURSE) help                                            # this list
install:  ; @$(COURSE) install                                         # the environment in .venv
lab:      ; @$(COURSE) lab $(if $(PORT),--port=$(PORT)) $(ARGS)        # the lessons in JupyterLab; PORT=8890 ARGS=--no-browser
copies:   ; @$(COURSE) copies                                          # the same copies, for VS Code and other editors
lessons:  ; @$(COURSE) lessons $(ARGS)                                 # every notebook in order, stopping where one fails
check:    ; @$(COURSE) check $(ARGS)                                   # the tests that take less than a minute
test:     ; @$(COURSE) test $(ARGS)                                    # all tests
outputs:  ; @$(COURSE) outputs $(ARGS)                                 # export, run, and store what the notebooks show
readme:   ; @$(COURSE) readme                                          # README.md from nbs/index.ipynb
class:    ; @$(COURSE) class $(FOLDER)                                 # a class for nbgrader, in my_class or FOLDER=…
slides:   ; @$(COURSE) slides $(ARGS)                                  # slides of lessons 01 to 03, into slides/
site:     ; @$(COURSE) site                                            # the site of all lessons, into _site/
bench:    ; @$(COURSE) bench                                           # speed, as ratios
experiments: ; @$(COURSE) experiments $(ARGS)                          # the tables of many seeds, again
gpu-check: ; @$(COURSE) gpu-check                                      # training on the GPU, proven to be there
clean:    ; @$(COURSE) clean                                           # what can be made again

.PHONY: help install lab copies lessons check test outputs readme class slides site bench experiments gpu-check clean
