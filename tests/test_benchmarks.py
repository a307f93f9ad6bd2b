"The benchmarks: RESULTS.md is made of results.json, and what bench.py calls is there. No test asserts a time."
import ast
import importlib
import importlib.util

import pytest
from conftest import ROOT

SCRIPT = ROOT / 'benchmarks' / 'bench.py'
spec = importlib.util.spec_from_file_location('bench', SCRIPT)
bench = importlib.util.module_from_spec(spec)
spec.loader.exec_module(bench)


def test_the_text_is_made_of_the_numbers():
    text = (ROOT / 'benchmarks' / 'RESULTS.md').read_text(encoding='utf-8')
    assert text == bench.markdown(bench.read()), 'RESULTS.md is not what `make bench` makes of results.json'


def test_every_table_is_known_and_every_number_is_shown():
    results = bench.read()
    assert list(results['tables']) == [name for name in bench.TABLES if name in results['tables']] and 'race' in results['tables']
    for name, rows in results['tables'].items():
        assert rows
        before = bench.table(name, rows)
        for row in rows:
            for key, value in row.items():
                row[key] = 987654 if isinstance(value, (int, float)) else 'other'
                assert bench.table(name, rows) != before, f'{name}: {key} is shown nowhere'
                row[key] = value
        assert bench.table(name, rows) == before


def test_the_ratios_are_of_the_numbers_beside_them():
    "As far as the numbers, which may be rounded, can say."
    tables = bench.read()['tables']
    def near(ratio, a, b, share): assert abs(ratio - a / b) <= share * a / b, (ratio, a, b)
    for row in tables['pairs']:
        near(row['ratio'], row['usual'], row['ours'], .01)
    for name, base in (('loading', 'ours'), ('fitting', 'fit, ours')):
        first = next(row for row in tables[name] if base in row.values())
        for row in tables[name]:
            near(row['times'], row['ms'], first['ms'], .1)
    for ours, *others in zip(*(tables['race'][i::3] for i in range(3)), strict=True):
        assert ours['times'] == 1 and ours['right'] >= .99
        for other in others:
            near(other['times'], other['s'], ours['s'], .05)
            assert ours['seed'] == other['seed'] and other['right'] >= .99
    for row in tables['growth']:
        near(row['times'], row['s'], tables['growth'][0]['s'], .03)
        near(row['MB_times'], row['MB'], tables['growth'][0]['MB'], .03)
        near(row['ratio'], row['MB'], row['least_MB'], .03)


def test_results_are_written_whole_or_not_at_all(tmp_path, monkeypatch):
    results = bench.read()
    monkeypatch.setattr(bench, 'RESULTS', tmp_path / 'results.json')
    bench.write(results)
    assert bench.read() == results and sorted(path.name for path in tmp_path.iterdir()) == ['RESULTS.md', 'results.json']
    monkeypatch.setitem(bench.TABLES, 'race', (lambda: (_ for _ in ()).throw(OSError('stopped')), *bench.TABLES['race'][1:]))
    monkeypatch.setattr(bench, 'machine', lambda: results['machine'])
    with pytest.raises(OSError):
        bench.main(['race'])
    assert bench.read() == results


def test_some_tables_are_measured_anew_and_the_others_kept(tmp_path, monkeypatch):
    results = bench.read()
    monkeypatch.setattr(bench, 'RESULTS', tmp_path / 'results.json')
    bench.write(results)
    monkeypatch.setattr(bench, 'machine', lambda: results['machine'])
    row = {'loader': 'ours', 'ms': 12.34567, 'times': 1.}
    monkeypatch.setitem(bench.TABLES, 'loading', (lambda: [row], *bench.TABLES['loading'][1:]))
    bench.main(['loading'])
    assert bench.read() == {**results, 'tables': {**results['tables'], 'loading': [{**row, 'ms': 12.35}]}}
    assert list(bench.read()['tables']) == list(results['tables'])
    monkeypatch.setattr(bench, 'machine', lambda: {**results['machine'], 'torch': '99'})
    with pytest.raises(SystemExit, match='another machine'):
        bench.main(['loading'])
    with pytest.raises(SystemExit, match='no table odd'):
        bench.main(['odd'])


def test_what_is_compared_is_called_in_turns_and_the_fastest_counts(monkeypatch):
    calls, times = [], iter([5., 1., 3., 2., 4., 9.])
    def timed(function):
        function()
        return next(times)
    monkeypatch.setattr(bench, 'seconds', timed)
    assert bench.fastest(lambda: calls.append('a'), lambda: calls.append('b'), rounds=3) == [3., 1.]
    assert calls == ['a', 'b'] * 3


def test_reading_measures_fresh_processes():
    first, then = bench.reading('pass', 'sum(range(3_000_000))', rounds=2)
    assert first['times'] == first['cpu_times'] == 1 and then['import'] == 'sum(range(3_000_000))'
    assert then['cpu_s'] > first['cpu_s'] > 0 and then['cpu_times'] == then['cpu_s'] / first['cpu_s']
    assert then['s'] > 0 and then['times'] == then['s'] / first['s']


def test_checking_knows_the_function_inside_the_check():
    rows = list(bench.checking(rounds=2, calls=20))
    assert [row['function'] for row in rows] == ['mae', 'linear1', 'mnist_loss']
    for row in rows:
        assert row['bare_us'] > 0 and abs(row['checked_us'] - row['bare_us'] - row['check_us']) < 1e-9
        assert bench.table('checking', [bench.rounded(row)])


def test_all_that_is_imported_is_there():
    "Inside the functions too, which run for minutes."
    found = 0
    for node in ast.walk(ast.parse(SCRIPT.read_text(encoding='utf-8'))):
        if isinstance(node, ast.ImportFrom) and node.module.startswith('digits_uth'):
            module = importlib.import_module(node.module)
            for name in node.names:
                assert hasattr(module, name.name), f'{node.module} has no {name.name}'
                found += 1
    assert found > 20  # or the test looks at nothing
