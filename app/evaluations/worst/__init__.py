"""The worst cases of a tuned model, each with the nearest rows that the model learned from."""
