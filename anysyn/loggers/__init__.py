"""Loggers: where the numbers of a training go beside its own CSV files."""

from anysyn.loggers.json_lines import JsonLines
from anysyn.loggers.logger import Logger, Place
from anysyn.loggers.mlflow import MLflow
from anysyn.loggers.tensorboard import TensorBoard
from anysyn.loggers.wandb import WeightsAndBiases

__all__ = ["JsonLines", "Logger", "MLflow", "Place", "TensorBoard", "WeightsAndBiases"]
