"""Lessons as somebody leaves them who has answered all that they ask: every `...` replaced, and each check content.

What a lesson says must be as true then as when nothing is answered, so test_lessons.py runs this. `python tests/answered.py NAME`
runs one, in nbs/, and says where an answer isn't taken for right.
"""
import inspect
import re
import sys
import tempfile
import time
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
if __name__ == '__main__': sys.path[:0] = [str(ROOT / 'tools'), str(ROOT / 'solutions')]
import notebooks as tools  # noqa: E402

# lesson -> what stands in a cell, and what a learner writes there; what is checked by a check_… comes from solutions/
ANSWERS = {
    '01_pixels': [
        ('def show(picture):\n    ...', "def show(picture):\n    plt.imshow(picture, cmap='gray_r', vmin=0, vmax=255)"),
        ('of the same shape\n    ...', 'of the same shape\n    moved[:, 2:] = picture[:, :-2]')],
    '02_distances': [
        ('...  # .sqrt() takes the root', 'return ((a - b)**2).mean((-1, -2)).sqrt()'),
        ('...  # a < b has True', 'return mae(ims, mean3) < mae(ims, mean7)  # a < b has True'),
        ('def your_score(ims):\n    ...', 'def your_score(ims):\n    return (ims * weights).sum((-1, -2)) + bias')],
    '03_sgd': [
        ('slope_b = ...', 'slope_b = (2*miss*z).mean()'),
        ('    ...                                    # 4 gradient, 5 step and reset: yours',
         '    loss.backward()\n    with torch.no_grad(): params -= .25 * params.grad\n    params.grad.zero_()')],
    '04_mnist_loss': [
        ('take_step, lr = our_step, 1.', 'take_step, lr = step_down, 1.')],
    '05_training': [
        ('yb = train_x[rows], train_y[rows]\n    ...',
         'yb = train_x[rows], train_y[rows]\n    calc_grad(xb, yb, model, mnist_loss)\n    opt.step()\n    opt.zero_grad()')],
    '06_optimizers': [
        ('...                           # p steps against p.grad', 'p -= self.lr * p.grad'),
        ('...                             # v keeps a share of itself, and takes up the gradient', 'v = self.momentum*v + p.grad'),
        ('...                             # p steps against v', 'p -= self.lr * v'),
        ('...                             # p steps; .9**t is β₁ᵗ', 'p -= self.lr * (mean / (1 - .9**t)) / ((square / (1 - .999**t))**.5 + 1e-8)   # β₁ᵗ')],
    '07_learner': [
        ('def say(cbs, moment):\n    ...', 'def say(cbs, moment):\n    for cb in cbs:\n        if hasattr(cb, moment): getattr(cb, moment)()'),
        ('            loss = mnist_loss(model(xb), yb)\n            loss.backward()\n            opt.step()\n            opt.zero_grad()\n    return model\n\nplain',
         '            loss = mnist_loss(model(xb), yb)\n            kept.append(loss.item())\n            loss.backward()\n            opt.step()\n'
         '            opt.zero_grad()\n    return model\n\nplain'),
        ('    self.xb, self.yb = xb, yb\n    ...', "    self.xb, self.yb = xb, yb\n    self.say('before_batch')\n"
         '    self.pred = self.model(self.xb)\n    self.loss = self.loss_func(self.pred, self.yb)\n    if self.training:\n'
         "        self.loss.backward()\n        self.opt.step()\n        self.opt.zero_grad()\n    self.say('after_batch')"),
        ('class YourLosses:\n    ...', 'class YourLosses:\n    def before_fit(self): self.values = []\n    def after_batch(self):\n'
         '        if self.learn.training: self.values.append(self.learn.loss.item())'),
        ('    def before_batch(self):\n        ...\n\nlate', '    def before_batch(self):\n        if not self.learn.training: super().before_batch()\n\nlate'),
        ('    def after_epoch(self):\n        ...\n\nmine_x', '    def after_epoch(self):\n'
         '        self.rows.append(self.learn.model(mine_x)[:, 0].tolist())\n\nmine_x'),
        ('self.right += ((self.learn.pred > 0) == (self.learn.yb == 1)).sum().item()\n            self.all += len(self.learn.yb)\n\nshare',
         'self.right += ((self.learn.pred > 0) == (self.learn.yb[0] == 1)).sum().item()\n            self.all += len(self.learn.yb[0])\n\nshare'),
        ('self.mask.view(784),)\n\nblank = FastBlank', 'self.mask.view(784).to(self.learn.xb[0].device),)\n\nblank = FastBlank'),
        ('which appends to values\n        ...', 'which appends to values\n        if self.values[-1] >= self.goal: self.learn.stop = True')],
    '08_nonlinearity': [
        ('    ...                                      # the bend: your line', '    hidden = hidden.relu()'),
        ('    # the mean of -log of that\n    ...',
         '    p = torch.where(targets == 1, preds.sigmoid(), 1 - preds.sigmoid())\n    return -p.log().mean()')],
    '09_backprop': [
        ('# the youngest first\n    ...', '# the youngest first\n    for parent, slope in zip(v.parents, v.slopes, strict=True): parent.grad += slope * v.grad'),
        ('        ...                 # return the slopes by what came into the first',
         '        for layer in reversed(self.layers): g = layer.backward(g)\n        return g')],
    '10_ten_digits': [
        ('def cure(scores):\n    ...', 'def cure(scores):\n    s = scores - scores.min() + 1\n    return s / s.sum()'),
        ('# the right digit\n    ...', '# the right digit\n    slopes = softmax(scores)\n    slopes[digit] -= 1\n    return slopes'),
        ('announced = ...   #', 'announced = (1 - probability[sure]).sum()   #'), ('made = ...        #', 'made = (answer != aside_y)[sure].sum()   #')],
    '11_convolutions': [
        ('    ...   # multiply, and add up', '    return (window * kernel).sum()'),
        ('*_block(24, 48, 3), ...   # go on here', '*_block(24, 48, 3), *_block(48, 96, 3), nn.Flatten(), nn.Linear(96 * 4 * 4, 10)'),
        ('    ...   # a.mean((0, 1), keepdim=True)', '    return (a - a.mean((0, 2, 3), keepdim=True)) / a.std((0, 2, 3), keepdim=True)   #'),
        ('reported = ...   # a name in quotes', "reported = 'with Moved'")],
    '12_own_digits': [
        ('def right_way(x):\n    ...', 'def right_way(x):\n    return 1 - x if np.median(x) > .5 else x'),
        ('def belongs(sizes, at_edge):\n    ...',
         'def belongs(sizes, at_edge):\n    inner = np.where(at_edge, 0, sizes)\n    return inner > inner.max() / 4')],
    '13_processors': [
        ('            ...                                            # my part', '            p.grad *= len(mine) / len(rows)   # my part'),
        ("            ...                                            # and everybody's", '            dist.all_reduce(p.grad)'),
        ('# what this process has counted\n    ...', '# what this process has counted\n    counts = torch.tensor([right, seen])\n'
         '    dist.all_reduce(counts)\n    return (counts[0] / counts[1]).item()')],
}


def source_of(answer, name):
    "A function or a class of solutions/ with all that it needs of its module, under the name that a lesson asks for."
    parts = [answer, *vars(answer).values()] if isinstance(answer, type) else [answer]
    used = {n for part in parts if inspect.isfunction(part) for n in part.__code__.co_names}
    module = vars(sys.modules[answer.__module__])
    helpers = [module[n] for n in used if inspect.isfunction(module.get(n)) and module[n].__module__ == answer.__module__]
    helpers += [base for base in getattr(answer, '__bases__', ()) if base.__module__ == answer.__module__]
    renamed = f'{name} = {answer.__name__}' if answer.__name__ != name else ''
    return '\n'.join(map(inspect.getsource, [*helpers, answer])) + renamed


def answered(name):
    "A lesson with every answer filled in."
    nb, solutions = tools.read(tools.NBS / f'{name}.ipynb'), import_module(f'lesson_{name[:2]}')
    imports = '\n'.join(re.findall(r'^(?:import|from) .*$', inspect.getsource(solutions), re.MULTILINE))
    cells = [c for c in nb.cells if c.cell_type == 'code' and 'hide' not in tools.directives(c)]
    for old, new in ANSWERS[name]:
        [cell] = [c for c in cells if old in c.source]
        assert cell.source.count(old) == 1, old
        cell.source = cell.source.replace(old, new)
    for cell in cells:
        if found := re.fullmatch(r'(?:def|class) (\w+).*?^(check_\d\d_\d)\(.*', cell.source, re.DOTALL | re.MULTILINE):
            asked, check = found.groups()
            rest = cell.source[found.start(2):]
            cell.source = f'{imports}\n{source_of(solutions.SOLUTIONS[check][0][0], asked)}\n{rest}'
    return nb


if __name__ == '__main__':
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as nobodys:
        nb = tools.execute(answered(sys.argv[1]), tools.NBS, DIGITS_UTH_HOME=nobodys)
    said = [str(output) for cell in nb.cells if cell.cell_type == 'code' for output in cell.outputs]
    if refused := [text for text in said if 'not yet' in text]: sys.exit(f'{sys.argv[1]}: an answer is refused:\n' + '\n'.join(refused))
    print(f'[1/1] {sys.argv[1]} {time.perf_counter() - start:5.1f} s')
