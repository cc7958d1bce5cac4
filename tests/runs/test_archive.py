from pathlib import Path

from mien.disk import TMP_SUFFIX
from mien.runs.archive import archive_run, restore_run
from mien.runs.run import Run


def test_a_run_goes_through_bytes_to_another_folder(study: Path, tmp_path: Path) -> None:
    run = Run(next((study / "runs").glob("flat-*")))
    (run.folder / f".weights.x{TMP_SUFFIX}").touch()  # of a process that was killed while it wrote
    (run.folder / "inner").mkdir()
    archive = archive_run(run)
    assert sorted(archive) == ["history.jsonl", "run.json", "state.json", "train.npz", "validation.npz"]
    there = tmp_path / "there" / run.id
    there.mkdir(parents=True)
    (there / "checkpoint.safetensors").touch()
    restored = restore_run(archive, there)
    assert archive_run(restored) == archive
    assert not (there / "checkpoint.safetensors").exists()
    assert (restored.config, restored.status.state) == (run.config, "finished")
