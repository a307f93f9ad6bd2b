"`python -m digits_uth page digits.html` writes the page that runs anywhere, with the models that come with the package."
import argparse
import sys


def main():
    parser = argparse.ArgumentParser(prog='python -m digits_uth', description='Digits, under the hood.')
    commands = parser.add_subparsers(required=True, metavar='COMMAND')
    page = commands.add_parser('page', help='write one HTML file on which one draws digits and sees what each model reads, and why')
    page.add_argument('path', help='the file to write, such as digits.html')
    path = parser.parse_args().path
    from digits_uth.own_digits import course_models, export_page  # here, so that --help comes at once
    try:
        print(f'{export_page(course_models(), path)} is written: open it with a double click.')
    except ValueError as wrong:
        sys.exit(str(wrong))


if __name__ == '__main__':
    main()
