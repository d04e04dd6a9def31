import torch
from toys import M, batch_of, query_of, synthesizer

from anysyn.objectives import Classification, ModalityHead
from anysyn.objectives.embedding import embed


def test_it_is_the_cross_entropy_over_what_is_there():
    torch.manual_seed(0)
    model, given = synthesizer(), batch_of((16, 16), 3)
    given.available[1, 2] = False
    head = ModalityHead(model=model, modalities=M)
    costs = []
    for row, m in given.available.nonzero().tolist():
        logits = head(embed(model, given, m)[0][row])
        costs.append(-logits.log_softmax(0)[m])
    term = Classification(model=model, head=head)(given, query_of())["classification"]
    torch.testing.assert_close(term, torch.stack(costs).mean())


def test_it_learns():
    torch.manual_seed(0)
    model, given = synthesizer(), batch_of((16, 16), 4)
    given.images[:] *= torch.arange(1.0, M + 1).view(1, M, 1, 1)
    objective = Classification(model=model, head=ModalityHead(model=model, modalities=M))
    optimizer = torch.optim.Adam(objective.parameters(), lr=1e-2)
    costs = []
    for _ in range(30):
        cost = objective(given, query_of())["classification"]
        optimizer.zero_grad()
        cost.backward()
        optimizer.step()
        costs.append(cost.item())
    assert costs[-1] < 0.5 * costs[0]
