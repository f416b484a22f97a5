"""Programs of the command line, as far as one has to know them to see what they run."""

from __future__ import annotations

import re

SHELLS = frozenset("bash sh zsh dash ash ksh".split())
"""What reads a script from its standard input."""
REMOTE = frozenset(
    "ssh eval tmux screen su runuser srun xargs watch script docker podman nerdctl kubectl oc"
    " singularity apptainer flock conda parallel gcloud wsl cmd salloc sbatch enroot"
    " systemd-run setsid source .".split()
)
"""What runs a word of its command line as a script."""
STARTS = re.compile(
    r"\s*(?:sudo |nohup |exec |time |env |cd |source |export |set |\w+=)*\s*[\w./-]*"
    r"(?:vllm|sglang|text-generation-launcher|lmdeploy|lm_eval|lm-eval|litgpt|transformers"
    r"|python[\d.]*|pip3?|uv|conda|mamba|docker)\s"
)
"""How a text begins that is a command, whatever it is given to."""
TALKERS = frozenset(
    "echo printf cat tee grep egrep fgrep rg pgrep pkill killall kill ps sed awk which type alias"
    " log info warn warning error die msg say print git curl wget rm cp mv ls cd mkdir touch chmod"
    " chown ln find tar export trap read test [ [[ sleep pip-compile man apropos".split()
)
"""What runs none of the words it is given."""
PREFIXES = frozenset(
    "sudo nohup exec time env command builtin nice ionice setsid stdbuf timeout numactl".split()
)
"""What runs the command behind it."""
CONTAINERS = frozenset("docker podman nerdctl".split())
NO_CONTAINERS = frozenset(
    "network volume buildx builder compose context config secret service image stack swarm plugin"
    " manifest exec build pull push login machine pod".split()
)
"""Commands of theirs that have a ``create`` or ``run`` of another sort."""
FLAGS = frozenset(
    "--rm -d --detach -i --interactive -t --tty --init --privileged --read-only -P --publish-all"
    " -q --quiet --no-healthcheck --oom-kill-disable --sig-proxy --disable-content-trust"
    " --help --replace --tls-verify".split()
)
"""Options of ``docker run`` without a value."""
SHORT_FLAGS = frozenset("ditPq")
SHORT_VALUED = frozenset("evpwunmhlac")
"""Short options whose value may follow without a blank."""
INSTALLERS = ("pip", "uv", "conda", "mamba", "poetry", "pdm", "rye", "hatch")
MAY_RUN = re.compile(
    r"vllm|sglang|text-generation-launcher|lmdeploy|lm_eval|lm-eval|litgpt|transformers"
    r"|\bpip3?\b|\buv\b|\b(?:conda|mamba)\b|\bdocker\b"
)
"""What stands in every text that runs something of interest."""
MACHINE_TESTS = re.compile(
    r"-[defhLrswxgu]\s|command\s+-v|\bwhich\b|\btype\b|\bhash\b|nvidia-smi|\buname\b|OSTYPE|\barch\b"
    r"|TARGETPLATFORM|TARGETARCH|\blspci\b|\bgrep\b"
    r"|\bpgrep\b|\bpip3?\s+show\b|EUID|id -u|\bnproc\b|rocm|\bdpkg\b"
)
"""Tests of the machine, and not of what somebody asks for."""
