-- What the catalogue and the tables tell about months. The parents' names are given as parameters, so that one statement
-- serves all three.
-- noqa: disable=RF02,RF04

-- name: partitions
-- The partitions of $1, as their period calls them, with their size in bytes.
SELECT
    substring(children.relname FROM length($1) + 2) AS name,
    pg_total_relation_size(children.oid) AS bytes
FROM pg_inherits AS links
INNER JOIN pg_class AS children ON links.inhrelid = children.oid
WHERE links.inhparent = $1::text::regclass AND children.relname <> $1 || '_default'
ORDER BY children.relname;

-- name: indexes
SELECT places.indexrelid::regclass::text AS name
FROM pg_index AS places
WHERE places.indrelid = $1::text::regclass;
