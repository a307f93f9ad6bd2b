"""Digits, under the hood: what the lessons build, a module each, from pixels to a network that reads all ten digits.

    data        load_mnist, threes_and_sevens, mnist_sample: the pictures, embedded; require checks arguments
    pixels      show_image, show_images, pixel_table, alt: pictures and figures
    distances   ideal_digit, mae (mnist_distance), rmse, is_3, nearest_ideal: the nearest average digit
    sgd         quadratic, mse, numerical_gradient, plot_function, gradient_descent
    loss        init_params, linear1, mnist_loss, batch_accuracy: 3 or 7
    training    calc_grad, train_epoch, validate_epoch, train_model, plot_history: the loop
    optimizers  BasicOptim, Momentum, Adam, as torch has them; find_lr
    learner     digit_dls, digit_learner: fastai's Learner on CUDA, MPS or CPU; save_model, load_model
    models      simple_net, a network of two layers; activations, what its layers put out
    ten_digits  all_digits, softmax, cross_entropy, accuracy, confusion_matrix: for any number of classes
    cnn         digit_cnn, a network that comes trained; predict; Moved
    exercises   check_NN_k: the checks of the lessons' exercises

Importing this package imports none of them: `from digits_uth.cnn import digit_cnn, predict`. Up to `optimizers`, they do without fastai.
"""
__version__ = "0.1.0"
