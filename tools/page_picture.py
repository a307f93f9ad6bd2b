"Make the picture that README.md begins with, `python tools/page_picture.py`: the page, with a digit drawn on it in a real browser."
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import sync_playwright

from digits_uth.own_digits import course_models, export_page

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / 'tests'))
from browser import Hand  # noqa: E402
from conftest import CHROMIUM  # noqa: E402

with TemporaryDirectory() as folder, sync_playwright() as playwright:
    path = export_page(course_models(), Path(folder, 'digits.html'))
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=['--no-sandbox', '--disable-gpu'])
    page = browser.new_page(viewport={'width': 900, 'height': 1000}, device_scale_factor=1.5)
    page.goto(path.as_uri())
    Hand(page).draw()
    page.get_by_text('Convolutions: 3.').first.wait_for()
    page.mouse.move(0, 0)
    page.screenshot(path=ROOT / 'nbs' / 'images' / 'page.png')
    browser.close()
