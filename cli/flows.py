"""Commands on the conversations: prove them, draw them, talk to them."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from cli.output import AsJson, show_json
from core.app import EXAMPLE_LOCALE, TEXTS
from core.app.chat import CAPABILITIES
from core.engine import checks, diagram
from core.engine.checks import Severity
from core.engine.manifest import compare, manifest
from core.flows import all_flows
from core.kit.counts import counted
from core.kit.errors import Fault
from core.kit.texts import Texts

app = typer.Typer(help="The conversations: prove, draw and play them.", no_args_is_help=True)

MANIFEST = TEXTS.parent / "flows" / "manifest.json"


@app.command()
def check(*, as_json: AsJson = False) -> None:
    """Prove every conversation: no dead end, no missing word, every screen fits every channel."""
    flows = all_flows()
    found = checks.check(flows, Texts.load(TEXTS), tuple(CAPABILITIES.values()), EXAMPLE_LOCALE)
    if MANIFEST.exists():
        found += compare(json.loads(MANIFEST.read_text()), manifest(flows))
    errors = [finding for finding in found if finding.severity is Severity.ERROR]
    if as_json:
        show_json([asdict(finding) for finding in found])
    else:
        for finding in found:
            typer.echo(str(finding))
        screens = sum(len(flow.screens) for flow in flows.all)
        typer.echo(
            f"{counted(len(flows.all), 'conversation')}, {counted(screens, 'node')}, "
            f"{counted(len(errors), 'error')}"
        )
    if errors:
        raise Fault("conversations must not start like this")


@app.command()
def release() -> None:
    """Note the nodes of this release, which the next is compared with: do it once per release."""
    MANIFEST.write_text(json.dumps(manifest(all_flows()), indent=1, sort_keys=True) + "\n")
    typer.echo(f"Wrote {MANIFEST.name}")


@app.command("diagram")
def draw(
    name: Annotated[str | None, typer.Argument(help="One conversation; all when left out.")] = None,
    *,
    form: Annotated[str, typer.Option("--format", help="mermaid or svg.")] = "mermaid",
    out: Annotated[Path | None, typer.Option(help="A folder to write files into.")] = None,
) -> None:
    """Draw conversations as Mermaid text or SVG pictures."""
    flows = all_flows()
    if name is not None and name not in flows:
        raise Fault(f"no conversation {name!r}; there are: {', '.join(flows.by_name)}")
    if form not in {"mermaid", "svg"}:
        raise Fault("--format is mermaid or svg")
    drawing = diagram.svg if form == "svg" else diagram.mermaid
    for flow in flows.all if name is None else (flows[name],):
        if out is None:
            typer.echo(drawing(flow))
        else:
            out.mkdir(parents=True, exist_ok=True)
            suffix = "svg" if form == "svg" else "mmd"
            (out / f"{flow.name}.{suffix}").write_text(drawing(flow))


@app.command()
def play(
    msisdn: Annotated[str, typer.Option(help="Whose handset this is.")] = "08031234567",
    url: Annotated[str | None, typer.Option(help="A Callbox to dial; else the one here.")] = None,
) -> None:
    """A phone in the terminal: dial a running Callbox, or one that starts for the occasion."""
    from cli.play import main

    main(msisdn, url)
