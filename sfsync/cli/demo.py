from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sfsync.cli.common import Output, emit, fail, note, progress, shared

if TYPE_CHECKING:
    from sfsync.model import Change
    from sfsync.practice.serve import PracticeServer

MARK = "# written by `sfsync demo`; running the demo again replaces this folder's files\n"
Progress = Callable[[str, int, int | None], None]


@click.command()
@click.option("--leads", default=5000, show_default=True, type=click.IntRange(10, 1_000_000), help="Size of the org.")
@click.option("--seed", default=1, show_default=True, help="Another seed makes another org.")
@click.option(
    "--folder",
    default="sfsync-demo",
    show_default=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the config, the warehouse and the plan are left to look at.",
)
@shared
def demo(leads: int, seed: int, folder: Path, output: Output) -> None:
    """Run the whole loop against a practice org: pull, check, dedupe, plan, push, and pull again.

    The org is made up, with known defects and duplicates planted in it, and served on this machine only. The last line
    says how many of them were found.
    """
    from sfsync.practice.generate import generate
    from sfsync.practice.org import PracticeOrg
    from sfsync.practice.serve import PracticeServer

    _clear(folder)
    steps: list[Step] = []
    org = PracticeOrg()
    try:
        with progress(output) as tell:
            clock = time.monotonic()
            generate(org, leads=leads, seed=seed, progress=tell)
            steps.append(
                Step("practice org", f"{leads:,} leads with accounts, contacts, deals", time.monotonic() - clock)
            )
            with PracticeServer(org) as server:
                config = _write_config(folder, server)
                loop = _Loop(config, folder / "plan.jsonl", _planted_rules(org), tell, output, steps)
                loop.run()
            score = _score(org, loop.found, loop.clusters)
    finally:
        org.close()
    document = {"command": "demo", "steps": [vars(s) for s in steps], **score, "left": loop.left, "open": loop.open}
    rows = [{"step": s.step, "what": s.what, "seconds": round(s.seconds, 1)} for s in steps]
    emit(output, document, rows, _last_words(score, loop, folder))
    if loop.left:
        fail(f"the second plan still holds {loop.left} of the changes that were pushed; it should hold none.", 1)


@dataclass
class Step:
    step: str
    what: str
    seconds: float


class _Loop:
    """The verbs of a cron job, one after the other, with a line said about each."""

    def __init__(
        self, config: Path, plan: Path, accepted: Collection[str], tell: Progress, output: Output, steps: list[Step]
    ):
        self.config, self.plan, self.tell, self.output, self.steps = config, plan, tell, output, steps
        self.accepted = accepted
        self.found: set[tuple[str, str]] = set()
        self.clusters: list[set[str]] = []
        self.left = 0
        """Changes of the second plan that were accepted and pushed already."""
        self.open = 0
        """Changes nobody accepted: the demo mends what is broken and leaves what is a matter of judgement."""

    def run(self) -> None:
        from sfsync import api

        self.step("pull", self.pull)
        result = self.step("check", self.check)
        self.found = {(f["rule"], f["id"]) for f in result["findings"]}
        clusters = self.step("dedupe", self.dedupe)
        self.clusters = [{r["id"] for r in c["records"]} for c in clusters]
        self.step("plan", self.make_plan)
        self.step("review", self.review)
        self.step("push", self.push)
        self.step("pull again", self.pull)
        self.step("check again", self.check)
        api.dedupe(self.config)
        again = self.step("plan again", self.make_plan)
        self.left = sum(self.meant(change) for change in again.changes)
        self.open = len(again.changes) - self.left

    def meant(self, change: Change) -> bool:
        return change.op == "update" and any(b.get("rule") in self.accepted or "cluster" in b for b in change.because)

    def step(self, name: str, verb: Callable[[], tuple[str, Any]]) -> Any:
        clock = time.monotonic()
        what, result = verb()
        self.steps.append(Step(name, what, time.monotonic() - clock))
        note(self.output, f"{name:<12} {what}")
        return result

    def pull(self) -> tuple[str, Any]:
        from sfsync import api

        run = api.new_run("pull")
        result = api.pull(self.config, progress=self.tell, run=run)
        if result.exit_code:
            fail("; ".join(o.error for o in result.objects if o.error) or str(result.stopped), result.exit_code)
        read, changed = sum(o.read for o in result.objects), sum(o.inserted + o.updated for o in result.objects)
        return f"{read:,} rows read, {changed:,} new or changed, {run.api_calls} API calls", result

    def check(self) -> tuple[str, Any]:
        from sfsync import api

        document = api.check(self.config, progress=self.tell).as_json()
        evaluated = sum(r["status"] != "not_evaluated" for r in document["rules"])
        return f"{evaluated} rules evaluated, {len(document['findings']):,} findings", document

    def dedupe(self) -> tuple[str, Any]:
        from sfsync import api

        clusters = api.dedupe(self.config, progress=self.tell).as_json()["clusters"]
        merge = sum(c["decision"] == "merge" for c in clusters)
        return f"{len(clusters)} clusters of duplicate leads: {merge} sure, {len(clusters) - merge} to review", clusters

    def make_plan(self) -> tuple[str, Any]:
        from sfsync import api

        made = api.plan(self.config, out=self.plan)
        return f"{len(made.changes):,} changes proposed, {len(made.refused)} refused by a guard", made

    def review(self) -> tuple[str, Any]:
        """What a person does with `sfsync plan accept --rule …` and `plan refuse`."""
        from sfsync.plan.file import read_plan, write_plan

        found = read_plan(self.plan)
        decided = [replace(c, decision="accepted" if self.meant(c) else "refused") for c in found.changes]
        write_plan(replace(found, changes=tuple(decided)), self.plan)
        accepted = sum(c.decision == "accepted" for c in decided)
        return f"{accepted:,} accepted, {len(decided) - accepted:,} left for a person to judge", None

    def push(self) -> tuple[str, Any]:
        from sfsync import api

        result = api.push(self.config, self.plan, allow_large=True, progress=self.tell)
        counts = {k: n for k, n in result.as_json()["outcomes"].items() if n}
        return ", ".join(f"{n} {k}" for k, n in counts.items()) or "nothing to do", result


def _planted_rules(org: Any) -> set[str]:
    rows = org.cursor().execute("SELECT DISTINCT code FROM practice_truth WHERE kind = 'defect'").fetchall()
    return {code for (code,) in rows}


def _score(org: Any, found: set[tuple[str, str]], clusters: list[set[str]]) -> dict[str, Any]:
    """How much of what was planted was found, and what was found besides."""
    truth = org.cursor().execute("SELECT kind, code, sobject, id, group_id FROM practice_truth").fetchall()
    planted = {(code, id) for kind, code, _, id, _ in truth if kind == "defect"}
    groups: dict[str, set[str]] = {}
    for kind, _, sobject, id, group in truth:
        if kind == "duplicate" and sobject == "Lead":
            groups.setdefault(group, set()).add(id)
    person = {id: group for group, ids in groups.items() for id in ids}
    right = [c for c in clusters if len({person.get(id, id) for id in c}) == 1]
    exact = {code for code, _ in planted}
    return {
        "defects": {
            "planted": len(planted),
            "found": len(planted & found),
            "wrong": sum(f not in planted for f in found if f[0] in exact),
        },
        "duplicates": {
            "planted": len(groups),
            "found": len({person[next(iter(c))] for c in right}),
            "wrong": len(clusters) - len(right),
        },
    }


def _last_words(score: Mapping[str, Any], loop: _Loop, folder: Path) -> str:
    defects, duplicates = score["defects"], score["duplicates"]
    return (
        f"Planted defects found: {defects['found']} of {defects['planted']}; wrong ones: {defects['wrong']}.\n"
        f"Planted groups of duplicate leads found: {duplicates['found']} of {duplicates['planted']}; wrong ones: "
        f"{duplicates['wrong']}.\n"
        f"Of the changes accepted, left to do after push and a second pull: {loop.left}.\n\n"
        f"Look around: sfsync status --config {folder}/config.yaml"
    )


def _clear(folder: Path) -> None:
    config = folder / "config.yaml"
    if folder.exists() and any(folder.iterdir()):
        if not config.exists() or not config.read_text(encoding="utf-8").startswith(MARK):
            fail(f"{folder} holds other files; name another folder with --folder.", 2)
        import shutil

        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)


def _write_config(folder: Path, server: PracticeServer) -> Path:
    path = folder / "config.yaml"
    path.write_text(
        f"{MARK}org:\n  instance_url: {server.url}\n  client_id: {server.credentials.client_id}\n"
        f"  client_secret: {server.credentials.client_secret}\nwarehouse: duckdb:///demo.duckdb\n",
        encoding="utf-8",
    )
    path.chmod(0o600)
    return path
