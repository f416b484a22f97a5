"""The card whose power is read, through NVML: the library of NVIDIA's driver."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ecocompute_lint.frozen import dataclass
from ecocompute_lint.measure.power import RATE, Counter, Meter, Sampler, SensorError


@dataclass(frozen=True, slots=True)
class Card:
    """The card that is measured: what NVML calls it, its driver, and who else uses it."""

    name: str
    driver: str
    others: int
    """Processes that compute on it beside this one."""
    meter: Meter


class NoCard(Exception):  # noqa: N818  (a state of the machine)
    """There is no card whose power can be read. The text says what is missing."""


def nvml_card(index: int, visible: str | None) -> Card:
    """The card with this number among those that CUDA shows (`visible`: CUDA_VISIBLE_DEVICES).

    Raises:
        NoCard: if there is none.
    """
    try:
        import pynvml
    except ImportError:
        raise NoCard("the package nvidia-ml-py is not installed") from None
    nvml: Any = pynvml
    try:
        nvml.nvmlInit()
        handle = _handle(nvml, index, visible)
        name, driver = nvml.nvmlDeviceGetName(handle), nvml.nvmlSystemGetDriverVersion()
        others = len(nvml.nvmlDeviceGetComputeRunningProcesses(handle))
        return Card(_text(name), _text(driver), others, _meter(nvml, handle))
    except nvml.NVMLError as error:
        raise NoCard(f"NVML, the library of NVIDIA's driver: {error}") from None


def _handle(nvml: Any, index: int, visible: str | None) -> Any:
    names = [part.strip() for part in (visible or "").split(",") if part.strip()]
    if visible is not None and index >= len(names):
        raise NoCard(f"CUDA_VISIBLE_DEVICES={visible} shows no device {index}")
    name = names[index] if names else str(index)
    if name.isdecimal():
        return nvml.nvmlDeviceGetHandleByIndex(int(name))
    return nvml.nvmlDeviceGetHandleByUUID(name)


def _meter(nvml: Any, handle: Any) -> Meter:
    """The energy counter, which no sample can miss; samples where the card has none."""

    def reader(read: Callable[[Any], int]) -> Callable[[], float]:
        def value() -> float:
            try:
                return read(handle) / 1000  # milliwatts or millijoules
            except nvml.NVMLError as error:
                raise SensorError(f"NVML: {error}") from None

        return value

    try:
        nvml.nvmlDeviceGetTotalEnergyConsumption(handle)
    except nvml.NVMLError:
        nvml.nvmlDeviceGetPowerUsage(handle)
        how = f"NVML board power at {RATE} Hz"
        return Sampler(reader(nvml.nvmlDeviceGetPowerUsage), how, nvml.nvmlShutdown)
    how = "NVML energy counter"
    return Counter(reader(nvml.nvmlDeviceGetTotalEnergyConsumption), how, nvml.nvmlShutdown)


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
