"""The pages for people: no link leads nowhere, and no command names a target or an option that is not there."""

import pathlib
import re
import unittest

from scripts.chart import ROOT

PAGES = sorted([ROOT / "README.md", ROOT / "COMPATIBILITY.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "charts").rglob("*.md")])


# Messages of the API server, the kubelet and the server of the secrets, and what people wrote themselves.
SAID_BY_OTHERS = {
    "agent-inject-status: injected",
    "failed calling webhook",
    "service account name not authorized",
    "namespace not authorized",
    "invalid role name",
    "Vault is sealed",
    "CreateContainerConfigError",
    "vault.read(secret/x)",
}


def anchors(page: pathlib.Path) -> set[str]:
    """The fragments of its headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", re.sub(r"^```.*?^```", "", page.read_text(), flags=re.M | re.S), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


class Pages(unittest.TestCase):
    def test_every_link_leads_somewhere(self) -> None:
        seen = 0
        for page in PAGES:
            for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
                if re.match(r"[a-z]+:", target):
                    continue
                seen += 1
                file, _, fragment = target.partition("#")
                found = (page.parent / file) if file else page
                self.assertTrue(found.exists(), f"{page.relative_to(ROOT)}: {target}")
                if fragment:
                    self.assertIn(fragment, anchors(found), f"{page.relative_to(ROOT)}: {target}")
        self.assertGreater(seen, 20)

    def test_every_make_target_exists(self) -> None:
        targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.M))
        for page in PAGES:
            for target in re.findall(r"(?:^|`)make ([a-z0-9-]+)", page.read_text(), re.M):
                self.assertIn(target, targets, page.relative_to(ROOT))

    def test_every_value_of_the_chart_that_is_named_exists(self) -> None:
        schema = (ROOT / "charts/pannier/values.schema.json").read_text()
        for page in PAGES:
            for path in re.findall(r"--set ([A-Za-z.]+)=", page.read_text()):
                for part in path.split("."):
                    self.assertIn(f'"{part}"', schema, page.relative_to(ROOT))

    def test_every_message_that_a_page_starts_from_is_one_that_the_code_can_say(self) -> None:
        sources = "".join(file.read_text() for file in sorted((ROOT / "crates").rglob("*.rs")))
        # A message broken into lines in the source is whole again.
        sources = re.sub(r"\\\n\s*", "", sources)
        seen = 0
        for row in re.findall(r"^\| (?!---)([^|]*) \|", (ROOT / "docs" / "troubleshooting.md").read_text(), re.M):
            for message in re.findall(r"`([^`]+)`", row):
                for part in re.split(r'\.\.\.|…|\b[XY]\b|"\.\.\."|[\d.]+: the', message):
                    part = part.strip(' :,"')
                    if len(part) > 5 and part not in SAID_BY_OTHERS:
                        seen += 1
                        self.assertIn(part, sources, message)
        self.assertGreater(seen, 25)

    def test_the_reference_pages_can_be_found_from_the_readme(self) -> None:
        readme = (ROOT / "README.md").read_text()
        for page in sorted((ROOT / "docs").rglob("*.md")):
            self.assertIn(str(page.relative_to(ROOT)), readme)


if __name__ == "__main__":
    unittest.main()
