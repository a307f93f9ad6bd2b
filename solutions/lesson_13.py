"Lesson 13: a model answer to each exercise, and answers that are typical and wrong."
import torch


def gradient_of_all(grads, items):
    return (grads * items[:, None]).sum(0) / items.sum()


def gradient_by_product(grads, items):
    return items.float() @ grads / items.sum()


def gradient_plain_mean(grads, items):
    return grads.mean(0)


def gradient_summed(grads, items):
    return grads.sum(0)


def gradient_not_divided(grads, items):
    return (grads * items[:, None]).sum(0)


def gradient_divided_by_shares(grads, items):
    return (grads * items[:, None]).mean(0)


def my_share(rows, rank, count):
    return rows[rank * len(rows) // count:(rank + 1) * len(rows) // count]


def my_share_by_pytorch(rows, rank, count):
    return torch.tensor_split(rows, count)[rank]


def my_share_like_cards(rows, rank, count):
    return rows[rank::count]


def my_share_by_size(rows, rank, count):
    size = len(rows) // count
    return rows[rank * size:(rank + 1) * size]


def my_share_rounded_up(rows, rank, count):
    size = -(-len(rows) // count)
    return rows[rank * size:(rank + 1) * size]


def my_share_rest_to_the_last(rows, rank, count):
    size = len(rows) // count
    return rows[rank * size:] if rank == count - 1 else rows[rank * size:(rank + 1) * size]


def my_share_is_all(rows, rank, count):
    return rows


def best_count(work, megabytes, bandwidth, delay, counts):
    def seconds(n):
        return work / n + 2 * (n - 1) * (megabytes / n / bandwidth + delay)
    return min(counts, key=seconds)


def best_count_by_tensors(work, megabytes, bandwidth, delay, counts):
    n = torch.tensor(counts)
    return n[(work / n + 2 * (n - 1) * (megabytes / n / bandwidth + delay)).argmin()]


def best_count_is_the_most(work, megabytes, bandwidth, delay, counts):
    return max(counts)


def best_count_without_delays(work, megabytes, bandwidth, delay, counts):
    return min(counts, key=lambda n: work / n + 2 * (n - 1) * megabytes / n / bandwidth)


def best_count_with_an_exchange_of_one(work, megabytes, bandwidth, delay, counts):
    return min(counts, key=lambda n: work / n + 2 * n * (megabytes / n / bandwidth + delay))


def best_count_work_not_shared(work, megabytes, bandwidth, delay, counts):
    return min(counts, key=lambda n: work + 2 * (n - 1) * (megabytes / n / bandwidth + delay))


def best_count_in_seconds(work, megabytes, bandwidth, delay, counts):
    return min(work / n + 2 * (n - 1) * (megabytes / n / bandwidth + delay) for n in counts)


SOLUTIONS = {  # check -> (right answers, wrong answers)
    'check_13_1': ([gradient_of_all, gradient_by_product],
                   [gradient_plain_mean, gradient_summed, gradient_not_divided, gradient_divided_by_shares]),
    'check_13_2': ([my_share, my_share_by_pytorch],
                   [my_share_like_cards, my_share_by_size, my_share_rounded_up, my_share_rest_to_the_last, my_share_is_all]),
    'check_13_3': ([best_count, best_count_by_tensors],
                   [best_count_is_the_most, best_count_without_delays, best_count_with_an_exchange_of_one,
                    best_count_work_not_shared, best_count_in_seconds]),
}
