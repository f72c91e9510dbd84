r"""What installers and builders print while all goes well, by what the lines say was done.

    "downloaded": "Downloading idna-3.20-py3-none-any.whl (69 kB)", "Get:12 http://deb.debian.org …", "go: downloading …"
    "compiled": "   Compiling serde v1.0.219", "[ 12%] Building CXX object …", "gcc -O2 -c -o a.o a.c"

A pattern matches a whole line and has a place for free text only where nothing but success is told in such words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

_SIZE = r"[\d.,]+ ?[kKMG]?i?B(?:ytes)?"
_COMPILER = r"(?:[\w.-]+-)?(?:gcc|g\+\+|cc|c\+\+|clang|clang\+\+|ar|ranlib|ld|nvcc|ccache|rustc|javac|gfortran)(?:-[\d.]+)?"

PROGRESS: Mapping[str, Sequence[str]] = {
    "collected": [r"Collecting [A-Za-z0-9].*", r"Processing /\S+"],
    "downloaded": [
        rf"Downloading \S+(?: \({_SIZE}\))?", rf"Using cached \S+(?: \({_SIZE}\))?", r"Obtaining dependency information for \S+ from \S+",
        r"[━╸╺╴][━╸╺╴ ]*[\d.]+/[\d.]+ [kMG]?B .*", r"\|[█▏▎▍▌▋▊▉ ]+\| .*",
        r"Download(?:ing|ed) \S+ v\d\S*(?: \(.*\))?", r"Downloading crates \.\.\.",
        r"go: (?:downloading|extracting|finding|found|added|upgraded) \S.*",
        rf"(?:\[INFO\] )?Download(?:ing|ed)(?: from \S+)?: https?://\S+(?: \({_SIZE} at {_SIZE}/s\))?", r"Download https?://\S+(?: \(.*\))?", r"Progress \(\d+\): .*",
        r"(?:Get|Hit):\d+ \S+ .*", rf"\(\d+/\d+\): \S+ .*{_SIZE}.*",
        r"npm (?:info )?http (?:fetch )?(?:GET|POST|HEAD) [23]\d\d \S+ \d+ms.*", r"npm (?:info )?http cache \S+ \d+ms.*",
        r"➤ YN00(?:13|19): .*", rf"sha256:[0-9a-f]+ +(?:{_SIZE} / )?{_SIZE}.*", r"extracting sha256:[0-9a-f]+.*",
        r"[0-9a-f]{12}: (?:Pulling fs layer|Waiting|Downloading.*|Verifying Checksum|Download complete|Extracting.*|Pull complete|Already exists|Preparing|Pushing.*|Pushed|Layer already exists|Mounted from \S+)",
        r"- Downloading \S+ \(\S+\)", r"(?:remote: )?(?:Enumerating|Counting|Compressing|Receiving|Writing|Updating) (?:objects|files): +\d+% \(\d+/\d+\)(?!.*done).*",
        r"Resolving deltas: +\d+% \(\d+/\d+\)", r"\d+[KM] (?:[. ]{10,}) +\d+% .*", r"==> (?:Downloading|Fetching) \S+",
    ],
    "already there": [
        r"Requirement already (?:satisfied|up-to-date): .*", r"Using [\w-]+ [\d.]+\S*", r"> Task \S+ (?:UP-TO-DATE|NO-SOURCE|FROM-CACHE|SKIPPED)",
        r"\S+ is already the newest version \(.*\)\.", r"Fresh \S+ v\d\S*(?: \(.*\))?", r"CACHED",
    ],
    "prepared": [
        r"(?:Preparing metadata|Getting requirements to build \w+|Installing build dependencies|Installing backend dependencies|Checking if build backend supports \w+|Preparing editable metadata|Building (?:wheel|editable) for \S+|Preparing wheel metadata)(?: \(\S+\))?(?:: started|: finished with status 'done'|: still running\.\.\.| ?\.\.\. ?(?:done)?)",
        r"Created wheel for \S+: filename=\S+ .*", r"Stored in directory: \S+",
    ],
    "replaced": [
        r"Attempting uninstall: \S+", r"Found existing installation: \S+ \S+", r"Uninstalling \S+:", r"Successfully uninstalled \S+", r"Removing file or directory \S+", r"changing mode of \S+ to \d+",
    ],
    "unpacked": [
        r"Selecting previously unselected package \S+\.", r"\(Reading database \.\.\. .*", r"Preparing to unpack \S+ \.\.\.", r"Unpacking \S+ \(\S+\)(?: over \(\S+\))? \.\.\.", r"(?:inflating|extracting|creating): \S+",
    ],
    "installed": [
        r"Setting up \S+ \(\S+\) \.\.\.", r"Processing triggers for \S+ \(\S+\) \.\.\.", r"update-alternatives: using .*", r"(?:Installing|Verifying|Preparing|Upgrading|Running scriptlet|Cleanup) +: \S+ +\d+/\d+",
        r"\(\d+/\d+\) (?:Installing|Upgrading|Purging|Replacing) \S+ \(\S+\)", r"- (?:Installing|Locking|Upgrading) \S+ \(.*\)(?:: Extracting archive)?", r"(?:Fetching|Installing) [\w-]+ \d[\w.]*(?: with native extensions)?",
        r"(?:-- )?(?:Installing|Up-to-date): /\S+", r"[├└]─ \S+@\S+",
    ],
    "compiled": [
        r"(?:Compiling|Checking|Documenting) \S+ v\d\S*(?: \(.*\))?", r"Running `\S*rustc .*`",
        r"\[ *\d+%\] (?:Building|Linking|Generating|Automatic|Built|Scanning|Creating|Copying|Running) .*", r"\[\d+/\d+\] (?:Building|Linking|Compiling|Generating|Creating|Copying|Scanning|Automatic) .*",
        rf"\[\d+/\d+\] (?:: && )?(?:\S*/)?{_COMPILER} .*", rf"(?:libtool: (?:compile|link): +)?(?:\S*/)?{_COMPILER} +(?:-\S|\S*[./]\S)[^:].*", r"(?:CC|CXX|LD|AR|AS|HOSTCC|HOSTCXX|HOSTLD|GEN|CPP|OBJCOPY|STRIP|CCLD|CXXLD|UPD|MODPOST|BTF|DTC|VDSO)(?: \[M\])? +[\w./+-]+",
        r"(?:Built target|Scanning dependencies of target) \S+", r"(?:\./|\../)?\S+ [\d.]+ (?:bytes|[KM]iB) (?:\[[a-z][a-z ]*\] ?)+", r"transforming \(\d+\) \S+",
    ],
    "make steps": [
        r"\w*make(?:\[\d+\])?: (?:Entering|Leaving) directory .*", r"\w*make\[\d+\]: Nothing to be done for .*", r"(?:\S*/)?g?make +-f \S+ \S+", r"(?:cd \S+ && )?(?:\S*/)cmake +-[ESP].*",
        r"Consolidate compiler generated dependencies of target \S+", r"(?:mkdir -p|/usr/bin/install -c|/usr/bin/mkdir -p) \S.*",
    ],
    "checked": [
        r"checking (?:for|whether|how|if|that|build|host|dependency) ?.*\.\.\. (?:\(cached\) )?(?:yes|ok|done|found|none needed|/\S+)", r"config\.status: (?:creating|executing) .*",
        r"-- (?:Looking for|Performing Test|Check(?:ing)?|Detecting) .* - (?:found|Success|works|done|skipped|yes)", r"-- (?:Looking for|Performing Test|Detecting|Check for working) [^-]*",
    ],
    "resolved": [
        r"(?:Locking|Adding|Updating|Downgrading|Unchanged) \S+ v\d\S*.*", r"Progress: resolved \d+, reused \d+, downloaded \d+, added \d+", r"\S+: (?:Refreshing state\.\.\.|Still \w+ing\.\.\.|Reading\.\.\.|Read complete after) ?.*",
    ],
    "tasks": [r"> Task :\S+", r"DONE [\d.]+s", r"\[internal\] load .*", r"transferring (?:context|dockerfile): .*", r"resolve \S+(?: [\d.]+s)? ?(?:done)?", r"(?:exporting|writing|naming|unpacking|preparing|sending) \S.* (?:[\d.]+s )?done"],
    "npm details": [r"npm (?:timing|sill|silly|verb|verbose) .*"],
}
"""By unit, each with the lines of several tools; indentation and the prefixes of steps are taken off before."""

ROUTINE = re.compile(
    r"(?:\d{4}-\d\d-\d\dT[\d:.]+Z )?(?:#\d+ (?:[\d.]+ )?)?[ \t]*(?!\s)(?:" + "|".join(f"(?P<{unit.replace(' ', '_')}>{'|'.join(patterns)})" for unit, patterns in PROGRESS.items()) + r")\Z"
)
"""The group that matched is the unit. A time of CI and the number and time of a step of docker may stand before."""
