"""Logs for MLflow."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

from anysyn.errors import UserError, reason
from anysyn.loggers.logger import Logger, Place, library
from anysyn.registry import Given, register


@register("logger", "mlflow")
class MLflow(Logger):
    """A run of MLflow for each stage; one that is resumed begins another.

    Where it goes is what MLflow finds by itself, which is the user's to say: a recipe may be a stranger's.

    Args:
        place: What is logged.
        experiment: Name of the experiment; made if it is missing.
    """

    def __init__(self, *, place: Given[Place], experiment: str = "anysyn") -> None:
        library("mlflow", "mlflow")
        refusal = library("mlflow.exceptions", "mlflow").MlflowException
        try:
            self.client = library("mlflow.tracking", "mlflow").MlflowClient()
            known = self.client.get_experiment_by_name(experiment)
            number = known.experiment_id if known else self.client.create_experiment(experiment)
            name = f"{place.run} {place.stage}"
            self.run: str = self.client.create_run(number, run_name=name, tags=place.about()).info.run_id
        except refusal as error:
            raise UserError(f"loggers: mlflow: {reason(error)[:200]}; set MLflow's tracking address") from error

    def numbers(self, values: Mapping[str, float], at: int) -> None:
        """Log a metric for each."""
        now = int(time.time() * 1000)
        for name, value in values.items():
            self.client.log_metric(self.run, name, value, timestamp=now, step=at)

    def picture(self, name: str, path: Path, at: int) -> None:
        """Keep none: it shows people of the data."""

    def close(self) -> None:
        """End the run."""
        self.client.set_terminated(self.run)
