"""The routes by which evaluations from elsewhere come in: whom each lets in, what it answers."""

from tests.walls.expected import Expected, edit, view

IMPORTS: dict[str, Expected] = {
    "evaluations.import_form": edit(),
    "evaluations.import": edit(422),
    "evaluations.import_file_form": edit(400),
    "evaluations.imported": view(404),
    "api.evaluations.import": edit(422),
    "rescued_evals.import": edit(303),
    "api.rescued_evals.import": edit(201),
}
