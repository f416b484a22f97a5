"""The known causes behind a throughput and a power: a table of what each looks like.

Shares compare what was seen with what is expected of the setup as it was told. Texts hold
placeholders: ``{label}`` is the precision that was told, ``{other}`` the one that it runs as,
``{batch}`` the batch size that was told, ``{seen}`` the one that it runs at, ``{half}`` a sentence
on what FP16 needs, ``{pure}`` one on what INT8 at threshold 0.0 costs in accuracy, ``{limit}`` the
most tokens per second that the card's memory allows.
"""

from __future__ import annotations

from ecocompute_lint.frozen import dataclass

Interval = tuple[float, float]
"""From, to."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """A known cause: what it is, what to do about it in this order, and how to check."""

    title: str
    cause: str
    fixes: tuple[str, ...]
    verify: str


@dataclass(frozen=True, slots=True)
class Situation:
    """A cause without a measurement of its own: where throughput and power then lie.

    `speed` is a share of the expected throughput. `power` is a share of the way from idle power to
    the expected power where the end is ``expected``, or to the board's limit where it is ``limit``.
    """

    pattern: Pattern
    speed: Interval
    power: Interval
    end: str = "expected"


# --- as another setup does ------------------------------------------------------------------------

AS_EXPECTED = Pattern(
    "as expected",
    "It runs as {label} at batch size {batch} does in the measurements: nothing is broken.",
    (
        "Compare precisions and batch sizes with `ecolint compare` and `ecolint optimize`.",
        "Gather requests that arrive together into batches.",
    ),
    "Measure again after each change, with the same prompts and lengths.",
)
TRAP = Pattern(
    "as expected, and slow by nature",
    "It runs as {label} does in the measurements. The setup itself is what costs: {trap}.",
    (
        "Load in 16 bit where it fits. {half}",
        "Compare the others with `ecolint compare` and `ecolint optimize`.",
    ),
    "Measure again after each change, with the same prompts and lengths.",
)
TRAPS = {
    "int8_mixed": "with an outlier threshold every linear layer splits its input in two",
    "fp8_eager": "without compilation the weights are converted back for every product",
    "fp8_dyn_eager": "without compilation every product converts its operands one by one",
    "nf4_dq": "the constants of the quantization have to be decoded as well",
}
"""Why a precision is slow by nature."""

AS_ANOTHER = {
    "int8_mixed": Pattern(
        "runs as {other}",
        "It runs as INT8 with the outlier threshold on, not as {label}: every linear layer splits "
        "its input in two. `load_in_8bit=True` alone means a threshold of 6.0.",
        (
            "Load in 16 bit where it fits. {half}",
            "Otherwise pass `llm_int8_threshold=0.0` in the BitsAndBytesConfig that reaches "
            "`from_pretrained`. {pure}",
        ),
        "Print `model.config.quantization_config`: `llm_int8_threshold` is what is in effect.",
    ),
    "int8_pure": Pattern(
        "runs as {other}",
        "It runs as INT8 with the outlier threshold at 0.0, not as {label}.",
        (
            "Look for `llm_int8_threshold=0.0` in the configuration that reaches the load.",
            "Test the accuracy of your task: without outliers in 16 bit some models lose much.",
        ),
        "Print `model.config.quantization_config`: `llm_int8_threshold` is what is in effect.",
    ),
    "fp16": Pattern(
        "runs as {other}",
        "It runs as the model does in 16 bit: the quantization to {label} is not in effect.",
        (
            "Pass the configuration as `quantization_config=` to the call that loads the model: "
            "setting it on a loaded model does nothing.",
            "Load the checkpoint that you mean: another one may be cached under the same name.",
        ),
        "Compare `model.get_memory_footprint()` with the weights that {label} should need.",
    ),
    "nf4_dq": Pattern(
        "runs as {other}",
        "It runs as NF4 with double quantization does.",
        (
            "Leave out `bnb_4bit_use_double_quant=True`: it saves little memory and costs energy.",
            "Set `bnb_4bit_compute_dtype` to a 16-bit type.",
        ),
        "Print `model.config.quantization_config`: `bnb_4bit_use_double_quant`.",
    ),
    "fp8_eager": Pattern(
        "runs as {other}",
        "It runs as FP8 weights do without compilation: they are converted for every product.",
        (
            "Compile the model after quantizing it (`torch.compile`), or use a serving engine with "
            "FP8 kernels.",
            "Otherwise load in 16 bit where it fits. {half}",
        ),
        "Profile one step and look for conversion kernels between the matrix products.",
    ),
}
ANOTHER = Pattern(
    "runs as {other}",
    "It runs as {other} does, not as {label}.",
    (
        "Check which configuration reaches the call that loads the model.",
        "Check that the checkpoint is the one that you mean.",
    ),
    "Print `model.config.quantization_config` and `model.dtype`.",
)
MIX_UPS = {
    "int8_pure": ("int8_mixed", "fp16"),
    "int8_mixed": ("int8_pure", "fp16"),
    "nf4": ("nf4_dq", "fp16", "int8_mixed"),
    "nf4_dq": ("nf4", "fp16"),
    "fp8_eager": ("fp8_dyn_eager", "fp16"),
    "fp8_dyn_eager": ("fp8_eager", "fp16"),
    "fp16": ("int8_mixed", "nf4"),
}
"""What a precision is easily mistaken for: options left out, or not passed on."""
ALONE = Pattern(
    "runs one request at a time",
    "It runs as batch size 1 does: the batch of {batch} is not in effect.",
    (
        "Pass all prompts of the batch to one call, padded on the left.",
        "Gather requests that arrive together, or serve with an engine that batches continuously.",
    ),
    "Print the shape of `input_ids` where `generate` is called.",
)
SMALLER = Pattern(
    "runs at a smaller batch size",
    "It runs as batch size {seen} does: part of the batch of {batch} is not in effect.",
    (
        "Look for sequences that end early and leave their place in the batch empty.",
        "Gather requests of like length, or use an engine that batches continuously.",
    ),
    "Count the generated tokens of each sequence, and print the shape of `input_ids`.",
)
LARGER = Pattern(
    "runs at a larger batch size",
    "It runs as batch size {seen} does: more is decoded together than the {batch} that was told.",
    (
        "Tell the batch size as it is: engines choose it by themselves.",
        "Count the tokens of one deployment only, if several share the measurement.",
    ),
    "Log the running batch size of the engine, or the shape of `input_ids`.",
)

# --- what no row stands for -----------------------------------------------------------------------

SITUATIONS = (
    Situation(
        Pattern(
            "not wholly on the GPU",
            "Layers are outside the GPU, on the CPU or on disk, or the model runs on the CPU.",
            (
                "Look for `device_map`, `offload_folder` and `max_memory`: they move layers away "
                "when memory is short.",
                "Free GPU memory: fewer or shorter sequences, one process, a smaller model, or a "
                "precision that fits.",
                "Install the CUDA build of PyTorch if `torch.cuda.is_available()` is false.",
            ),
            "Print `model.hf_device_map`: no value may be `cpu` or `disk`.",
        ),
        speed=(0.002, 0.4),
        power=(0.0, 0.6),
    ),
    Situation(
        Pattern(
            "the GPU waits for the host",
            "The GPU pauses between kernels: the host is slow, busy or does other work per token.",
            (
                "Rule out other processes on the host, and a powersave governor of the processor.",
                "Move tokenizing, streaming, logging and network calls out of the decoding loop.",
                "Launch fewer kernels: larger batches, a static cache with `torch.compile`, or a "
                "serving engine.",
            ),
            "Profile some steps: gaps between kernels on the GPU's timeline are waiting.",
        ),
        speed=(0.25, 0.9),
        power=(0.3, 0.95),
    ),
    Situation(
        Pattern(
            "the GPU works for more than this",
            "The GPU draws the power of more tokens than come out: something else shares it, or "
            "each token costs more work than usual.",
            (
                "Look for other processes on the GPU with `nvidia-smi`.",
                'Load in 16 bit (`dtype="auto"`); float32 weights or a float32 compute type for '
                "4 bit double the work.",
                "Leave the key-value cache on (`use_cache`), and measure with the prompt lengths "
                "that you told.",
            ),
            "List the processes on the GPU, and print `model.dtype` and `model.config.use_cache`.",
        ),
        speed=(0.25, 1.0),
        power=(0.95, 3.0),
    ),
    Situation(
        Pattern(
            "held at the power limit",
            "The board draws all it may and still does less than expected: it is throttled by its "
            "power or temperature limit, or shared.",
            (
                "Compare the power limit in `nvidia-smi -q -d POWER` with the card's own.",
                "Improve cooling if clocks fall with temperature.",
                "Look for other processes on the GPU.",
            ),
            "Read the reasons for throttling in `nvidia-smi -q -d PERFORMANCE` while it runs.",
        ),
        speed=(0.4, 0.85),
        power=(0.93, 1.03),
        end="limit",
    ),
    Situation(
        Pattern(
            "faster than one eager model",
            "More comes out than eager decoding gives: kernels are compiled, an engine serves the "
            "model, or tokens are counted differently.",
            (
                "Count generated tokens only, without those of the prompts.",
                "Tell the batch size as it is: engines choose it by themselves.",
                "If it is compiled or served by an engine, measure energy as well: the data hold "
                "eager decoding only, and yours would be worth adding.",
            ),
            "Divide the generated tokens of one request by its time from first to last token.",
        ),
        speed=(1.15, 12.0),
        power=(0.5, 3.0),
    ),
)

# --- what cannot be -------------------------------------------------------------------------------

TOO_FAST = Pattern(
    "more than the memory of the card allows",
    "Each step of decoding reads all active weights, which this card can do for at most about "
    "{limit} tokens per second at batch size {batch}. What was seen is no rate of generated tokens "
    "of this setup.",
    (
        "Count generated tokens only, without those of the prompts.",
        "Tell the batch size as it is: engines choose it by themselves.",
        "Divide by the number of GPUs if several share the load.",
    ),
    "Divide the generated tokens of one request by its time from first to last token.",
)
NOT_THE_BOARD = Pattern(
    "not the power of this board",
    "The power lies outside what the board can draw, from idle to its limit: it was read elsewhere "
    "or over another time.",
    (
        "Read `power.draw` of this GPU with `nvidia-smi` or NVML, averaged while it decodes.",
        "Leave out the rest of the machine and other GPUs, and do not subtract idle power.",
    ),
    "Compare with the power limit that `nvidia-smi -q -d POWER` prints.",
)
