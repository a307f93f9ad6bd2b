"Hand the facts in settings.ini to setuptools, and put the learner's copies of the lessons into the wheel."
from configparser import ConfigParser
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

root = Path(__file__).resolve().parent
config = ConfigParser(delimiters=['='])
config.read(root / 'settings.ini', encoding='utf-8')
facts = config['DEFAULT']
name = facts['lib_name']


class build_with_lessons(build_py):
    def run(self):
        super().run()
        if self.editable_mode:  # there the lessons are read from nbs, as they are now
            return
        spec = spec_from_file_location('lessons', root / name / 'lessons.py')
        lessons = module_from_spec(spec)
        spec.loader.exec_module(lessons)
        for file, text in lessons.course_files(root).items():
            target = Path(self.build_lib, name, 'assets', 'lessons', file)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding='utf-8', newline='\n')


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
    packages=[name, name + '.assets', name + '.assets.tables'],
    package_data={name + '.assets': ['*', 'jupyter/*.json', 'jupyter/labconfig/*.json', 'class/*'], name + '.assets.tables': ['*.csv']},
    install_requires=facts['requirements'].split(),
    extras_require={kind: facts[kind + '_requirements'].split() for kind in ('lab', 'site', 'classroom', 'dev')},
    entry_points={'console_scripts': facts['console_scripts'].split('\n')},
    cmdclass={'build_py': build_with_lessons},
)
