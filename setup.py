"Hand the facts in settings.ini to setuptools."
from configparser import ConfigParser
from pathlib import Path
from setuptools import setup

root = Path(__file__).parent
config = ConfigParser(delimiters=['='])
config.read(root / 'settings.ini', encoding='utf-8')
facts = config['DEFAULT']
setup(
    version=facts['version'],
    description=facts['description'],
    author=facts['author'],
    license_expression=facts['license'],
    license_files=['LICENSE', 'digits_uth/assets/LICENSE-DATA'],
    keywords=facts['keywords'].split(),
    long_description=(root / 'README.md').read_text(encoding='utf-8'),
    long_description_content_type='text/markdown',
    python_requires='>=' + facts['min_python'],
    packages=[facts['lib_name'], facts['lib_name'] + '.assets', facts['lib_name'] + '.assets.tables'],
    package_data={facts['lib_name'] + '.assets': ['*'], facts['lib_name'] + '.assets.tables': ['*.csv']},
    install_requires=facts['requirements'].split(),
    extras_require={name: facts[name + '_requirements'].split() for name in ('lab', 'dev')},
)
