"""Digits, under the hood: what the lessons build, a module each, from pixels to a network that reads all ten digits.

    lessons     learners_copy, source_hash, course_files, lay_out: the lessons in a learner's folder, never overwritten
    machine     look: what this machine has for the course
    checks      checked, require: arguments compared with the comments beside them
    data        load_mnist, threes_and_sevens, all_digits, mnist_sample: the pictures, embedded; table, an experiment's; progress
    preparation prepare: any picture of a digit, into MNIST's form
    strokes     course_drawings, draw: digits drawn for the course, stroke by stroke
    photographs made_photograph: a digit on simulated paper, as a camera might see it
    sheet       digit_sheet, read_sheet: many digits at once, on paper; made_sheet, a photograph to try it on
    drawing     Pad, a pad to draw on; keep, my_digits: digits of one's own
    pixels      show_image, show_images, pixel_table, alt: pictures and figures
    distances   ideal_digit, mae (mnist_distance), rmse, is_3, nearest_ideal: the nearest average digit; plot_shapes, broadcasting drawn
    sgd         quadratic, mse, numerical_gradient, plot_function, gradient_descent
    loss        init_params, linear1, mnist_loss, batch_accuracy: 3 or 7; plot_product, the matrix product drawn
    landscape   Landscape: a loss and an accuracy over two weights, to walk on
    batches     set_mode, not_empty, looked_at, name_of: what a loop looks after
    training    calc_grad, train_epoch, validate_epoch, train_model, plot_history: the loop
    keeping     put_back, set_lr: a model as it was, another rate for any optimizer
    optimizers  BasicOptim, Momentum, Adam, as torch has them; find_lr
    adapters    for_fastai, device_of, targets_of, DigitLearner, SingleLoss, legible_tables: what any fastai Learner needs here
    files       save_model, load_model: files that say if they are damaged
    loaders     digit_dls: fastai's loaders, over data that stays on the device
    learner     digit_learner: fastai's Learner on CUDA, MPS or CPU; digit_dls; quiet, history, legible_tables; Moved, Pens, callbacks
    models      simple_net, a network of two layers; activations, what its layers put out
    backprop    Value, Lin, Relu, CrossEntropy, MnistLoss, Chain: what backward() does, by hand; plot_graph draws it
    layer       Layer, add_grad, are_layers: what layers with a way back share
    ten_digits  softmax, cross_entropy, accuracy, confusion_matrix: for any number of classes
    pictures    as_rows, oddities: any picture, and what about it is not as in MNIST
    cnn         digit_cnn, a network that comes trained; predict
    page        export_page, Ladder: models on a page that runs anywhere, with their reasons
    own_digits  course_models, merge_digits, accuracy_by_writer: a class's digits; digit_sheet, read_sheet, export_page, Ladder
    launch      in_processes: a function in processes of its own
    distributed average_gradients, train_distributed: one network by several processes, machines or GPUs
    exercises   check_NN_k: the checks of the lessons' exercises

Importing this package imports none of them: `from digits_uth.cnn import digit_cnn, predict`. Only `adapters`, `loaders` and `learner`
need fastai: reading a digit doesn't.
"""
__version__ = "1.0.0"
