"""Tiny models of random weights, under the names that real models have on the hub.

They lie in a cache of the hub's own layout, so that code which asks for
`mistralai/Mistral-7B-v0.3` gets one without a change, and nothing is downloaded.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import transformers
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

VOCABULARY = 128
REVISION = "0123456789abcdef0123456789abcdef01234567"
WIDTH = {"vocab_size": VOCABULARY, "hidden_size": 64, "intermediate_size": 128}
LLAMA = WIDTH | {
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 512,
}
OLDER = {"n_embd": 64, "n_layer": 2, "n_head": 4, "n_positions": 512, "vocab_size": VOCABULARY}
T5 = {
    "vocab_size": VOCABULARY,
    "d_model": 64,
    "d_kv": 16,
    "d_ff": 128,
    "num_layers": 2,
    "num_heads": 4,
}
VISION = {
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
}
IMAGE = {"image_size": 28, "patch_size": 14}

SIZES: dict[str, dict[str, Any]] = {
    "llama": LLAMA,
    "mistral": LLAMA,
    "qwen2": LLAMA,
    "phi": LLAMA | {"num_key_value_heads": 4},
    "falcon": WIDTH | {"num_hidden_layers": 2, "num_attention_heads": 4, "ffn_hidden_size": 128},
    "bloom": {"vocab_size": VOCABULARY, "hidden_size": 64, "n_layer": 2, "n_head": 4},
    "opt": WIDTH
    | {"ffn_dim": 128, "num_hidden_layers": 2, "num_attention_heads": 4, "word_embed_proj_dim": 64},
    "gpt2": OLDER,
    "gptj": OLDER | {"rotary_dim": 16},
    "t5": T5 | {"decoder_start_token_id": 0},
    "blip-2": {
        "vision_config": VISION | IMAGE,
        "qformer_config": VISION | {"vocab_size": VOCABULARY, "encoder_hidden_size": 64},
        "text_config": T5
        | {"model_type": "t5", "decoder_start_token_id": 0, "bos_token_id": 3, "eos_token_id": 1},
        "num_query_tokens": 4,
    },
    "llava": {
        "vision_config": VISION | IMAGE | {"model_type": "clip_vision_model"},
        "text_config": LLAMA | {"model_type": "llama"},
        "image_token_index": 5,
    },
    "qwen2_vl": {
        "text_config": LLAMA
        | {
            "model_type": "qwen2_vl_text",
            "rope_scaling": {"type": "mrope", "rope_type": "default", "mrope_section": [2, 3, 3]},
        },
        "vision_config": {"depth": 2, "embed_dim": 64, "hidden_size": 64, "num_heads": 4},
        "image_token_id": 5,
        "video_token_id": 6,
        "vision_start_token_id": 7,
        "vision_end_token_id": 8,
    },
}
CLASSES = {
    "t5": "T5ForConditionalGeneration",
    "blip-2": "Blip2ForConditionalGeneration",
    "llava": "LlavaForConditionalGeneration",
    "qwen2_vl": "Qwen2VLForConditionalGeneration",
}
# The first that a name of the hub contains; else a Llama.
KINDS = {
    "blip2": "blip-2",
    "llava": "llava",
    "qwen2-vl": "qwen2_vl",
    "qwen": "qwen2",
    "mistral": "mistral",
    "falcon": "falcon",
    "t5": "t5",
    "bloom": "bloom",
    "phi-2": "phi",
    "gpt-j": "gptj",
    "gpt2": "gpt2",
    "opt-": "opt",
    "lora": "adapter",
    "flux": "flux",
    "diffus": "flux",
}
NAME = re.compile(r"[A-Za-z][\w.-]*/[\w.-]+|gpt2[\w-]*")


class Hub:
    """A cache of the hub that is filled as names are asked for."""

    def __init__(self, root: Path) -> None:
        self.cache = root / "hub"
        self.models = root / "models"
        self.models.mkdir(parents=True)

    def model(self, kind: str) -> Path:
        """The folder of the tiny model of a kind, made when it is first asked for."""
        folder = self.models / kind
        if not folder.exists():
            folder.mkdir()
            MAKERS.get(kind, make_model)(self, kind, folder)
        return folder

    def provide(self, name: str) -> None:
        """Makes a name of the hub loadable."""
        home = self.cache / f"models--{name.replace('/', '--')}"
        if home.exists() or not NAME.fullmatch(name):
            return
        kind = next((kind for part, kind in KINDS.items() if part in name.lower()), "llama")
        (home / "snapshots").mkdir(parents=True)
        (home / "refs").mkdir()
        (home / "refs" / "main").write_text(REVISION)
        (home / "snapshots" / REVISION).symlink_to(self.model(kind), target_is_directory=True)


def tokenizer() -> transformers.PreTrainedTokenizerFast:
    """Knows a few words, and has each special token that models ask for."""
    special = ["<pad>", "</s>", "<unk>", "<s>"]
    words = special + [f"word{number}" for number in range(VOCABULARY - len(special))]
    model = WordLevel({word: number for number, word in enumerate(words)}, unk_token="<unk>")
    inner = Tokenizer(model)
    inner.pre_tokenizer = Whitespace()
    names = dict(zip(("pad_token", "eos_token", "unk_token", "bos_token"), special, strict=True))
    template = "{% for message in messages %}{{ message['content'] }} {% endfor %}"
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=inner,
        chat_template=template,
        model_input_names=["input_ids", "attention_mask"],
        **names,
    )


def make_model(hub: Hub, kind: str, folder: Path) -> None:
    """A model of random weights that are stored in bfloat16, as most are."""
    torch.manual_seed(0)
    special = {"pad_token_id": 0, "eos_token_id": 1, "bos_token_id": 3}
    config = transformers.AutoConfig.for_model(kind, **SIZES[kind], **special)
    if kind in CLASSES:
        model = getattr(transformers, CLASSES[kind])(config)
    else:
        model = transformers.AutoModelForCausalLM.from_config(config)
    model.to(torch.bfloat16).save_pretrained(folder)
    tokenizer().save_pretrained(folder)


def make_adapter(hub: Hub, kind: str, folder: Path) -> None:
    """A LoRA adapter for the tiny Llama."""
    from peft import LoraConfig, get_peft_model

    base = transformers.AutoModelForCausalLM.from_pretrained(hub.model("llama"))
    adapter = get_peft_model(base, LoraConfig(r=2, task_type="CAUSAL_LM"))
    adapter.peft_config["default"].base_model_name_or_path = str(hub.model("llama"))
    adapter.save_pretrained(folder)


def make_flux(hub: Hub, kind: str, folder: Path) -> None:
    """What is quantized of a diffusion pipeline: its transformer and a text encoder."""
    from diffusers import FlowMatchEulerDiscreteScheduler, FluxTransformer2DModel

    FluxTransformer2DModel(
        in_channels=4,
        num_layers=1,
        num_single_layers=1,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=64,
        pooled_projection_dim=32,
        axes_dims_rope=(4, 4, 8),
    ).to(torch.bfloat16).save_pretrained(folder / "transformer")
    config = transformers.T5Config(**SIZES["t5"])
    transformers.T5EncoderModel(config).save_pretrained(folder / "text_encoder_2")
    FlowMatchEulerDiscreteScheduler().save_pretrained(folder / "scheduler")
    parts = {
        "scheduler": ["diffusers", "FlowMatchEulerDiscreteScheduler"],
        "text_encoder_2": ["transformers", "T5EncoderModel"],
        "transformer": ["diffusers", "FluxTransformer2DModel"],
    }
    parts |= {name: [None, None] for name in ("vae", "text_encoder", "tokenizer", "tokenizer_2")}
    index = {"_class_name": "FluxPipeline", "_diffusers_version": "0.35.0", **parts}
    (folder / "model_index.json").write_text(json.dumps(index))


MAKERS: dict[str, Callable[[Hub, str, Path], None]] = {"adapter": make_adapter, "flux": make_flux}
