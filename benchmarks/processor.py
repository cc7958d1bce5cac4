"""The processor that a benchmark runs on, and the instructions that its products are computed by: a figure is of both.

    from processor import processor_line
    print(processor_line())

AMD EPYC 7R13 Processor, 2 cores, Linux x86_64; products: float32 AVX2, bfloat16 none, int8 AVX2, no VNNI

It takes the instructions from torch, if that is installed, on every system; else from the system itself. Works without
numpy, so in the rivals' environments too.
"""

import os
import platform
import subprocess
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

FLOAT32 = {"avx512_f": "AVX-512", "avx2": "AVX2", "sve": "SVE", "neon": "NEON"}
BFLOAT16 = {"amx_bf16": "AMX", "avx512_bf16": "AVX512-BF16", "arm_bf16": "ARM BF16"}
INT8 = {
    "amx_int8": "AMX",
    "avx512_vnni": "AVX-512 VNNI",
    "avx_vnni": "AVX-VNNI",
    "arm_i8mm": "ARM I8MM",
    "arm_dot": "ARM dot products",
}
"""Instructions for products of each kind of number, the fastest first, by what they are called here."""

ALIASES = {
    "avx512f": "avx512_f",
    "asimd": "neon",
    "bf16": "arm_bf16",
    "i8mm": "arm_i8mm",
    "asimddp": "arm_dot",
    "dot": "arm_dot",
    "neon_bf16": "arm_bf16",
    "neon_i8mm": "arm_i8mm",
    "neon_dot": "arm_dot",
}
"""Other names that torch and Linux have for them."""

SYSCTL = {
    "hw.optional.avx2_0": "avx2",
    "hw.optional.avx512f": "avx512_f",
    "hw.optional.AdvSIMD": "neon",
    "hw.optional.arm.FEAT_BF16": "arm_bf16",
    "hw.optional.arm.FEAT_I8MM": "arm_i8mm",
    "hw.optional.arm.FEAT_DotProd": "arm_dot",
}
WINDOWS = {40: "avx2", 41: "avx512_f", 19: "neon", 43: "arm_dot"}
"""Of `IsProcessorFeaturePresent`, which knows no others of these."""


def processor_line() -> str:
    """The processor and the instructions of its products, for the first line of what a benchmark prints."""
    facts = processor_facts()
    products = ", ".join(f"{kind} {facts[kind]}" for kind in ("float32", "bfloat16", "int8"))
    return f"{facts['processor']}, {facts['cores']} cores, {facts['system']}; products: {products}"


def processor_facts() -> dict[str, object]:
    """The same for programs: `processor`, `cores`, `system`, and the instructions for `float32`, `bfloat16`, `int8`."""
    able = instructions()
    float32 = _first(FLOAT32, able) or "not known"
    if torch := installed_torch():
        capability = torch.backends.cpu.get_cpu_capability()  # what ATEN_CPU_CAPABILITY may have lowered
        named = {"AVX512": "AVX-512", "DEFAULT": "none"}.get(capability, capability)
        if float32.startswith("AVX") and named != float32:
            float32 = f"{float32}, of which torch takes {named}"
    return {
        "processor": name(),
        "cores": os.cpu_count() or 1,
        "system": f"{platform.system()} {platform.machine()}",
        "float32": float32,
        "bfloat16": _first(BFLOAT16, able) or "none",
        "int8": _first(INT8, able) or f"{_first(FLOAT32, able) or 'not known'}, no VNNI",
    }


def name() -> str:
    """The processor's name, as its maker sells it, if the system knows that."""
    if sys.platform == "win32":
        import winreg

        with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, r"HARDWARE\DESCRIPTION\System\CentralProcessor\0") as key:
            return str(winreg.QueryValueEx(key, "ProcessorNameString")[0]).strip()
    if sys.platform == "darwin":
        return _sysctl("machdep.cpu.brand_string") or platform.machine()
    entries = _cpuinfo()
    known = next((entries[key] for key in ("model name", "Model", "Hardware") if entries.get(key)), "")
    return known or platform.processor() or platform.machine()


def instructions() -> set[str]:
    """Those of the instructions above that the processor has."""
    present: set[str] = set()
    if (torch := installed_torch()) and hasattr(torch.cpu, "get_capabilities"):  # torch 2.9 has it not
        present |= {key for key, able in torch.cpu.get_capabilities().items() if able is True}
    if sys.platform == "win32":
        import ctypes

        has = ctypes.windll.kernel32.IsProcessorFeaturePresent
        present |= {called for number, called in WINDOWS.items() if has(number)}
    elif sys.platform == "darwin":
        present |= {called for key, called in SYSCTL.items() if _sysctl(key) == "1"}
    else:
        entries = _cpuinfo()
        present |= set((entries.get("flags") or entries.get("Features") or "").split())
    return {ALIASES.get(one, one) for one in present}


def installed_torch() -> ModuleType | None:
    """torch, where it is installed."""
    return import_module("torch") if find_spec("torch") else None


def _first(kind: dict[str, str], able: set[str]) -> str:
    return next((named for called, named in kind.items() if called in able), "")


def _cpuinfo() -> dict[str, str]:
    """What Linux says of its first processor."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return {}
    entries = [entry.partition(":") for entry in text.splitlines() if ":" in entry]
    return {key.strip(): value.strip() for key, _, value in reversed(entries)}


def _sysctl(key: str) -> str:
    done = subprocess.run(["/usr/sbin/sysctl", "-n", key], capture_output=True, text=True, check=False)
    return done.stdout.strip()


if __name__ == "__main__":
    print(processor_line())
