"""Looking into a network: what is shown is what the network computes, and the network is left as it was."""

import json
import re
import sys
import threading

import numpy as np
import pytest

import fastnano
from fastnano import inspect, nn
from fastnano.nn import functional as F


@pytest.fixture(autouse=True)
def _reference_kernels():
    with fastnano.use_backend("numpy"):
        yield


class Own(nn.Module):
    """Convolutions in a nest, functions between them, a layer that is used twice, one that never runs."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.BatchNorm2d(2), nn.ReLU())
        self.again = nn.Conv2d(2, 2, 3, padding=1, bias=False)
        self.dropout = nn.Dropout(0.5)
        self.head = nn.Linear(2 * 8 * 8, 5)
        self.unused = nn.Linear(3, 2)
        self.calls = 0

    def forward(self, x):
        self.calls += 1
        x = self.features(x)
        x = F.relu(self.again(self.again(x)))
        return self.head(self.dropout(x).flatten(1))


def edges():
    """Two known filters, horizontal and vertical differences, and what follows them."""
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(2 * 4 * 4, 3))
    weight = np.zeros((2, 1, 3, 3), np.float32)
    weight[0, 0, 1] = weight[1, 0, :, 1] = -1, 0, 1
    model[0].weight.data[:] = weight
    model[0].bias.data[:] = 0, 10
    return model


def state_of(model):
    """All that must not change."""
    modules = [(name, type(m), m.training, sorted(vars(m))) for name, m in model.named_modules()]
    return (
        modules,
        {name: t.data.copy() for name, t in model.state_dict().items()},
        [p.grad for p in model.parameters()],
    )


def assert_same_state(model, before):
    modules, tensors, gradients = state_of(model)
    assert (modules, gradients) == (before[0], before[2])
    assert all(np.array_equal(tensors[name], value) for name, value in before[1].items())


IMAGE = np.arange(36, dtype=np.float32).reshape(6, 6) ** 2 / 100


# Filters and responses


def test_known_filters_give_exact_responses():
    model = edges()
    assert np.array_equal(inspect.filters(model), model[0].weight.data)
    maps = inspect.responses(model, IMAGE)
    assert maps.shape == (1, 2, 4, 4)
    np.testing.assert_allclose(maps[0, 0], IMAGE[1:-1, 2:] - IMAGE[1:-1, :-2], rtol=1e-5)
    np.testing.assert_allclose(maps[0, 1], IMAGE[2:, 1:-1] - IMAGE[:-2, 1:-1] + 10, rtol=1e-5)
    behind = inspect.responses(model, -IMAGE, activation=True)
    np.testing.assert_allclose(behind, np.maximum(inspect.responses(model, -IMAGE), 0))
    np.testing.assert_array_equal(behind, inspect.responses(model, -IMAGE, layer="1"))


def test_filters_are_a_copy():
    model = edges()
    inspect.filters(model)[:] = 7
    assert (model[0].weight.data != 7).all()


@pytest.mark.parametrize("shape", [(6, 6), (1, 6, 6), (5, 6, 6), (5, 1, 6, 6)])
def test_images_may_be_one_or_several(shape):
    images = np.random.default_rng(0).random(shape, np.float32)
    maps = inspect.responses(edges(), images)
    np.testing.assert_allclose(maps, inspect.responses(edges(), images.reshape(-1, 1, 6, 6)))
    assert len(maps) == (5 if 5 in shape else 1)


def test_bytes_are_scaled_and_colour_images_are_not_a_batch():
    image = np.full((6, 6), 51, np.uint8)
    np.testing.assert_allclose(
        inspect.responses(edges(), image), inspect.responses(edges(), np.full((6, 6), 0.2))
    )
    assert inspect.responses(nn.Conv2d(3, 4, 3), np.zeros((3, 6, 6))).shape == (1, 4, 4, 4)


def test_only_the_prefix_runs():
    assert inspect.responses(edges(), np.zeros((9, 11))).shape == (1, 2, 7, 9)  # the dense layer needs 6 x 6


def test_dense_layers_are_shown_as_images():
    model = nn.Sequential(nn.Flatten(), nn.Linear(49, 4), nn.ReLU(), nn.Linear(4, 3))
    assert np.array_equal(inspect.filters(model).reshape(4, 49), model[1].weight.data)
    assert inspect.filters(model).shape == (4, 1, 7, 7)
    assert inspect.filters(nn.Linear(75, 2)).shape == (2, 3, 5, 5)
    image = np.random.default_rng(0).random((1, 49), np.float32)
    expected = image @ model[1].weight.data.T + model[1].bias.data
    for shape in ((7, 7), (1, 49)):
        np.testing.assert_allclose(inspect.responses(model, image.reshape(shape)), expected, rtol=1e-5)
    assert inspect.responses(model, image, layer=1).shape == (1, 3)


@pytest.mark.parametrize("groups", [1, 2])
def test_transposed_convolutions_have_filters_too(groups):
    model = nn.Sequential(nn.ConvTranspose2d(4, 6, 3, groups=groups, bias=False), nn.ReLU())
    weights = inspect.filters(model)
    assert weights.shape == (6, 4 // groups, 3, 3)
    assert not np.may_share_memory(weights, model[0].weight.data)
    for c in range(4):  # a single 1 is answered by the kernels of its channel
        image = np.zeros((4, 1, 1), np.float32)
        image[c] = 1
        answer = inspect.responses(model[:1], image)[0]
        for o in range(6):
            same = o // (6 // groups) == c // (4 // groups)
            expected = weights[o, c % (4 // groups)] if same else np.zeros((3, 3))
            np.testing.assert_array_equal(answer[o], expected)


def test_layers_are_counted_over_both_kinds_of_convolutions():
    coder = nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.ConvTranspose2d(3, 1, 3))
    assert [inspect.filters(coder, i).shape for i in (0, 1)] == [(3, 1, 3, 3), (1, 3, 3, 3)]
    made = nn.Sequential(nn.Linear(5, 16), nn.Unflatten(1, (1, 4, 4)), nn.ConvTranspose2d(1, 3, 3, 2))
    assert inspect.responses(made, np.ones((2, 5))).shape == (2, 3, 9, 9)


def test_responses_of_a_module_of_ones_own_in_evaluation_mode():
    model = Own()
    model.features[1].running_mean.data[:] = 3
    images = np.random.default_rng(0).random((2, 8, 8), np.float32)
    maps = inspect.responses(model, images, layer=1)
    with fastnano.no_grad():
        model.eval()
        expected = model.again(model.features(fastnano.tensor(images[:, None]))).data
    assert np.array_equal(maps, expected)


def test_responses_of_a_graph():
    graph = nn.Graph({"conv": nn.Conv2d(1, 2, 3), "relu": nn.ReLU()}, [("input", "conv"), ("conv", "relu")])
    with fastnano.no_grad():
        expected = graph.nodes["conv"](fastnano.tensor(IMAGE[None, None])).data
    assert np.array_equal(inspect.responses(graph, IMAGE), expected)


def test_the_model_is_unchanged(tmp_path):
    model = Own()
    before = state_of(model)
    image = np.random.default_rng(0).random((8, 8), np.float32)
    inspect.filters(model)
    inspect.responses(model, image, layer=1)
    inspect.saliency(model, image)
    inspect.summary(model, (1, 8, 8))
    inspect.show_responses(model, image)
    inspect.plot_responses(model, image, tmp_path / "responses.png")
    assert_same_state(model, before)
    assert model.calls == 0
    with pytest.raises(ValueError, match="3 channels"):
        inspect.responses(model, np.zeros((1, 3, 8, 8)))
    assert_same_state(model, before)


def test_other_threads_may_use_the_model_meanwhile():
    model, image = Own(), np.random.default_rng(0).random((1, 1, 8, 8), np.float32)
    expected = inspect.responses(model, image)
    wrong = []

    def look():
        with fastnano.use_backend("numpy"):
            wrong.extend(
                i for i in range(20) if not np.array_equal(inspect.responses(model, image), expected)
            )

    threads = [threading.Thread(target=look) for _ in range(3)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        assert "forward" not in vars(model.again)
        assert model.again.training
    assert not wrong


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: inspect.filters(edges(), 3), IndexError, r"layer=3 .* 1 Conv2d \(0: 0\); choose 0 to 0"),
        (
            lambda: inspect.filters(edges(), "conv"),
            KeyError,
            r"layer='conv' is no module of Sequential; it has 0, 1",
        ),
        (
            lambda: inspect.filters(edges(), "1"),
            TypeError,
            r"layer '1' is a ReLU, expected a Conv2d, ConvTranspose2d or Linear",
        ),
        (lambda: inspect.filters(edges(), "3"), ValueError, r"32 inputs are no images, as they are features"),
        (
            lambda: inspect.filters(nn.Linear(7, 2)),
            ValueError,
            r"7 inputs are no images, as they fill no square",
        ),
        (lambda: inspect.filters(nn.ReLU()), ValueError, r"ReLU has no Conv2d, ConvTranspose2d or Linear"),
        (lambda: inspect.filters("model"), TypeError, r"model must be a Module, got str"),
        (
            lambda: inspect.responses(edges(), np.zeros(6)),
            ValueError,
            r"images have shape \(6,\), expected \(N, C",
        ),
        (
            lambda: inspect.responses(Own(), np.zeros((8, 8)), "unused"),
            ValueError,
            r"'unused' was not called by Own",
        ),
        (
            lambda: inspect.responses(Own(), np.zeros((8, 8)), 1, True),
            ValueError,
            r"no activation module follows",
        ),
        (lambda: inspect.saliency(edges(), IMAGE, 3), ValueError, r"target=3 must be a class from 0 to 2"),
        (lambda: inspect.saliency(edges()[:2], IMAGE), ValueError, r"gives \(1, 2, 4, 4\), expected scores"),
        (lambda: inspect.half_blocks(np.zeros(3)), ValueError, r"float64 \(3,\), expected numbers \(H, W\)"),
        (lambda: inspect.half_blocks(IMAGE, 0), ValueError, r"width=0 must be at least 1"),
        (lambda: inspect.show_responses(edges(), np.zeros((2, 6, 6))), ValueError, r"2 images, expected one"),
        (lambda: inspect.plot_curves([{"epoch": 1}]), ValueError, r"no record with any of accuracy, loss"),
        (
            lambda: inspect.plot_confusion(np.zeros((2, 3)), "ab"),
            ValueError,
            r"shape \(2, 3\), expected \(2, 2\)",
        ),
        (lambda: inspect.plot_confusion([[-1]], "a"), ValueError, r"minimum -1, expected counts"),
    ],
)
def test_errors_name_what_and_how_many(call, error, message):
    with pytest.raises(error, match=message):
        call()


# Saliency


def test_saliency_of_a_linear_model_is_its_weights():
    model = nn.Sequential(nn.Flatten(), nn.Linear(36, 3))
    weight = np.abs(model[1].weight.data).reshape(3, 6, 6)
    predicted = model(fastnano.tensor(IMAGE[None])).data.argmax()
    np.testing.assert_allclose(inspect.saliency(model, IMAGE), weight[predicted])
    np.testing.assert_allclose(inspect.saliency(model, np.stack([IMAGE, IMAGE]), [2, 0]), weight[[2, 0]])
    with fastnano.no_grad():
        np.testing.assert_allclose(inspect.saliency(model, IMAGE, 1), weight[1])
    model.requires_grad_(False)
    np.testing.assert_allclose(inspect.saliency(model, IMAGE, 1), weight[1])


# Summary


def row(text, name):
    return next(line.split() for line in text.splitlines() if line.split()[:1] == [name])


def test_summary_counts_lenet():
    lenet = nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10),
    )  # fmt: skip
    text = inspect.summary(lenet)
    products = 6 * 28 * 28 * 25 + 16 * 10 * 10 * 150 + 400 * 120 + 120 * 84 + 84 * 10
    assert row(text, "total") == ["total", f"{61_706:,}", f"{products:,}"]
    assert row(text, "3") == ["3", "Conv2d", "(16,", "10,", "10)", "2,416", "240,000"]
    assert row(text, "11") == ["11", "Linear", "(10,)", "850", "840"]
    assert "trained 61,706, frozen 0 parameters" in text
    assert "parameters 247 kB, buffers 0 B" in text
    assert len({len(line) for line in text.splitlines()[1:-2]}) == 1


def test_summary_of_a_module_of_ones_own():
    text = inspect.summary(Own(), (1, 8, 8))
    assert [line.split()[0] for line in text.splitlines() if "again" in line] == ["again", "again"]
    first, second = (line.split() for line in text.splitlines() if "again" in line)
    assert first[-2:] == ["36", "2,304"]
    assert second[-2:] == ["shared", "2,304"]
    assert row(text, "unused") == ["unused", "Linear", "not", "run", "8", "-"]
    assert row(text, "features.1")[-2:] == ["4", "-"]
    total = 20 + 4 + 36 + 645 + 8
    assert row(text, "total") == ["total", str(total), f"{64 * 2 * 9 + 2 * 2304 + 640:,}"]
    assert f"buffers {2 * 2 * 4 + 8} B" in text


def test_summary_counts_functions_shared_and_frozen_parameters():
    class Functional(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(np.ones((2, 3, 3, 3), np.float32))
            self.relu = nn.ReLU()
            self.first, self.last = nn.Linear(2, 2), nn.Linear(2, 2)
            self.last.weight = self.first.weight

        def forward(self, x):
            x = F.conv2d(x, self.weight).flatten(1)
            return self.last(self.first(self.relu(x @ x.T @ np.ones((1, 2), np.float32))))

    model = Functional()
    model.first.bias.requires_grad_(False)
    text = inspect.summary(model, (3, 5, 5))
    assert row(text, "-")[-2:] == ["54", str(2 * 9 * 27 + 18 + 2)]
    assert row(text, "relu")[-2:] == ["-", "-"]
    assert row(text, "first")[-2:] == ["6", "4"]
    assert row(text, "last")[-2:] == ["2", "4"]
    assert "trained 60, frozen 2 parameters" in text


# Terminal


def test_half_blocks_are_exact():
    black, white, grey = "0;0;0", "255;255;255", "128;128;128"
    assert inspect.half_blocks([[0, 1, 1], [1, 0.5, 0.5]]) == (
        f"\x1b[38;2;{black};48;2;{white}m▀\x1b[38;2;{white};48;2;{grey}m▀▀\x1b[0m"
    )
    assert inspect.half_blocks([[-2, 0, 2]]) == (
        "\x1b[38;2;5;48;97m▀\x1b[38;2;247;247;247m▀\x1b[38;2;103;0;31m▀\x1b[0m"
    )
    assert inspect.half_blocks([[0, 1, 2, 3, 4]] * 2, colour=False) == " ░▒▓█"
    assert inspect.half_blocks([[0, 4], [4, 4]], colour=False) == "▒█"


def test_half_blocks_without_colour(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    assert inspect.half_blocks([[0, 1], [0, 1]]) == " █"
    assert inspect.half_blocks(np.ones((3, 2, 2)), width=6) == "██  ██\n\n██"


def test_half_blocks_shrink_by_averaging():
    image = np.kron([[0, 4], [4, 0]], np.ones((2, 2)))
    assert inspect.half_blocks(image, 2) == inspect.half_blocks([[0, 4], [4, 0]])
    assert inspect.half_blocks(np.ones((5, 7)), 3, colour=False) == "███"


@pytest.mark.parametrize("width", [20, 47, 80])
def test_text_fits_the_width(width, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(width))
    image = np.random.default_rng(0).random((28, 28), np.float32)
    model = nn.Sequential(nn.Conv2d(1, 6, 5), nn.ReLU(), nn.Conv2d(6, 3, 5))
    shown = inspect.show_filters(model), inspect.show_filters(model, 1), inspect.show_responses(model, image)
    for text in shown:
        body = re.sub(r"\x1b\[[\d;]*m", "", text).splitlines()[1:]
        assert max(map(len, body)) <= width
    assert "map 5" in shown[2]
    assert "2←5" in shown[1]
    dense = inspect.show_responses(nn.Sequential(nn.Flatten(), nn.Linear(784, 10)), image, width=width)
    assert "10 responses" in dense


# Pictures


def drawn(path):
    """The pixels (height, width) of a PNG as grey levels."""
    from matplotlib.image import imread

    return imread(path)[..., :3].mean(axis=2)


def assert_picture(path, width, height):
    pixels = drawn(path)
    assert path.read_bytes()[:4] == b"\x89PNG"
    assert pixels.shape[0] >= height
    assert pixels.shape[1] >= width
    assert pixels.std() > 0.03
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    assert (border == 1).all(), "something touches the edge"


@pytest.mark.parametrize("layer", [0, 1, "1", "3"])
@pytest.mark.filterwarnings("error")
def test_filters_and_responses_are_drawn(tmp_path, layer):
    model = nn.Sequential(nn.Conv2d(1, 9, 3), nn.ReLU(), nn.Conv2d(9, 4, 3, 2), nn.Flatten())
    images = np.random.default_rng(0).random((2, 8, 8), np.float32)
    path = tmp_path / "new" / "responses.png"
    figure = inspect.plot_responses(model, images, path, layer=layer)
    assert type(figure).__name__ == "Figure"
    assert_picture(path, 600, 300)
    if isinstance(layer, int):
        inspect.plot_filters(model, tmp_path / "filters.png", layer=layer)
        assert_picture(tmp_path / "filters.png", 500, 200)


@pytest.mark.parametrize(
    ("shape", "limit", "drawn", "said"),
    [
        ((4, 3), 256, 12, "4 filters 2 × 2 of 3 channels, from top to bottom"),
        ((4, 3), 9, 8, "4 filters 2 × 2 of the first 2 of 3 channels, from top to bottom"),
        ((4, 3), 2, 2, "the first 2 of 4 filters 2 × 2 of the first of 3 channels"),
        ((20, 16), None, 320, "20 filters 2 × 2 of 16 channels, from top to bottom"),
        ((300, 1), 256, 256, "the first 256 of 300 filters 2 × 2"),
    ],
)
def test_no_more_kernels_are_drawn_than_the_limit(shape, limit, drawn, said):
    (axes,) = inspect.plot_filters(nn.Conv2d(shape[1], shape[0], 2), limit=limit).axes[:1]
    assert len(axes.images) == drawn
    assert axes.get_title(loc="left").endswith(f": {said}")


def test_filters_are_drawn_where_they_are_claimed_to_be(tmp_path):
    model = nn.Conv2d(1, 2, 1, bias=False)
    model.weight.data[:] = np.array([-1, 1]).reshape(2, 1, 1, 1)
    images = inspect.plot_filters(model).axes[0].images
    assert [image.get_array().item() for image in images] == [-1, 1]
    assert all(image.norm.vmin == -1 and image.norm.vmax == 1 for image in images)
    assert images[0].cmap(0.5)[:3] == pytest.approx([247 / 255] * 3, abs=0.01)


RECORDS = [
    {"epoch": 1, "loss": 1.0, "accuracy": 0.7, "val_loss": 0.6, "val_accuracy": 0.8, "seconds": 1},
    {"epoch": 2, "loss": 0.4, "accuracy": 0.9, "val_loss": 0.7, "val_accuracy": 0.85, "seconds": 1},
]


def test_curves_are_drawn(tmp_path):
    inspect.plot_curves(RECORDS, tmp_path / "list.png", title="MNIST")
    assert_picture(tmp_path / "list.png", 1000, 400)
    log = tmp_path / "log.jsonl"
    log.write_text('{"format": 1}\n' + "".join(json.dumps(r) + "\n" for r in RECORDS))
    lines = {line.get_label(): line for line in inspect.plot_curves(log).axes[0].lines}
    assert list(lines["training"].get_ydata()) == [1.0, 0.4]
    assert [*lines["best 0.6"].get_xdata(), *lines["best 0.6"].get_ydata()] == [1, 0.6]
    assert len(inspect.plot_curves([{"loss": 2.0}, {"loss": 1.0}]).axes) == 1
    for count in (1, 2, 3, 40):
        (axes,) = inspect.plot_curves([{"loss": 1.0}] * count).axes
        assert all(float(tick).is_integer() for tick in axes.get_xticks())
        assert [int(tick) for tick in axes.get_xticks() if 1 <= tick <= count]
    log.write_text("epoch,loss\n")
    with pytest.raises(ValueError, match="not JSON Lines"):
        inspect.plot_curves(log)


@pytest.mark.filterwarnings("error")
def test_confusion_is_drawn(tmp_path):
    matrix = [[90, 2, 8], [0, 50, 0], [1, 0, 0]]
    figure = inspect.plot_confusion(
        matrix, ("cat", "sparrow", "ox"), tmp_path / "m.png", title="Animals test set"
    )
    assert_picture(tmp_path / "m.png", 500, 500)
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert {"90", "2", "8", "50", "1", "151 samples, 11 errors, 92.72% accuracy"} <= set(texts)
    assert "0" not in texts
    assert "–" not in texts
    assert "0.0%" in texts  # of what was taken for an ox, nothing is one
    assert figure.axes[0].get_title(loc="left").startswith("Animals test set")
    inspect.plot_confusion(np.zeros((1, 1), int), ("a",), tmp_path / "empty.png")
    axes = inspect.plot_confusion([[9, 0, 0], [1, 0, 0], [0, 0, 0]], "abc").axes[0]
    shares = [text.get_text() for text in axes.texts if text.get_text() == "–" or "%" in text.get_text()]
    assert shares[:6] == ["100.0%", "0.0%", "–", "90.0%", "–", "–"]  # recall, then precision


def test_pictures_say_how_to_get_matplotlib(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r"pip install 'fastnano\[viz\]'"):
        inspect.plot_filters(edges())


def test_nothing_is_imported_before_it_is_needed():
    import subprocess

    code = "import fastnano.inspect, sys; assert 'matplotlib' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
