"Lesson 11: a model answer to each exercise, and answers that are typical and wrong."
import torch
import torch.nn.functional as F


def output_size(n, kernel_size, stride, padding):
    return (n + 2 * padding - kernel_size) // stride + 1


def output_size_without_the_first(n, kernel_size, stride, padding):
    return (n + 2 * padding - kernel_size) // stride


def output_size_padded_once(n, kernel_size, stride, padding):
    return (n + padding - kernel_size) // stride + 1


def output_size_not_whole(n, kernel_size, stride, padding):
    return (n + 2 * padding - kernel_size) / stride + 1


def feature_map(im, *rows):
    "What a kernel with these rows gives for a picture."
    return F.conv2d(im[None, None], torch.tensor(rows)[None, None])[0, 0]


def rising(im):
    return feature_map(im, [-1., -1., 2.], [-1., 2., -1.], [2., -1., -1.])


def rising_with_less(im):
    return feature_map(im, [0., -1., 2.], [-1., 0., -1.], [2., -1., 0.])


def rising_without_a_minus(im):
    return feature_map(im, [0., 0., 1.], [0., 1., 0.], [1., 0., 0.])


def rising_to_the_left(im):
    return feature_map(im, [2., -1., -1.], [-1., 2., -1.], [-1., -1., 2.])


def rising_level(im):
    return feature_map(im, [-1., -1., -1.], [2., 2., 2.], [-1., -1., -1.])


def rising_upright(im):
    return feature_map(im, [-1., 0., 1.], [-1., 0., 1.], [-1., 0., 1.])


def rising_the_kernel(im):
    return torch.tensor([[-1., -1., 2.], [-1., 2., -1.], [2., -1., -1.]])


def batch_norm(x, mean, var, weight, bias):
    mean, var, weight, bias = (t.view(-1, 1, 1) for t in (mean, var, weight, bias))
    return (x - mean) / (var + 1e-5).sqrt() * weight + bias


def batch_norm_by_torch(x, mean, var, weight, bias):
    return F.batch_norm(x, mean, var, weight, bias)


def batch_norm_of_the_batch(x, mean, var, weight, bias):
    return F.batch_norm(x, None, None, weight, bias, training=True)


def batch_norm_by_the_variance(x, mean, var, weight, bias):
    return F.batch_norm(x, mean, var**2, weight, bias)


def batch_norm_without_weight_and_bias(x, mean, var, weight, bias):
    return F.batch_norm(x, mean, var)


# check -> (right answers, wrong answers)
SOLUTIONS = {
    'check_11_1': ([output_size], [output_size_without_the_first, output_size_padded_once, output_size_not_whole]),
    'check_11_2': ([rising, rising_with_less],
                   [rising_without_a_minus, rising_to_the_left, rising_level, rising_upright, rising_the_kernel]),
    'check_11_3': ([batch_norm, batch_norm_by_torch],
                   [batch_norm_of_the_batch, batch_norm_by_the_variance, batch_norm_without_weight_and_bias]),
}
