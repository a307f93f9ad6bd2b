"Lesson 01: a model answer to each exercise, and answers that are typical and wrong."


def cut(im, top, left, size):
    return im[top:top+size, left:left+size]


def cut_swapped(im, top, left, size):
    return im[left:left+size, top:top+size]


def cut_one_too_many(im, top, left, size):
    return im[top:top+size+1, left:left+size+1]


def to_unit(im):
    return im.float() / 255


def to_unit_whole(im):
    return im // 255


def to_unit_own_maximum(im):
    return im / im.max()


def to_unit_256(im):
    return im / 256


def blend(a, b):
    return (a.float() + b.float()) / 2


def blend_wrapped(a, b):
    return (a + b) / 2


def blend_bytes(a, b):
    return ((a.float() + b.float()) / 2).byte()


# check -> (right answers, wrong answers)
SOLUTIONS = {
    'check_01_1': ([cut], [cut_swapped, cut_one_too_many]),
    'check_01_2': ([to_unit], [to_unit_whole, to_unit_own_maximum, to_unit_256]),
    'check_01_3': ([blend], [blend_wrapped, blend_bytes]),
}
