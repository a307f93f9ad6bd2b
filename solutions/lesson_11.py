"Lesson 11: a model answer to each exercise, and answers that are typical and wrong."
import torch.nn.functional as F


def output_size(n, kernel_size, stride, padding):
    return (n + 2 * padding - kernel_size) // stride + 1


def output_size_without_the_first(n, kernel_size, stride, padding):
    return (n + 2 * padding - kernel_size) // stride


def output_size_padded_once(n, kernel_size, stride, padding):
    return (n + padding - kernel_size) // stride + 1


def output_size_not_whole(n, kernel_size, stride, padding):
    return (n + 2 * padding - kernel_size) / stride + 1


def max_pool(im):
    h, w = im.shape
    return im.view(h//2, 2, w//2, 2).amax((1, 3))


def max_pool_by_torch(im):
    return F.max_pool2d(im[None], 2)[0]


def max_pool_mean(im):
    return F.avg_pool2d(im[None], 2)[0]


def max_pool_every_second(im):
    return im[::2, ::2]


def max_pool_torn(im):
    h, w = im.shape
    return im.view(2, h//2, 2, w//2).amax((0, 2))


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
    'check_11_2': ([max_pool, max_pool_by_torch], [max_pool_mean, max_pool_every_second, max_pool_torn]),
    'check_11_3': ([batch_norm, batch_norm_by_torch],
                   [batch_norm_of_the_batch, batch_norm_by_the_variance, batch_norm_without_weight_and_bias]),
}
