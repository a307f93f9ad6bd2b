"Lesson 01: a model answer to each exercise, and answers that are typical and wrong."


def cut(im, top, left, size):
    return im[top:top+size, left:left+size]


def cut_swapped(im, top, left, size):
    return im[left:left+size, top:top+size]


def cut_one_too_many(im, top, left, size):
    return im[top:top+size+1, left:left+size+1]


def darken(im):
    return (im / 255 + 20 / 255).clamp(max=1)


def darken_around(im):
    return (im + 20) / 255


def darken_in_place(im):
    im[im > 235] = 235
    im += 20
    return im / 255


def darken_beyond(im):
    return im / 255 + 20 / 255


def frame(im):
    framed = im.clone()
    framed[0], framed[-1] = 255, 255
    framed[:, 0], framed[:, -1] = 255, 255
    return framed


def frame_in_place(im):
    im[0], im[-1], im[:, 0], im[:, -1] = 255, 255, 255, 255
    return im


def frame_two_edges(im):
    framed = im.clone()
    framed[0], framed[:, 0] = 255, 255
    return framed


# check -> (right answers, wrong answers)
SOLUTIONS = {
    'check_01_1': ([cut], [cut_swapped, cut_one_too_many]),
    'check_01_2': ([darken], [darken_around, darken_in_place, darken_beyond]),
    'check_01_3': ([frame], [frame_in_place, frame_two_edges]),
}
