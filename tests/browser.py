"What the tests in a real browser share: a JupyterLab of their own, and ways to work in it."
import json
import os
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import nbformat
from conftest import ROOT
from test_course import free_port

# Await the command's own promise: the status light of the page is not to be trusted.
RUN_ALL = """async () => {
  const app = jupyterapp; await app.restored;
  const notebook = app.shell.currentWidget;
  await notebook.context.ready; await notebook.sessionContext.ready;
  const ok = await app.commands.execute('notebook:run-all-cells');
  const cells = notebook.content.model.sharedModel.cells.filter(c => c.cell_type === 'code');
  return {ok, counts: cells.map(c => c.execution_count),
          errors: cells.flatMap(c => c.outputs.filter(o => o.output_type === 'error').map(o => o.ename + ': ' + o.evalue)),
          stderr: cells.flatMap(c => c.outputs.filter(o => o.name === 'stderr').map(o => o.text))}
}"""

# Run code in the notebook's kernel, and wait for it or not.
RUN = """async ([code, wait]) => {
  const kernel = jupyterapp.shell.currentWidget.sessionContext.session.kernel;
  let out = '';
  const future = kernel.requestExecute({code, store_history: false});
  future.onIOPub = m => { out += m.content.text || (m.content.ename ? m.content.ename + ': ' + m.content.evalue : '') };
  if (wait) await future.done; else future.done.catch(() => {});
  return out }"""
# All of axe's rules on the first element of a kind.
AXE = """async ([script, selector]) => {
  if (!window.axe) (0, eval)(script);
  const found = await axe.run({include: [document.querySelector(selector)]}, {resultTypes: ['violations', 'incomplete']});
  const words = rules => rules.flatMap(rule => rule.nodes.map(node => rule.id + ': ' + node.html + ': ' + node.failureSummary));
  return {violations: words(found.violations), incomplete: words(found.incomplete), passes: found.passes.map(rule => rule.id)} }"""


@contextmanager
def serve(folder, copies, site, application='jupyterlab'):
    "The address of a JupyterLab that keeps all its files to itself, to be filled in with a notebook's path; `site` has the package."
    names = {'JUPYTER_CONFIG_DIR': 'config', 'JUPYTER_DATA_DIR': 'data', 'JUPYTER_RUNTIME_DIR': 'runtime', 'IPYTHONDIR': 'ipython',
             'JUPYTERLAB_SETTINGS_DIR': 'settings', 'JUPYTERLAB_WORKSPACES_DIR': 'workspaces'}
    environment = {**os.environ, **{variable: str(folder / name) for variable, name in names.items()}}
    environment.pop('MPLBACKEND', None)
    environment['PYTHONPATH'] = os.pathsep.join(map(str, (site, ROOT / 'tests' / 'offline')))
    for name, setting in {'apputils-extension/notification': {'fetchNews': 'false', 'checkForUpdates': False, 'doNotDisturbMode': True},
                          'notebook-extension/tracker': {'windowingMode': 'none', 'scrollPastEnd': False}}.items():
        file = folder / 'settings' / '@jupyterlab' / f'{name}.jupyterlab-settings'
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(setting), encoding='utf-8')
    port, token = free_port(), 'secret'
    app, page = ('LabApp', 'doc/tree') if application == 'jupyterlab' else ('JupyterNotebookApp', 'notebooks')
    command = [sys.executable, '-m', application, '--no-browser', '--ServerApp.ip=127.0.0.1', f'--ServerApp.port={port}',
               '--ServerApp.port_retries=0', f'--IdentityProvider.token={token}', f'--ServerApp.root_dir={copies}',
               f'--{app}.expose_app_in_browser=True', *(['--allow-root'] if hasattr(os, 'geteuid') and os.geteuid() == 0 else [])]
    with open(folder / 'log', 'w+', encoding='utf-8') as log:
        server = subprocess.Popen(command, env=environment, cwd=folder, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
        try:
            for _ in range(120):
                try:
                    urllib.request.urlopen(f'http://127.0.0.1:{port}/api/status?token={token}', timeout=5)
                    break
                except OSError:
                    assert server.poll() is None, log.seek(0) or log.read()
                    time.sleep(.5)
            yield f'http://127.0.0.1:{port}/{page}/{{}}.ipynb?token={token}&reset'
        finally:
            server.terminate()
            server.wait(30)


def write_notebook(path, title, *cells):
    "A small notebook to try a widget in."
    path.parent.mkdir()
    nb = nbformat.v4.new_notebook(metadata={'kernelspec': {'name': 'python3', 'display_name': 'python3'}})
    nb.cells = [nbformat.v4.new_markdown_cell(f'# {title}'), *map(nbformat.v4.new_code_cell, cells)]
    nbformat.write(nb, path)


THREE = [(.3, .2), (.6, .2), (.7, .35), (.5, .5), (.7, .65), (.6, .85), (.3, .85)]


class Hand:
    "Draws with the mouse on the paper of the first pad that stands in self.page."
    paper = property(lambda self: self.page.locator('.uth-pad-paper').first)

    def __init__(self, page): self.page = page

    def place(self, x, y):
        box = self.paper.bounding_box()
        return box['x'] + x * box['width'], box['y'] + y * box['height']

    def draw(self, points=THREE):
        mouse = self.page.mouse
        mouse.move(*self.place(*points[0]))
        mouse.down()
        for point in points[1:]:
            mouse.move(*self.place(*point), steps=6)
        mouse.up()


def open_notebook(address, page):
    page.goto(address)
    page.wait_for_function('window.jupyterapp?.shell?.currentWidget?.context?.isReady')


def run_all(page):
    result = page.evaluate(RUN_ALL)
    assert result['ok'] and not result['errors'] and not result['stderr'], result
    first = next(iter(result['counts']), 1)  # not 1 where the lesson was run before
    assert result['counts'] == list(range(first, first + len(result['counts'])))


def choose_theme(page, theme):
    "Switch, and wait until the text has the theme's colour: the name is there before the style sheet is."
    page.evaluate("theme => jupyterapp.commands.execute('apputils:change-theme', {theme})", theme)
    page.wait_for_function("""theme => {
        const [r, g, b] = getComputedStyle(document.querySelector('.jp-RenderedMarkdown')).color.match(/[0-9.]+/g).map(Number);
        return document.body.dataset.jpThemeName === theme && (r + g + b > 3 * 128) === theme.endsWith('Dark') }""", arg=theme)


def run_code(page, code, wait=True):
    "What code prints in the kernel of the notebook that is open."
    return page.evaluate(RUN, [code, wait])


def axe(page, selector):
    "What axe finds wrong, what it can't tell, and the rules that pass."
    from axe_playwright_python.sync_playwright import Axe
    return page.evaluate(AXE, [Axe().axe_script, selector])


def take_picture(page, name):
    "For a person to look at: where SCREENSHOTS names a folder, the page goes there."
    if folder := os.environ.get('SCREENSHOTS'):
        page.screenshot(path=Path(folder) / f'{name}.png')
