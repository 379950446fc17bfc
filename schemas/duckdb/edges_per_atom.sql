-- Edges per atom: atoms by the size of their neighbourhood; above the number asked for where a shell is kept whole.
WITH neighbourhood AS (
    SELECT material_id, target_site AS site, count(*) AS edges, max(distance_angstrom) AS farthest
    FROM edges
    GROUP BY material_id, target_site
), atom AS (
    SELECT coalesce(edges, 0) AS edges, farthest
    FROM sites LEFT JOIN neighbourhood USING (material_id, site)
)
SELECT
    edges,
    count(*) AS atoms,
    round(100 * count(*) / sum(count(*)) OVER (), 2) AS "share %",
    round(median(farthest), 3) AS "median farthest Å",
    bar(count(*), 0, max(count(*)) OVER (), 40) AS histogram
FROM atom
GROUP BY edges
ORDER BY edges;
