"The experiments: each has its table, the table is its script's, and a row that is run again comes near to what is stored."
import experiments
import pytest

NAMES = experiments.names()
every_experiment = pytest.mark.parametrize('name', NAMES)


@every_experiment
def test_the_table_has_a_row_for_each_case(name):
    experiment, table = experiments.load(name), experiments.table(name)
    keys = list(experiment.CASES[0])
    for row, case in zip(table[keys].to_dict('records'), experiment.CASES, strict=True):
        assert all(value == case[key] or abs(value - case[key]) < 1e-5 * case[key] for key, value in row.items()), (row, case)
    assert set(experiment.WITHIN) <= set(table.columns) - set(keys) and experiment.TRY in experiment.CASES
    first = (experiments.EXPERIMENTS / f'{name}.csv').read_text(encoding='utf-8').splitlines()[0]
    assert first.startswith(f'# made by {name}.py with Python 3.') and ', torch ' in first


def test_every_table_has_its_script():
    assert sorted(path.stem for path in experiments.EXPERIMENTS.glob('*.csv')) == NAMES


@pytest.mark.slow
@every_experiment
def test_a_row_that_is_run_again_is_within_its_band(name):
    experiment, table = experiments.load(name), experiments.table(name)
    row = table[(table[list(experiment.TRY)] == list(experiment.TRY.values())).all(axis=1)].iloc[0]
    found = experiment.run(**experiment.TRY)
    for key, within in experiment.WITHIN.items():
        assert abs(found[key] - row[key]) <= within, (key, found[key], row[key])
