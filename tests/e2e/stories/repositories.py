"""Two git repositories of the stories: one that everybody can read, and one that is nobody's business."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

_AUTHOR = ("-c", "user.name=Porter", "-c", "user.email=porter@example.com", "-c", "commit.gpgsign=false")


@dataclass
class Repositories:
    """Where they are."""

    public: Path
    private: Path
    welcome: str = ""
    """The first commit of the public one."""
    start: str = ""
    """Its last commit that is known."""

    def make(self) -> None:
        """Make both, with one commit each."""
        for folder in (self.public, self.private):
            folder.mkdir(parents=True)
            git(folder, "init", "--quiet")
            # The server commits by its own name, and has none where there is no person.
            git(folder, "config", "user.name", "Porter")
            git(folder, "config", "user.email", "porter@example.com")
            self.commit(folder, "README.md", "Welcome.\n")
        hook = self.public / ".git" / "hooks" / "post-commit"
        hook.write_text("#!/bin/sh\ncat .git/HEAD .git/refs/heads/* > built.txt\ngit add built.txt\n")
        hook.chmod(0o755)
        self.welcome = git(self.public, "rev-parse", "HEAD").strip()

    def begin(self, readme: str, payroll: str) -> None:
        """Put words into a commit of each, where there are any."""
        git(self.public, "reset", "--quiet", "--hard", self.welcome)
        if readme:
            self.commit(self.public, "README.md", readme)
            self.commit(self.private, "payroll.txt", payroll)
        self.start = git(self.public, "rev-parse", "HEAD").strip()
        # The server commits what is staged, and nothing else: a person has left work here, and so does each build.
        (self.public / "built.txt").write_text(self.start)
        git(self.public, "add", "built.txt")

    def commit(self, folder: Path, name: str, text: str) -> None:
        """Commit a file."""
        (folder / name).write_text(text)
        git(folder, "add", name)
        git(folder, *_AUTHOR, "commit", "--quiet", "--allow-empty", "-m", f"Change {name}")

    def published(self) -> list[str]:
        """Return the messages of what was committed to the public one since this was asked last."""
        before, self.start = self.start, git(self.public, "rev-parse", "HEAD").strip()
        if before == self.start:
            return []
        said = git(self.public, "log", "--format=%B%x00", f"{before}..{self.start}")
        return [each.strip() for each in reversed(said.split("\0")) if each.strip()]


def git(folder: Path, *words: str) -> str:
    """Run git in a folder."""
    done = subprocess.run(["git", "-C", str(folder), *words], check=True, timeout=60, capture_output=True, text=True)
    return done.stdout
