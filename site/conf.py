"How Sphinx makes the site. Addresses come from the environment: on GitHub its workflow sets them, elsewhere there are none."
import os
from configparser import ConfigParser
from pathlib import Path

config = ConfigParser(delimiters=['='])
config.read(Path(__file__).with_name('settings.ini'), encoding='utf-8')  # build.py lays it beside this
facts = config['DEFAULT']
repository = '/'.join(filter(None, map(os.environ.get, ('GITHUB_SERVER_URL', 'GITHUB_REPOSITORY'))))

project, release, author = 'Digits, under the hood', facts['version'], facts['author']
copyright = f'{author}; {facts["license"]}'
extensions = ['myst_nb']
nb_execution_mode = 'off'  # the notebooks carry what they show
nb_merge_streams = True
myst_heading_anchors = 4
myst_links_external_new_tab = False
exclude_patterns = ['_build']
suppress_warnings = ['myst.header', 'misc.highlighting_failure']  # headings that skip a level; shell lines that are no Python
html_theme = 'sphinx_book_theme'
html_title = project
html_show_sourcelink = True
html_copy_source = True
html_static_path = ['_static']
html_css_files = ['course.css']
html_extra_path = ["extra"]
html_theme_options = {
    'use_download_button': True,
    'use_fullscreen_button': False,
    'show_toc_level': 2,
    'navbar_persistent': [],  # one field for searching is enough: the one at the left
    'home_page_in_toc': False,
    'pygments_light_style': 'a11y-high-contrast-light',
    'pygments_dark_style': 'a11y-high-contrast-dark',
}
if repository:
    html_theme_options |= {
        'repository_url': repository,
        'repository_branch': 'lessons',  # the workflow keeps a learner's copies there, ready to run
        'use_repository_button': True,
        'launch_buttons': {'colab_url': 'https://colab.research.google.com', 'binderhub_url': 'https://mybinder.org',
                           'notebook_interface': 'jupyterlab'},
    }
