"""Recurrent layers and cells: kinds, layers, directions, layouts, states."""

from . import row

PAIR = "lambda m, x, h, c: m(x, (h, c))"

ROWS = [
    *(
        case
        for name in ("RNN", "GRU", "LSTM")
        for case in (
            row(f"{name}(5, 3)", (4, 2, 5)),
            row(f"{name}(5, 3, batch_first=True)", (2, 4, 5)),
            row(f"{name}(5, 3, bias=False)", (4, 5)),
            row(f"{name}(5, 3, num_layers=2, bidirectional=True)", (4, 2, 5)),
            row(f"{name}(5, 3, 3, dropout=1.0, batch_first=True)", (1, 4, 5)),
            row(f"{name}(5, 3, 2, dropout=0.5)", (4, 2, 5), training=False),
            row(f"{name}(1, 1, bidirectional=True)", (1, 1, 1)),
            row(f"{name}(9, 17, bidirectional=True)", (2, 18, 9)),
            row(f"{name}(3, 33)", (2, 17, 3)),
            row(f"{name}(5, 2)", (40, 3, 5)),
            row(f"{name}(5, 3)", (4, 0, 5)),
        )
    ),
    row("RNN(5, 3, nonlinearity='relu')", (4, 2, 5)),
    row("RNN(5, 3, 2, 'relu', True, True, 0.0, True)", (2, 4, 5)),
    row("RNN(5, 3, 2)", (4, 2, 5), (2, 2, 3)),
    row("RNN(5, 3, bidirectional=True)", (4, 5), (2, 3)),
    row("GRU(5, 3, 2, batch_first=True)", (2, 4, 5), (2, 2, 3)),
    row("GRU(5, 3)", (4, 5), (1, 3)),
    row("LSTM(5, 3, 2, bidirectional=True)", (4, 2, 5), (4, 2, 3), (4, 2, 3), call=PAIR),
    row("LSTM(5, 3, batch_first=True)", (2, 1, 5), (1, 2, 3), (1, 2, 3), call=PAIR),
    row("LSTM(5, 3)", (4, 5), (1, 3), (1, 3), call=PAIR),
    *(
        case
        for name in ("RNNCell", "GRUCell")
        for case in (
            row(f"{name}(5, 3)", (4, 5)),
            row(f"{name}(5, 3)", (4, 5), (4, 3)),
            row(f"{name}(5, 3, bias=False)", (5,), (3,)),
            row(f"{name}(5, 17)", (33, 5), (33, 17)),
        )
    ),
    row("RNNCell(5, 3, nonlinearity='relu')", (4, 5), (4, 3)),
    row("LSTMCell(5, 3)", (4, 5)),
    row("LSTMCell(5, 3, bias=False)", (4, 5), (4, 3), (4, 3), call=PAIR),
    row("LSTMCell(5, 3)", (5,), (3,), (3,), call=PAIR),
    row("LSTMCell(5, 17)", (33, 5), (33, 17), (33, 17), call=PAIR),
]
