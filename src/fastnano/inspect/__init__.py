"""Looking into a network: its filters, what they respond to, its layers and sizes, how its training went.

    print(inspect.summary(model))
    print(inspect.show_filters(model))                       # in the terminal
    inspect.plot_responses(model, images, "responses.png")   # needs matplotlib: pip install 'fastnano[viz]'

Nothing here changes the model: all of it runs on a copy in evaluation mode that shares the model's tensors.
"""

from .filters import filters, responses
from .pictures import plot_confusion, plot_curves, plot_filters, plot_rates, plot_responses
from .saliency import saliency
from .summary import count_parameters, summary
from .terminal import half_blocks, show_filters, show_responses

__all__ = [
    "count_parameters",
    "filters",
    "half_blocks",
    "plot_confusion",
    "plot_curves",
    "plot_filters",
    "plot_rates",
    "plot_responses",
    "responses",
    "saliency",
    "show_filters",
    "show_responses",
    "summary",
]
