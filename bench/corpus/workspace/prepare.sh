#!/bin/bash
# Build the neutral workspace /srv/app in which every program of the corpus runs.
# Usage: prepare.sh PYTHONS, a folder with the libraries of several CPython versions (PYTHONS/3.8/lib/python3.8 …).
set -euo pipefail
pythons=$1
here=$(dirname "$(readlink -f "$0")")
export HOME=/srv/home
export PIP_CONFIG_FILE=/dev/null PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_PROGRESS_BAR=off NPM_CONFIG_USERCONFIG=/dev/null
mkdir -p /srv/home /srv/app /srv/log /srv/sources
rm -rf /srv/app/shop && cp -r "$here" /srv/app/shop

# A repository whose history is CPython's own: idlelib and friends, version by version, with the NEWS of the
# later version as messages. Names and dates are invented, so that every run gives the same hashes.
history() {
  mkdir -p /srv/app/idle && cd /srv/app/idle
  git init -q -b main
  git config user.name "Mira Okafor" && git config user.email mira@example.org
  local stamp=1600000000 n=0 version old=""
  local names=("Mira Okafor" "Jonas Weber" "Li Wen" "Ana Souza" "T. Hakala")
  zcat /usr/share/doc/python3.11/NEWS.gz | python3 "$here/messages.py" > /srv/sources/messages
  mapfile -d '' messages < /srv/sources/messages
  for version in 3.8 3.9 3.10 3.11 3.12 3.13; do
    for module in idlelib argparse.py json logging email csv.py tarfile.py http heapq.py; do
      rm -rf "$module"
      cp -r "$pythons/$version/lib/python$version/$module" .
      find . -name __pycache__ -prune -exec rm -rf {} +
      if [ "$module" = idlelib ]; then rm -rf idlelib/idle_test idlelib/Icons idlelib/*.txt idlelib/help.html; fi
      git add -A
      git diff --cached --quiet && continue
      stamp=$((stamp + 86400 + n * 7919 % 50000)); n=$((n + 1))
      local name=${names[$((n % 5))]}
      GIT_AUTHOR_NAME=$name GIT_AUTHOR_EMAIL="$(tr 'A-Z ' 'a-z.' <<< "$name")@example.org" \
      GIT_COMMITTER_DATE="$stamp +0200" GIT_AUTHOR_DATE="$stamp +0200" \
        git commit -q -m "${messages[$n]}"
    done
    git tag "v$version"
  done
  printf 'import os\n\n\ndef here() -> str:\n    return os.getcwd()\n' > json/where.py
  sed -i 's/indent=None/indent=2/' json/__init__.py
}

libraries() {
  cp -r "$pythons/3.11/lib/python3.11" /srv/sources/python3.11
  cd /srv/sources
  python3 -m pip download -q --no-deps --no-binary :all: h11==0.16.0 anyio==4.9.0
  python3 -m pip download -q --no-deps --no-binary :all: tiktoken==0.9.0
  python3 -m pip download -q --no-deps Django==5.2
  for archive in *.tar.gz; do tar xf "$archive"; done
  mkdir -p django && cd django && unzip -qo ../?jango-*.whl
}

packages() {
  python3 -m venv --without-pip /srv/app/.venv
  python3 -m pip --python /srv/app/.venv/bin/python install -q pytest==8.3.5 mypy==1.15.0 ruff==0.11.8 rich==14.0.0 httpx==0.28.1
  mkdir -p /srv/app/web && cd /srv/app/web
  printf '{"name":"web","version":"1.0.0","private":true,"dependencies":{"zod":"3.25.76","express":"4.21.2","undici":"6.21.3"},"devDependencies":{"typescript":"5.8.3","vite":"6.3.5"}}\n' > package.json
  npm install --loglevel http > /srv/log/npm_install.txt 2>&1
  mkdir -p /srv/app/engine && cd /srv/app/engine
  cp -r "$here/engine/." .
}

sources() {
  cd /srv/sources
  for package in @tanstack/query-core@5.108.0 @radix-ui/themes@3.3.0; do
    name=$(echo "${package%@*}" | tr -d @ | tr / -) && mkdir -p "$name"
    tar -xzf "$(npm pack --silent "$package")" -C "$name" --strip-components 1
  done
}

[ -d /srv/sources/tanstack-query-core ] || sources
[ -d /srv/sources/django ] || libraries
[ -d /srv/app/idle ] || history
[ -d /srv/app/web ] || packages
