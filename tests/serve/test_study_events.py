"""Listeners get the changes in a study's folder, and nothing else."""

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from pathlib import Path

import pytest
from studied import begin, epoch

from mien.disk import append_line
from mien.runs.study_folder import StudyFolder
from mien.serve import study_events
from mien.serve.studies import Studies
from mien.serve.study_events import Message, StudyEvents

SOON = 20.0
"""Seconds to wait for what should come in a fraction of one."""


async def heard(messages: AsyncGenerator[Message]) -> tuple[str, dict]:
    message = await asyncio.wait_for(anext(messages), SOON)
    return message.kind, json.loads(message.data)


def listening(study: Path, hear: Callable[[StudyEvents, AsyncGenerator[Message]], Awaitable[None]]) -> StudyEvents:
    """Listen to a study, and look every hundredth of a second."""

    async def listen() -> StudyEvents:
        events = StudyEvents(Studies(study.parent), every=0.01)
        async with aclosing(events.listen(StudyFolder(study))) as messages:
            await hear(events, messages)
        return events

    return asyncio.run(listen())


def test_first_the_whole_then_each_epoch_and_the_end(study: Path) -> None:
    run = begin(study)

    async def hear(_: StudyEvents, messages: AsyncGenerator[Message]) -> None:
        kind, whole = await heard(messages)
        assert kind == "study"
        assert {one["state"] for one in whole["run_facts"]} == {"finished", "running"}
        for number in (1, 2):
            append_line(run.folder / "history.jsonl", epoch(number, 1.0))
            kind, facts = await heard(messages)
            assert (kind, facts["run"], facts["epochs"]) == ("run", run.id, number)
            assert len(facts["curves"]["validation_loss"]) == number
        state = json.loads((run.folder / "state.json").read_text(encoding="utf-8"))
        (run.folder / "state.json").write_text(
            json.dumps(state | {"state": "failed", "reason": "loss is nan"}), encoding="utf-8"
        )
        # The end of its last running run changes how the study stands, so that the whole is sent.
        kind, whole = await heard(messages)
        assert (kind, whole["states"]) == ("study", {"finished": 4, "failed": 1})

    listening(study, hear)


def test_a_new_run_and_new_results_are_sent(study: Path) -> None:
    async def hear(_: StudyEvents, messages: AsyncGenerator[Message]) -> None:
        await heard(messages)
        run = begin(study, "new")
        kind, whole = await heard(messages)
        while kind != "study" or whole["state"] != "running":
            kind, whole = await heard(messages)
        assert run.id in {one["run"] for one in whole["run_facts"]}
        results = json.loads((study / "results.json").read_text(encoding="utf-8"))
        (study / "results.json").write_text(json.dumps(results | {"command": "mien study again"}), encoding="utf-8")
        kind, whole = await heard(messages)
        while kind != "study" or whole["command"] != "mien study again":
            kind, whole = await heard(messages)

    listening(study, hear)


def test_nothing_is_sent_where_nothing_changes_and_nobody_looks_when_nobody_listens(
    study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = 0
    real = study_events.changes_since

    def counted(*arguments: object) -> object:
        nonlocal looks
        looks += 1
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(study_events, "changes_since", counted)

    async def quiet() -> None:
        events = StudyEvents(Studies(study.parent), every=0.01)
        listeners = [events.listen(StudyFolder(study)) for _ in range(5)]
        for one in listeners:
            await heard(one)
        waiting = [asyncio.ensure_future(anext(one)) for one in listeners]
        await asyncio.sleep(0.5)
        assert not any(task.done() for task in waiting)
        assert 1 <= looks <= 50  # one look for all five, not one each
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        for one in listeners:
            await one.aclose()
        before = looks
        await asyncio.sleep(0.2)
        assert looks <= before + 1

    asyncio.run(quiet())


def test_closing_lets_all_listeners_go_and_takes_no_more(study: Path) -> None:
    async def close() -> None:
        events = StudyEvents(Studies(study.parent), every=0.01)
        listeners = [events.listen(StudyFolder(study)) for _ in range(3)]
        for one in listeners:
            await heard(one)
        events.close()
        for one in listeners:
            with pytest.raises(StopAsyncIteration):
                await asyncio.wait_for(anext(one), SOON)
        assert events.full

    asyncio.run(close())


def test_a_listener_that_falls_behind_is_let_go_and_others_are_not(
    study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(study_events, "WAITING", 2)
    run = begin(study)

    async def fall_behind() -> None:
        events = StudyEvents(Studies(study.parent), every=0.01)
        slow, quick = events.listen(StudyFolder(study)), events.listen(StudyFolder(study))
        await heard(slow)
        await heard(quick)
        for number in range(1, 5):
            append_line(run.folder / "history.jsonl", epoch(number, 1.0))
            assert (await heard(quick))[1]["epochs"] == number
        missed = [message async for message in slow]
        assert len(missed) < 4
        await quick.aclose()

    asyncio.run(fall_behind())


def test_no_more_listen_than_are_allowed(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(study_events, "LISTENERS", 1)

    async def hear(events: StudyEvents, messages: AsyncGenerator[Message]) -> None:
        assert not events.full
        await heard(messages)
        assert events.full

    assert not listening(study, hear).full
