"""The table of the corpus: the name of each text and the command whose output it is."""

from __future__ import annotations

WEB = "cd web && "
IDLE = "cd idle && "
ENGINE = "cd engine && "
LIB = "/srv/sources/python3.11"
DJANGO = "/srv/sources/django/django"
LANGUAGES = {"zh": "zh_Hans", "ja": "ja", "ko": "ko", "ru": "ru", "ar": "ar", "hi": "hi", "fr": "fr"}

RECIPES: dict[str, str] = {
    # git
    "git_log": IDLE + "git log",
    "git_log_stat": IDLE + "git log --stat",
    "git_log_oneline": IDLE + "git log --oneline --decorate --graph",
    "git_log_patch": IDLE + "git log -p -4 -- argparse.py heapq.py",
    "git_log_json": IDLE + """git log -40 --pretty='{"sha":"%H","author":{"name":"%an","email":"%ae","date":"%aI"},"tree":"%T","message":"%f"},' | sed '1s/^/[/;$s/,$/]/'""",
    "git_diff": IDLE + "git diff v3.10 v3.12 -- logging json",
    "git_diff_stat": IDLE + "git diff --stat v3.8 v3.13; git diff --numstat v3.8 v3.13",
    "git_show": IDLE + "git show $(git log --format=%h -1 v3.12 -- tarfile.py) $(git log --format=%h -1 v3.12 -- csv.py)",
    "git_blame": IDLE + "git blame heapq.py",
    "git_status": IDLE + "git status; git status --porcelain; git diff",
    "git_ls_files": IDLE + "git ls-files -s; git ls-tree -r -l v3.9",
    # listings
    "ls_la": f"ls -la {LIB}",
    "ls_laR": f"ls -laR {DJANGO}/contrib/auth",
    "ls_dates": WEB + "ls -lh --time-style=long-iso node_modules node_modules/zod",
    "find": f"find {DJANGO}/contrib -name '*.py'",
    "find_ls": WEB + "find node_modules/express node_modules/undici -type f -ls",
    "tree": "tree /srv/sources/anyio-4.9.0 /srv/sources/h11-0.16.0",
    "du": f"du -ah {DJANGO}/db {DJANGO}/http",
    "wc": f"wc {LIB}/*.py",
    # searches
    "grep_rn": f"grep -rn --include=*.py 'raise ValueError' {LIB}/email {LIB}/http {LIB}/logging {LIB}/asyncio {LIB}/json {LIB}/*.py",
    "grep_r": f"grep -r 'def __init__' {DJANGO}/forms",
    "grep_context": f"grep -rn -C2 'TimeoutError' {LIB}/asyncio",
    "grep_count": f"grep -rc 'import' {DJANGO}/core",
    "rg": f"rg -n 'class \\w+\\(' {DJANGO}/db/models --sort path",
    "rg_heading": WEB + "rg --heading --line-number --sort path 'export (declare )?(type|interface)' node_modules/zod/v4/core node_modules/undici/types -g '*.d.ts'",
    "rg_columns": f"rg --vimgrep --sort path 'async def' {LIB}/asyncio",
    # numbered reads
    "cat_n_py": f"cat -n {LIB}/heapq.py",
    "cat_n_py_h11": "cat -n /srv/sources/h11-0.16.0/h11/_connection.py",
    "cat_n_py_range": f"cat -n {LIB}/argparse.py | sed -n 400,760p",
    "cat_n_arrow": "cat -n /srv/sources/anyio-4.9.0/src/anyio/_core/_sockets.py | sed 's/\\t/→/'",
    "cat_n_md": "cat -n web/node_modules/zod/README.md web/node_modules/express/Readme.md",
    "cat_n_json": WEB + "cat -n package-lock.json",
    "cat_n_toml": "cat -n /srv/sources/anyio-4.9.0/pyproject.toml",
    "cat_n_js": WEB + "cat -n node_modules/undici/lib/core/util.js",
    "cat_n_ts": WEB + "cat -n node_modules/zod/src/v4/core/util.ts || cat -n node_modules/zod/v4/core/util.d.ts",
    "cat_n_rs": "cat -n /srv/sources/tiktoken-0.9.0/src/lib.rs",
    "cat_n_css": f"cat -n {DJANGO}/contrib/admin/static/admin/css/forms.css",
    # plain reads
    "py_asyncio": f"cat {LIB}/asyncio/locks.py",
    "py_django": f"cat {DJANGO}/db/migrations/autodetector.py",
    "js_plain": WEB + "cat node_modules/express/lib/response.js",
    "ts_types": WEB + "cat node_modules/undici/types/dispatcher.d.ts node_modules/zod/v4/classic/schemas.d.ts",
    "ts_module": "cat /srv/sources/tanstack-query-core/src/hydration.ts",
    "tsx_component": "cat /srv/sources/radix-ui-themes/src/components/dropdown-menu.tsx",
    "rs_plain": "cat /srv/sources/tiktoken-0.9.0/src/py.rs",
    "html_template": f"cat {DJANGO}/contrib/admin/templates/admin/*.html",
    "js_minified": f"cat {DJANGO}/contrib/admin/static/admin/js/vendor/jquery/jquery.min.js",
    "po_catalogue": f"cat {DJANGO}/contrib/auth/locale/de/LC_MESSAGES/django.po",
    "prompt_py": "cat shop/shop.py shop/records.py",
    # tests and builds
    "pytest_v": "cd /srv/sources/h11-0.16.0 && PYTHONPATH=. $VENV/pytest -v -p no:cacheprovider h11/tests",
    "pytest_fail": "cd shop/faulty && $VENV/pytest -p no:cacheprovider test_basket.py; $VENV/pytest -v -p no:cacheprovider test_basket.py",
    "unittest_v": "cd shop/faulty && $VENV/python -m unittest -v test_basket",
    "cargo_build": ENGINE + "rm -rf target && cargo build -v; cargo test; cargo run",
    "cargo_help": "cargo --list; cargo build --help; rustc --help -v",
    "gcc": "cd shop/faulty && gcc -Wall -Wextra -c broken.c -o /dev/null",
    "tsc": "cp shop/faulty/broken.ts web/ && cd web && npx tsc --noEmit --strict --pretty false broken.ts; npx tsc --noEmit --strict --pretty broken.ts; npx tsc --noEmit --listFiles broken.ts",
    "mypy": "cd idle/idlelib && $VENV/mypy --strict --cache-dir=/dev/null --show-error-context autocomplete.py history.py undo.py | head -250",
    "ruff": f"cd {LIB} && $VENV/ruff check --no-cache --isolated --select ALL csv.py shlex.py --output-format concise | head -220; $VENV/ruff check --no-cache --isolated --select B,SIM csv.py shlex.py",
    # packages
    "pip_install": "$PIP install -v --force-reinstall --no-cache-dir rich==14.0.0 httpx==0.28.1",
    "pip_list": "$PIP list; $PIP freeze",
    "pip_inspect": "$PIP inspect | head -c 30000",
    "npm_install": "cat /srv/log/npm_install.txt",
    "npm_ls_json": WEB + "npm ls --all --json",
    "npm_ls": WEB + "npm ls --all",
    "npm_view": WEB + "npm view express --json",
    "dpkg_l": "dpkg -l | head -260",
    "dpkg_log": "head -400 /var/log/dpkg.log",
    "apt_show": "apt-cache show nginx redis-server ripgrep git; apt-cache policy git; apt-get install -s nginx",
    # the machine
    "ps_aux": "cat /srv/log/ps_aux.txt /srv/log/ps_forest.txt /srv/log/ss.txt",
    "df": "df -h / /dev /dev/shm; df -i / /dev /dev/shm; free -h; mount -t proc,sysfs,devpts; cat /proc/meminfo",
    "environment": "python3 shop/records.py env; python3 shop/records.py env | sort -r | sed 's/^/export /'",
    "stat": f"stat {LIB}/a*.py {LIB}/b*.py",
    # services
    "nginx_access": "cat /srv/log/nginx_access.log",
    "nginx_error": "cat /srv/log/nginx_error.log",
    "redis_log": "cat /srv/log/redis.log /srv/log/redis_info.txt",
    "postgres_log": "cat /srv/log/postgres.log",
    "psql": "cat /srv/log/psql.txt",
    "http_server": "cat /srv/log/http_server.log",
    "service_log": "cat /srv/log/service.log",
    "service_jsonl": "cat /srv/log/service.jsonl",
    "python_v": "cd shop/faulty && $VENV/python -v -c 'import json' 2>&1",
    # data
    "issues_json": "python3 shop/records.py issues",
    "issues_min_json": "python3 shop/records.py issues-min",
    "measurements_json": "python3 shop/records.py measurements-json",
    "orders_csv": "python3 shop/records.py orders-csv",
    "orders_ndjson": "python3 shop/records.py orders-ndjson",
    "measurements_tsv": "python3 shop/records.py measurements-tsv",
    "identifiers": "python3 shop/records.py identifiers",
    "issues_yaml": "python3 shop/records.py yaml",
    "base64": f"gzip -9nc {LIB}/heapq.py | base64; gzip -9nc {LIB}/bisect.py | base64 -w0",
    "hexdump": f"head -c 5000 {LIB}/../h11-0.16.0.tar.gz | od -A x -t x1z; sha256sum {LIB}/[a-c]*.py",
    # documents
    "pydoc_html": "cd /srv/data && python3 -m pydoc -w heapq > /dev/null && cat heapq.html",
    "pydoc_text": "python3 -m pydoc textwrap",
    "rst": "cat /srv/sources/h11-0.16.0/docs/source/api.rst",
    "news": "zcat /usr/share/doc/python3.11/NEWS.gz | sed -n 1,420p",
    "changelog_md": "cat web/node_modules/typescript/README.md web/node_modules/vite/README.md web/node_modules/undici/README.md",
    "help": "git log -h; rg --help; python3 --help",
    # tracebacks
    "traceback_py": "python3 shop/faulty/crash.py",
    "traceback_js": "cp shop/faulty/crash.js web/ && cd web && node crash.js",
    "traceback_java": "mkdir -p /srv/data/java && javac -d /srv/data/java -Xlint:all shop/faulty/Crash.java && java -cp /srv/data/java Crash",
    "boxes": "for part in table panel box markdown; do $VENV/python -m rich.$part; done; $VENV/python -m rich.markdown -w 90 web/node_modules/express/Readme.md | sed 's/\\x1b[^m]*m//g'",
    "emoji": "cat shop/prose/emoji.md",
} | {
    f"prose_{short}": f"cat shop/prose/{short}.md; for app in conf contrib/auth contrib/admin; do python3 shop/messages_of.py {DJANGO}/$app/locale/{long}/LC_MESSAGES/django.po; done | awk 'length > 40'"
    for short, long in LANGUAGES.items()
}
