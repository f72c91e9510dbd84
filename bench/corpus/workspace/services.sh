#!/bin/bash
# Start nginx, redis, PostgreSQL, Python's http.server and the shop on the loopback, use them, keep their logs in
# /srv/log and stop them. To be run in a process namespace of its own, so that `ps` shows nothing else.
set -uo pipefail
tools=$1
here=$(dirname "$(readlink -f "$0")")
export PATH=$tools/usr/sbin:$tools/usr/bin:/usr/lib/postgresql/15/bin:/usr/sbin:/usr/bin:/sbin:/bin
export LD_LIBRARY_PATH=$tools/usr/lib/x86_64-linux-gnu
rm -rf /srv/data && mkdir -p /srv/data/nginx /srv/data/pages /srv/run && cd /srv/data
cp -r /srv/sources/h11-0.16.0/docs/source/. pages

cat > nginx.conf <<'CONF'
user nobody nogroup; worker_processes 2; pid /srv/run/nginx.pid; error_log /srv/log/nginx_error.log info;
events { worker_connections 64; }
http {
  access_log /srv/log/nginx_access.log combined;
  client_body_temp_path /srv/data/nginx/b; proxy_temp_path /srv/data/nginx/p; fastcgi_temp_path /srv/data/nginx/f;
  uwsgi_temp_path /srv/data/nginx/u; scgi_temp_path /srv/data/nginx/s;
  limit_req_zone $request_uri zone=one:1m rate=5r/s;
  server { listen 127.0.0.1:18080; root /srv/data/pages;
    location /api/ { proxy_pass http://127.0.0.1:18099; } location /slow { limit_req zone=one; } }
}
CONF
rm -f /srv/log/*.log /srv/log/*.jsonl
nginx -c /srv/data/nginx.conf -p /srv/data
redis-server --port 16379 --bind 127.0.0.1 --dir /srv/data --logfile /srv/log/redis.log --loglevel verbose --save 1 1 --daemonize no &
redis=$!
mkdir -p pg && chown postgres pg /srv/run && chmod 777 /srv/log
setpriv --reuid=postgres --regid=postgres --clear-groups initdb -D pg --locale=C.UTF-8 > /srv/log/initdb.txt 2>&1
setpriv --reuid=postgres --regid=postgres --clear-groups postgres -D pg -k /srv/run -c listen_addresses= -c log_statement=all \
  -c log_duration=on -c log_connections=on -c log_disconnections=on -c log_checkpoints=on -c log_line_prefix='%m [%p] %u@%d ' > /srv/log/postgres.log 2>&1 &
postgres=$!
python3 -m http.server 18081 --bind 127.0.0.1 --directory /srv/data/pages > /srv/log/http_server.log 2>&1 &
pages=$!
for _ in $(seq 50); do psql -h /srv/run -U postgres -c 'SELECT 1' > /dev/null 2>&1 && break; sleep 0.2; done

psql -h /srv/run -U postgres -a -f "$here/faulty/queries.sql" > /srv/log/psql.txt 2>&1
agents=("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0" "curl/7.88.1" "kube-probe/1.29" "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Version/17.5 Mobile/15E148 Safari/604.1")
cd pages
for round in 1 2 3 4 5 6; do
  for path in $(find . -type f | sort) missing.html "api/orders?page=$round&size=50" "search?q=tea%20pot&lang=fr" slow slow slow; do
    curl -s -o /dev/null -A "${agents[$(( (round + ${#path}) % 4 ))]}" -e "http://127.0.0.1:18080/" "http://127.0.0.1:18080/${path#./}"
    curl -s -o /dev/null "http://127.0.0.1:18081/${path#./}?v=$round"
  done
  for n in 1 2 3 4 5 6 7 8; do redis-cli -p 16379 set "cart:$round:$n" "$RANDOM" > /dev/null; done
  redis-cli -p 16379 info > /srv/log/redis_info.txt
  psql -h /srv/run -U postgres -q -c "UPDATE orders SET count = count + 0 WHERE id % 7 = $round" -c CHECKPOINT > /dev/null 2>&1
done
redis-cli -p 16379 bgsave > /dev/null
python3 "$here/shop.py" /srv/log
ps aux > /srv/log/ps_aux.txt
ps -eo pid,ppid,user,stat,rss,etime,args --forest > /srv/log/ps_forest.txt
ss -tlnp > /srv/log/ss.txt
kill "$redis" "$pages" "$(cat /srv/run/nginx.pid)"
kill -INT "$postgres"
wait
