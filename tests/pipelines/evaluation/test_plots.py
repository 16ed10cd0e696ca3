"""The plots that all apps share."""

from pipelines.evaluation import plots

EPOCH = {"loss": 0.5, "diagnostics.recurrent.spectral_radius": 1.5, "validation.accuracy": 0.75}
CURVES = {"recurrent.h": [[1.0, 0.1, 0.01], [2.0, 0.0, 0.2]]}


def test_the_plot_of_gradients_has_a_line_for_each_epoch_on_a_logarithmic_scale():
    of_loss, of_output, _ = plots.gradient_by_lag([CURVES, CURVES, CURVES]).axes
    for axes, curve in ((of_loss, [1.0, 0.1, 0.01]), (of_output, [2.0, None, 0.2])):
        assert axes.get_yscale() == "log"
        assert len(axes.lines) == 3
        drawn = axes.lines[0].get_ydata()
        assert [None if value != value else value for value in drawn.tolist()] == curve
        assert tuple(axes.lines[0].get_color()) != tuple(axes.lines[2].get_color())


def test_gradients_that_are_all_zero_can_be_drawn():
    plots.gradient_by_lag([{"recurrent.h": [[0.0, 0.0], [0.0, 0.0]]}]).canvas.draw()


def test_a_single_epoch_has_no_scale_of_epochs():
    assert len(plots.gradient_by_lag([CURVES]).axes) == 2


def test_learning_curves_show_the_losses_in_one_panel():
    epoch = EPOCH | {"validation.loss": 0.625}
    loss, accuracy = plots.learning_curves([epoch, epoch], best_epoch=2).axes
    assert [list(line.get_ydata()) for line in loss.lines[:2]] == [[0.5, 0.5], [0.625, 0.625]]
    assert [text.get_text() for text in loss.get_legend().texts] == ["training", "validation", "best epoch"]
    assert (accuracy.get_title(), len(accuracy.lines)) == ("validation.accuracy", 2)


def test_learning_curves_leave_diagnostics_out():
    titles = [axes.get_title() for axes in plots.learning_curves([EPOCH, EPOCH], best_epoch=1).axes]
    assert titles == ["loss", "validation.accuracy"]
