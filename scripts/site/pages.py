"""Turns executed notebooks into fragments of HTML with nbconvert and the template beside this file.

stdin is one line of JSON: {"pages": [{"source", "target", "cwd"}], "css": path}. Each notebook's fragment goes to its
`target`, the colours of highlighted code to `css`. Formulas are left as `<span class="tex">`, for KaTeX to set.
"""

import json
import sys
from html import escape
from pathlib import Path

import nbformat
from jinja2 import pass_context
from nbconvert.exporters import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from pygments.formatters import HtmlFormatter
from traitlets.config import Config


class Renderer(IPythonRenderer):
    """Markdown to HTML, formulas marked but not set."""

    @staticmethod
    def tex(body, display):
        kind = ' data-display="true"' if display else ""
        return f'<span class="tex"{kind}>{escape(body)}</span>'

    def block_math(self, body):
        return self.tex(body, True)

    def inline_math(self, body):
        return self.tex(body, False)

    def latex_environment(self, name, body):
        return self.tex(f"\\begin{{{name}}}{body}\\end{{{name}}}", True)


class Exporter(HTMLExporter):
    @pass_context
    def markdown2html(self, context, source):
        cell = context.get("cell", {})
        renderer = Renderer(escape=False, attachments=cell.get("attachments", {}), anchor_link_text="#")
        return MarkdownWithMath(renderer=renderer).render(source)


def exporter():
    config = Config()
    config.NbConvertBase.display_data_priority = [
        "application/vnd.plotly.v1+json",
        "text/html",
        "text/markdown",
        "image/svg+xml",
        "text/latex",
        "image/png",
        "image/jpeg",
        "text/plain",
    ]
    here = Path(__file__).parent
    return Exporter(config=config, extra_template_basedirs=[str(here / "template")], template_name="write-up")


def number_cells(notebook):
    """Numbers the code cells in order, as JupyterLab would had it just run them all."""
    number = 0
    for cell in notebook.cells:
        if cell.cell_type == "code" and cell.source.strip():
            number += 1
            cell.execution_count = number


def main():
    order = json.loads(sys.stdin.readline())
    html = exporter()
    for page in order["pages"]:
        notebook = nbformat.read(page["source"], as_version=4)
        number_cells(notebook)
        body, _ = html.from_notebook_node(notebook)
        Path(page["target"]).write_text(body, encoding="utf-8")
    light = HtmlFormatter(style="xcode").get_style_defs(".highlight")
    dark = HtmlFormatter(style="github-dark").get_style_defs(".highlight")
    css = f"{light}\n@media screen and (prefers-color-scheme: dark) {{\n{dark}\n}}\n"
    Path(order["css"]).write_text(css, encoding="utf-8")


if __name__ == "__main__":
    main()
