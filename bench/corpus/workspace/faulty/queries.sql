CREATE TABLE orders (id serial PRIMARY KEY, item text NOT NULL, count int CHECK (count > 0), town text, placed timestamptz);
INSERT INTO orders (item, count, town, placed) SELECT (ARRAY['teapot','cup','kettle'])[1 + i % 3], 1 + i % 9, (ARRAY['Bergen','Graz','Tampere','Aix-en-Provence'])[1 + i % 4], timestamptz '2025-03-01 07:00+00' + i * interval '37 minutes' FROM generate_series(1, 4000) i;
CREATE INDEX orders_town ON orders (town, placed);
ANALYZE orders;
SELECT * FROM orders ORDER BY placed LIMIT 60;
SELECT town, item, count(*), sum(count), min(placed), max(placed) FROM orders GROUP BY 1, 2 ORDER BY 1, 2;
\x on
SELECT * FROM orders WHERE town = 'Graz' ORDER BY placed DESC LIMIT 12;
\x off
EXPLAIN (ANALYZE, BUFFERS) SELECT o.town, count(*) FROM orders o JOIN orders p ON o.town = p.town AND o.placed > p.placed - interval '1 day' WHERE p.item = 'cup' AND p.id < 300 GROUP BY 1;
\d+ orders
SELECT nothing FROM orders;
INSERT INTO orders (item, count) VALUES ('cup', 0);
INSERT INTO orders (count) VALUES (2);
SELECT * FROM order_lines;
